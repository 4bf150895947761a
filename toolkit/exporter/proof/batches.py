"""Rows run in batches: a graph with wide tensors answers many rows in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx

from toolkit.exporter.proof.edits import rows_of

Run = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]

BYTES = 1 << 27  # of a graph's widest tensor; onnxruntime holds a few of them at a time


def batch_rows(model: bytes) -> int:
    """Return how many rows of the graph's widest tensor take BYTES bytes, 8 a number.

    Tensors whose width depends on the data, such as a text's words, do not count.
    """
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(model)).graph
    return max(1, BYTES // (8 * max(_widths(graph), default=1)))


def _widths(graph: onnx.GraphProto) -> Iterator[int]:
    for value in (*graph.value_info, *graph.input, *graph.output):
        dims = [d.dim_value for d in value.type.tensor_type.shape.dim[1:]]
        if all(dims):
            yield int(np.prod(dims, dtype=np.int64))


def in_batches(run: Run, most: int) -> Run:
    """Return what runs rows by input name, at most so many at a time."""

    def batched(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        count = rows_of(rows)
        if count <= most:
            return run(rows)
        parts = [
            run({n: a[start : start + most] for n, a in rows.items()})
            for start in range(0, count, most)
        ]
        return {n: np.concatenate([part[n] for part in parts]) for n in parts[0]}

    return batched
