"""`python -m toolkit.runtime`: the edge's command line, on argparse alone."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from toolkit.runtime.files import reader_left, set_encodings
from toolkit.runtime.stopping import ended

PROGRAM = "python -m toolkit.runtime"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (0 done, 1 parity failed, 2 bad input)."""
    set_encodings()
    args = _parser().parse_args(argv)
    return ended(PROGRAM, lambda: _ended(args), args.verbose)


def _ended(args: argparse.Namespace) -> int:
    """Run the command; it ends well where the reader of its output went away."""
    try:
        code = _run(args)
        sys.stdout.flush()
        return code
    except OSError as error:
        if not reader_left(error):
            raise
        # Python would complain while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(args: argparse.Namespace) -> int:
    if args.limit_memory is not None or args.limit_seconds is not None:
        _limit(args)
    from toolkit.runtime import commands  # numpy and onnxruntime: not for --help

    key = args.require_signature
    if args.command == "predict":
        return commands.predict(
            args.artifact,
            args.input,
            args.output,
            args.json,
            args.unproved,
            key,
            proba=args.proba,
            columns=args.columns,
            read_as=args.read_as,
            write_as=args.write_as,
        )
    if args.command == "verify":
        return commands.verify(args.directory, args.json, args.unproved, key)
    if args.command == "inspect":
        return commands.inspect(args.artifact, args.json, key)
    return commands.replay(args.directory, args.json, args.unproved, key)


def _limit(args: argparse.Namespace) -> None:
    from toolkit.runtime import bounds

    if args.limit_memory is not None:
        bounds.limit_memory(args.limit_memory, "toolkit.runtime.commands")
    if args.limit_seconds is not None:
        bounds.limit_seconds(args.limit_seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__, formatter_class=_formatter)
    # The image's default command is `replay`, on the bundle that the environment names.
    bundle = os.environ.get("TOOLKIT_BUNDLE", "models")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog=PROGRAM)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, formatter_class=_formatter)

    predict = add("predict", "predict the rows of a file or of standard input")
    predict.add_argument("artifact", help="an .onnx or .pack file, or a model directory")
    files = ".csv, .json, .jsonl or .npz file"
    predict.add_argument("--input", default="-", help=f"{files}, or - (the default)")
    predict.add_argument("--output", default="-", help=f"{files}, or - (the default)")
    predict.add_argument("--proba", action="store_true", help="write the probabilities alone")
    predict.add_argument(
        "--columns", default="", metavar="A,B", help="write these columns or outputs alone"
    )
    kinds = ("csv", "json", "jsonl")
    predict.add_argument("--from", dest="read_as", choices=kinds, help="what the input is")
    predict.add_argument("--to", dest="write_as", choices=kinds, help="what is written")
    verify = add("verify", "check hashes and replay the golden rows")
    verify.add_argument("directory", nargs="?", default=bundle, help="a model directory")
    inspect = add("inspect", "show what an artifact holds")
    inspect.add_argument("artifact", help="an .onnx or .pack file, or a model directory")
    replay = add("replay", "print true and predicted values of the golden rows")
    replay.add_argument("directory", nargs="?", default=bundle, help="a model directory")
    for command in (predict, verify, replay):
        command.add_argument(
            "--unproved", action="store_true", help="use a model whose proof failed"
        )
    for command in (predict, verify, inspect, replay):
        command.add_argument(
            "--require-signature",
            *(["--key"] if command is verify else []),
            metavar="PUBKEY",
            default=os.environ.get("TOOLKIT_REQUIRE_SIGNATURE") or None,
            help="use only what was signed with this public key (a PEM file)",
        )
        command.add_argument(
            "--limit-memory", metavar="SIZE", help="take no more memory, such as 2G (Linux)"
        )
        command.add_argument(
            "--limit-seconds", metavar="N", help="stop after so many seconds, with exit code 2"
        )
        command.add_argument("--json", action="store_true", help="print JSON for machines")
        command.add_argument(
            "-v", "--verbose", action="store_true", help="show tracebacks of errors"
        )
    return parser


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Return argparse's own, which would import shutil for the width, and that the compressors."""
    try:
        columns = os.get_terminal_size().columns
    except OSError:
        columns = 80
    return argparse.HelpFormatter(prog, width=columns - 2)


def _leave(code: int) -> NoReturn:
    """End the process at once: the interpreter would take a sixth of its time to free the rest."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # its reader went away
            code = code or 1
    os._exit(code)


if __name__ == "__main__":
    gc.set_threshold(100_000)  # imports leave no garbage, and looking for it takes a twentieth
    _leave(main())
