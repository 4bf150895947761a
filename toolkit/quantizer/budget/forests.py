"""Tree ensembles as parameters: the leaves of each, and its thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from toolkit.onnx_graph.edits import copied, replace_nodes
from toolkit.quantizer.ablation import Ablation
from toolkit.quantizer.budget.figures import rows_between
from toolkit.quantizer.budget.parameters import EXACT, Option, Parameter, compressed_size
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.trees.coded import Coded, positions
from toolkit.quantizer.trees.forests import find_forests
from toolkit.quantizer.trees.leaves import Leaves, encode_leaves, exact_leaves
from toolkit.quantizer.trees.routing import reached
from toolkit.quantizer.trees.streams import leaf_streams, streams
from toolkit.quantizer.trees.thresholds import with_fewer_thresholds, with_short_thresholds
from toolkit.runtime.pack.forest import Forest

# Of a tree's leaves: the file's compression takes few levels below a byte.
LEVELS = (4096, 1024, 256, 128, 64, 32, 16, 8, 4)
# Thresholds of a feature.
THRESHOLDS = (256, 128, 64, 32, 16)
TRIAL_ROWS = 512


@dataclass(frozen=True)
class Trees:
    """The tree ensembles of a graph that is open with their outputs as inputs.

    By each ensemble's output: rows, its input on the fitting rows; tried, its input on rows between
    them (`trial`), which sensitivities are measured on; reached, the leaves that those reach;
    exact, what it gives for them.
    positions: those that must stay whole numbers.
    """

    forests: dict[str, Forest]
    rows: dict[str, np.ndarray]
    tried: dict[str, np.ndarray]
    reached: dict[str, np.ndarray]
    exact: dict[str, np.ndarray]
    positions: set[str]
    probe: Ablation
    trial: dict[str, np.ndarray]

    @staticmethod
    def of(model: onnx.ModelProto, fitting: Calibration) -> Trees:
        """Return the tree ensembles of a graph, with rows to fit them to."""
        forests = {f.output: f for f in find_forests(model)}
        names = [n for f in forests.values() for n in (f.source, f.output)]
        whole, trial = Ablation(model, fitting, [], names), rows_between(fitting.feed, TRIAL_ROWS)
        fitted, tried = whole.run(names, {}), whole.run(names, {}, trial)
        exact = {n: tried[n] for n in forests}
        return Trees(
            forests,
            {n: fitted[f.source] for n, f in forests.items()},
            {n: tried[f.source] for n, f in forests.items()},
            {n: reached(f, tried[f.source]) for n, f in forests.items()},
            exact,
            positions(model),
            Ablation(_behind(model, exact), fitting, [], []),
            trial,
        )

    @property
    def count(self) -> int:
        """The number of parameters: leaves and thresholds."""
        return 2 * len(self.forests)

    def parameters(self) -> Iterator[Parameter]:
        """Yield the leaves and the thresholds of each ensemble with their options."""
        for name, forest in self.forests.items():
            leaves = [Option(EXACT, _leaves_size(forest, exact_leaves(forest)), exact_leaves)]
            for levels in LEVELS if name not in self.positions else ():
                codes = encode_leaves(forest, self.rows[name], levels)
                encode = self._levels(name, levels, codes)
                leaves.append(Option(f"{levels} levels", _leaves_size(forest, codes), encode))
            yield Parameter(_leaves_of(name), tuple(leaves))
            thresholds = [Option(EXACT, _structure_size(forest), _as_it_is)]
            for label, change in self._thresholds(name):
                changed = change(forest)
                if not np.array_equal(changed.threshold, forest.threshold, equal_nan=True):
                    thresholds.append(Option(label, _structure_size(changed), _always(changed)))
            yield Parameter(_thresholds_of(name), tuple(thresholds))

    def alone(self, name: str, option: Option) -> dict[str, np.ndarray]:
        """Return what the ensembles give where the leaves or thresholds of one are coded."""
        for at, forest in self.forests.items():
            if name == _leaves_of(at):
                return {at: self._given(at, forest, option.encode(forest))}
            if name == _thresholds_of(at):
                return {at: self._given(at, option.encode(forest), None)}
        raise KeyError(name)

    def outputs(self, changed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the model's outputs on the trial rows where ensembles give something else."""
        return self.probe.run(self.probe.outputs, {**self.exact, **changed}, self.trial)

    def coded(self, chosen: Mapping[str, Option]) -> list[Coded]:
        """Return each ensemble as it is to be stored, with the codes of its leaves."""
        coded = []
        for name, forest in self.forests.items():
            changed: Forest = chosen[_thresholds_of(name)].encode(forest)
            coded.append((changed, chosen[_leaves_of(name)].encode(changed)))
        return coded

    def _levels(self, name: str, levels: int, codes: Leaves) -> Callable[[Forest], Leaves]:
        """Return a function that gives these codes for the ensemble itself, and codes of others."""
        known, rows = self.forests[name], self.rows[name]
        return lambda forest: codes if forest is known else encode_leaves(forest, rows, levels)

    def _thresholds(self, name: str) -> Iterator[tuple[str, Callable[[Forest], Forest]]]:
        yield "float32", with_short_thresholds
        for most in THRESHOLDS:
            yield f"{most} a feature", self._fewer(name, most)

    def _fewer(self, name: str, most: int) -> Callable[[Forest], Forest]:
        rows = self.rows[name]
        return lambda forest: with_fewer_thresholds(with_short_thresholds(forest), rows, most)

    def _given(self, name: str, forest: Forest, leaves: Leaves | None) -> np.ndarray:
        """Return what an ensemble gives for the trial rows, in the form of its output."""
        values = forest.values if leaves is None else leaves.decode(forest)
        own, at = self.forests[name], self.reached[name]
        before, exact = _summed(own, own.values, at), self.exact[name]
        now = at if forest is own else reached(forest, self.tried[name])
        change = _summed(forest, values, now) - before
        return (exact + change.reshape(exact.shape)).astype(exact.dtype)


def _behind(model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]) -> onnx.ModelProto:
    """Return the model with these tensors as inputs, and without the nodes that give them."""
    rest = copied(model)
    replace_nodes(rest.graph, (n for n in rest.graph.node if not inputs.keys() & set(n.output)))
    for name, values in inputs.items():
        kind = onnx.helper.np_dtype_to_tensor_dtype(values.dtype)
        shape = [None, *values.shape[1:]]
        rest.graph.input.append(onnx.helper.make_tensor_value_info(name, kind, shape))
    return rest


def _summed(forest: Forest, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the sum over the trees of the values [d, V] of the leaves at, as [N, targets]."""
    row = forest.leaf[at]
    if values.shape[1] > 1 or forest.targets == 1:
        return values[row].sum(axis=1, dtype=np.float64)
    out = np.zeros((len(row), forest.targets))
    np.add.at(out, (np.arange(len(row))[:, None], forest.target[row]), values[row, 0])
    return out


def _leaves_size(forest: Forest, leaves: Leaves | None) -> int:
    return sum(compressed_size(s) for s in leaf_streams(forest, leaves))


def _structure_size(forest: Forest) -> int:
    """Return the bytes of everything but the leaves: of fewer thresholds, fewer."""
    leaves = len(list(leaf_streams(forest, None)))
    return sum(compressed_size(s) for s in streams(forest, None)[:-leaves])


def _as_it_is(forest: Forest) -> Forest:
    return forest


def _always(changed: Forest) -> Callable[[Forest], Forest]:
    return lambda _: changed


def _leaves_of(output: str) -> str:
    return f"leaves of {output}"


def _thresholds_of(output: str) -> str:
    return f"thresholds of {output}"
