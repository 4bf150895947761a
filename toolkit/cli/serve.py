"""`toolkit serve`: models over HTTP, as in `python -m toolkit.serve`."""

from __future__ import annotations

import click

from toolkit.cli.options import require_signature, unproved


@click.command()
@click.argument("artifacts", nargs=-1, required=True, metavar="ARTIFACT…")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, help="0 for any that is free.")
@click.option("--max-body", default="16M", show_default=True, help="The size of a request.")
@click.option("--max-rows", default=10_000, show_default=True, help="The rows of a request.")
@click.option(
    "--max-requests", default=64, show_default=True, help="Requests under way at the same time."
)
@click.option(
    "--timeout", default=30.0, show_default=True, help="Seconds until a request has to be there."
)
@click.option("--threads", type=int, help="onnxruntime's, for one call.  [default: as `load`]")
@unproved
@require_signature()
@click.option("-v", "--verbose", is_flag=True, help="A line for each request; tracebacks.")
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON.")
def serve(
    artifacts: tuple[str, ...],
    host: str,
    port: int,
    max_body: str,
    max_rows: int,
    max_requests: int,
    timeout: float,
    threads: int | None,
    unproved: bool,
    require_signature: str | None,
    verbose: bool,
    as_json: bool,
) -> int:
    """Serve models over HTTP: the Open Inference Protocol (V2), and their card at `/`.

    An ARTIFACT is an .onnx or .pack file, or a model directory (its model.onnx).
    """
    from toolkit.serve.limits import limits_of
    from toolkit.serve.models import Options
    from toolkit.serve.server import serve as run

    return run(
        artifacts,
        Options(threads, unproved, require_signature),
        limits_of(max_body, max_rows, max_requests, timeout),
        host=host,
        port=port,
        as_json=as_json,
        verbose=verbose,
    )


COMMANDS = (serve,)
