"""Tree ensembles as parameters: the leaves of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from toolkit.quantizer.budget.parameters import EXACT, Option, Parameter, compressed_size
from toolkit.quantizer.budget.probe import Probe
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.forest_streams import leaf_streams
from toolkit.quantizer.forests import find_forests
from toolkit.quantizer.leaves import Leaves, encode_leaves, exact_leaves
from toolkit.quantizer.routing import reached
from toolkit.quantizer.thresholds import with_short_thresholds
from toolkit.quantizer.trees import Coded, positions
from toolkit.runtime.forest import Forest

# Of a tree's leaves: the file's compression takes few levels below a byte.
LEVELS = (256, 128, 64, 32, 16, 8, 4)


@dataclass(frozen=True)
class Trees:
    """The tree ensembles of a graph that is open with their outputs as inputs.

    By each ensemble's output: rows, its input on the fitting rows; outputs, what it gives for them;
    reached, the leaf of each tree that they reach; positions, those that must stay whole numbers.
    """

    forests: list[Forest]
    rows: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    reached: dict[str, np.ndarray]
    positions: set[str]
    probe: Probe

    @staticmethod
    def of(model: onnx.ModelProto, fitting: Calibration) -> Trees:
        """Return the tree ensembles of a graph, with rows to fit them to."""
        forests = [with_short_thresholds(f) for f in find_forests(model)]
        names = [n for f in forests for n in (f.source, f.output)]
        probe = Probe(model, fitting.feed, watched=names)
        outputs = {f.output: probe.watch(f.output, {}) for f in forests}
        rows = {f.output: probe.watch(f.source, {}) for f in forests}
        leaf = {f.output: reached(f, rows[f.output]) for f in forests}
        if forests:
            probe = Probe(model, fitting.feed, cut=outputs)
        return Trees(forests, rows, outputs, leaf, positions(model), probe)

    def parameters(self) -> Iterator[Parameter]:
        """Yield the leaves of each ensemble with their options."""
        for forest in self.forests:
            options = [Option(EXACT, _size(forest, exact_leaves(forest)), exact_leaves)]
            coded = (encode_leaves(forest, self.rows[forest.output], n) for n in LEVELS)
            options += [
                self._coded(forest, leaves, levels)
                for leaves, levels in zip(coded, LEVELS, strict=True)
                if forest.output not in self.positions or _is_exact(forest, leaves)
            ]
            yield Parameter(_name(forest), tuple(options))

    def coded(self, chosen: Mapping[str, Option]) -> list[Coded]:
        """Return each ensemble as it is to be stored, with the codes of its leaves."""
        return [(f, chosen[_name(f)].encode(f)) for f in self.forests]

    def _coded(self, forest: Forest, leaves: Leaves, levels: int) -> Option:
        """Return the option of these codes, and what the ensemble then gives."""
        exact = self.outputs[forest.output]
        lost = (forest.values - leaves.decode(forest))[forest.leaf]
        changed = exact - _summed(forest, lost, self.reached[forest.output]).reshape(exact.shape)
        alone = {forest.output: changed.astype(exact.dtype)}
        return Option(f"{levels} levels", _size(forest, leaves), lambda _: leaves, alone)


def _summed(forest: Forest, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the sum over the trees of leaf values [l, V] at `at` [N, T], as [N, targets]."""
    if values.shape[1] > 1 or forest.targets == 1:
        return values[at].sum(axis=1, dtype=np.float64)
    out = np.zeros((len(at), forest.targets))
    np.add.at(out, (np.arange(len(at))[:, None], forest.leaf_targets()[at]), values[at, 0])
    return out


def _is_exact(forest: Forest, leaves: Leaves) -> bool:
    return np.array_equal(leaves.decode(forest), forest.values)


def _size(forest: Forest, leaves: Leaves | None) -> int:
    return sum(compressed_size(s) for s in leaf_streams(forest, leaves))


def _name(forest: Forest) -> str:
    return f"leaves of {forest.output}"
