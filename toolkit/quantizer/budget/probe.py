"""The float graph with its parameters as inputs: one session for every value that they may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from toolkit.runtime.session import open_session

IR_VERSION = 4  # from this one on an initializer that is also an input is its default


class Probe:
    """An open graph in which tensors can be given other values for a run.

    free: initializers that may be replaced. cut: tensors inside the graph that are given instead of
    computed. watched: tensors inside the graph that can be asked for beside the outputs.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        feed: Mapping[str, np.ndarray],
        free: Sequence[str] = (),
        cut: Mapping[str, np.ndarray] | None = None,
        watched: Sequence[str] = (),
    ) -> None:
        probe = onnx.ModelProto()
        probe.CopyFrom(model)
        probe.ir_version = max(probe.ir_version, IR_VERSION)
        given = {t.name: (t.data_type, tuple(t.dims)) for t in model.graph.initializer}
        for name in free:
            probe.graph.input.append(onnx.helper.make_tensor_value_info(name, *given[name]))
        for name, values in (cut or {}).items():
            kind = onnx.helper.np_dtype_to_tensor_dtype(values.dtype)
            shape = [None, *values.shape[1:]]
            probe.graph.input.append(onnx.helper.make_tensor_value_info(name, kind, shape))
        kept = [n for n in model.graph.node if not set(n.output) & set(cut or {})]
        del probe.graph.node[:]
        probe.graph.node.extend(kept)
        self._outputs = [o.name for o in model.graph.output]
        inputs = {i.name for i in probe.graph.input}
        inner = [n for n in dict.fromkeys(watched) if n not in {*inputs, *self._outputs}]
        probe.graph.output.extend(onnx.ValueInfoProto(name=n) for n in inner)
        self._session = open_session(probe.SerializeToString(), "the graph that is quantized")
        taken = {i.name for i in self._session.get_inputs()}
        self._feed = {n: v for n, v in {**feed, **(cut or {})}.items() if n in taken}
        self._given = dict(feed)

    def outputs(self, replaced: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the graph's outputs with tensors replaced."""
        values = self._session.run(self._outputs, {**self._feed, **replaced})
        return dict(zip(self._outputs, values, strict=True))

    def watch(self, name: str, replaced: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return a watched tensor with tensors replaced."""
        if name in self._given:
            return self._given[name]
        return self._session.run([name], {**self._feed, **replaced})[0]
