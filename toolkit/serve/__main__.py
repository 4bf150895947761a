"""`python -m toolkit.serve`: the service's command line, on argparse alone."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from toolkit.runtime.files import set_encodings
from toolkit.runtime.stopping import ended

PROGRAM = "python -m toolkit.serve"


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; return the exit code: 1 a proof or replay failed, 2 bad input, 130, 143 a signal."""
    set_encodings()
    args = _parser().parse_args(argv)
    return ended(PROGRAM, lambda: _run(args), args.verbose)


def _run(args: argparse.Namespace) -> int:
    from toolkit.serve.limits import limits_of
    from toolkit.serve.models import Options  # numpy and onnxruntime: not for --help
    from toolkit.serve.server import serve

    return serve(
        args.artifacts or [os.environ.get("TOOLKIT_BUNDLE", "models")],
        Options(args.threads, args.unproved, args.require_signature),
        limits_of(args.max_body, args.max_rows, args.max_requests, args.timeout),
        host=args.host,
        port=args.port,
        as_json=args.json,
        verbose=args.verbose,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    parser.add_argument(
        "artifacts", nargs="*", metavar="ARTIFACT", help="an .onnx or .pack file, or a directory"
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument(
        "--port", type=int, default=os.environ.get("TOOLKIT_PORT") or "8080", help="0 for any"
    )
    parser.add_argument("--max-body", default="16M", metavar="SIZE", help="of a request")
    parser.add_argument("--max-rows", type=int, default=10_000, metavar="N", help="of a request")
    parser.add_argument(
        "--max-requests", type=int, default=64, metavar="N", help="under way at the same time"
    )
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="for a request to be there"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="onnxruntime's, for one call")
    parser.add_argument("--unproved", action="store_true", help="use a model whose proof failed")
    parser.add_argument(
        "--require-signature",
        metavar="PUBKEY",
        default=os.environ.get("TOOLKIT_REQUIRE_SIGNATURE") or None,
        help="use only what was signed with this public key (a PEM file)",
    )
    parser.add_argument("--json", action="store_true", help="print the address as JSON")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="a line for each request; tracebacks"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
