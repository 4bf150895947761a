"""A graph whose parameters can be replaced: what a change of one does to tensors and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from toolkit.metrics import losses
from toolkit.onnx_graph.edits import copied, drop_initializers
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.parameters import find_kernel_sums, kernels_of
from toolkit.runtime.session import open_session


class Ablation:
    """One session of a model in which some initializers are inputs, on the calibration rows.

    names: the initializers that may be replaced; tensors: inner tensors that can be asked for.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        calibration: Calibration,
        names: Sequence[str],
        tensors: Sequence[str],
    ) -> None:
        changed = copied(model)
        graph = changed.graph
        taken = {t.name: t for t in drop_initializers(graph, names)}
        graph.input.extend(
            onnx.helper.make_tensor_value_info(t.name, t.data_type, list(t.dims))
            for t in taken.values()
        )
        self.outputs = [o.name for o in model.graph.output]
        self.sums = {kernels_of(s.total): s for s in find_kernel_sums(model)}
        points = {s.points for s in self.sums.values()}
        self.points = {
            t.name: onnx.numpy_helper.to_array(t)
            for t in model.graph.initializer
            if t.name in points
        }
        tensors = [self.sums[n].rows if n in self.sums else n for n in tensors]
        inner = [n for n in dict.fromkeys(tensors) if n not in {*self.outputs, *calibration.feed}]
        graph.output.extend(onnx.ValueInfoProto(name=n) for n in inner)
        self.values = {n: onnx.numpy_helper.to_array(t) for n, t in taken.items()}
        self.feed = calibration.feed
        self.session = open_session(changed.SerializeToString(), "the graph that is quantized")

    def run(
        self,
        tensors: Sequence[str],
        changed: Mapping[str, np.ndarray],
        feed: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, np.ndarray]:
        """Return tensors for the calibration rows, or those given, with initializers replaced.

        The kernels of a sum, which are no tensor of the graph, are computed here.
        """
        sums = {n: self.sums[n] for n in tensors if n in self.sums}
        if sums:
            plain = [n for n in tensors if n not in sums] + [s.rows for s in sums.values()]
            outputs = self.run(plain, changed, feed)
            points = self.points | dict(changed)
            more = {n: s.kernels(outputs[s.rows], points[s.points]) for n, s in sums.items()}
            return outputs | more
        rows = self.feed if feed is None else dict(feed)
        inner = [n for n in dict.fromkeys(tensors) if n not in rows]
        values = self.session.run(inner, rows | self.values | dict(changed)) if inner else []
        return rows | dict(zip(inner, values, strict=True))

    def differences(
        self,
        changed: Mapping[str, np.ndarray],
        expected: Mapping[str, np.ndarray],
        feed: Mapping[str, np.ndarray] | None = None,
    ) -> tuple[float, float]:
        """Return how far the outputs are from the expected ones: normalised MSE, equal labels."""
        got = self.run(self.outputs, changed, feed)
        return losses({n: np.asarray(expected[n]) for n in self.outputs}, got)


def rows_for_choice(feed: Mapping[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """Return rows on which ways to store points are compared: `count` at most.

    Half of them calibration rows, half (where all inputs are floating-point) halfway between two:
    calibration rows are among the points that neighbours and kernels store, where nothing is lost.
    """
    few = {n: a[:count] for n, a in feed.items()}
    if any(a.dtype.kind != "f" for a in few.values()):
        return few
    return {n: np.concatenate([a[::2], _halfway(a)]) for n, a in few.items()}


def _halfway(values: np.ndarray) -> np.ndarray:
    first, second = values[: len(values) // 2], values[(len(values) + 1) // 2 :]
    return ((first.astype(np.float64) + second) / 2).astype(values.dtype)
