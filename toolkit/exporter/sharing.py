"""Equal constants are written once, whichever nodes read them."""

from __future__ import annotations

from typing import Any

from toolkit.exporter.conversion import Conversion
from toolkit.onnx_graph.subgraphs import rename

# Smaller ones save next to nothing, and one for each node keeps what a node adds its own: a
# quantizer may correct biases.
SMALLEST, AXES = 32, 2


def share(g: Conversion) -> None:
    """Let nodes read the first of equal matrices and larger tensors, and drop the others.

    onnxruntime computes alike what is computed alike from one tensor once, when it opens a graph.
    """
    known: dict[tuple[Any, ...], str] = {}
    names: dict[str, str] = {}
    for name, values in g.constants.items():
        if values.dtype == object or values.ndim < AXES or values.size < SMALLEST:
            continue
        first = known.setdefault((values.dtype, values.shape, values.tobytes()), name)
        if first != name:
            names[name] = first
    if names:
        g.constants = {n: a for n, a in g.constants.items() if n not in names}
        for node in g.nodes:
            rename(node, names)
        g.kernel_sums[:] = [s.renamed(names) for s in g.kernel_sums]
