"""Packs of allocations, each written once and measured on rows that nothing was fitted to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from toolkit.bundle import BUDGET, Bundle, Rows
from toolkit.metrics import Scale
from toolkit.quantizer.budget.allocation import Allocation
from toolkit.quantizer.budget.figures import Figures, figures, rows_between, with_between
from toolkit.quantizer.budget.forests import Trees
from toolkit.quantizer.budget.parameters import Parameter
from toolkit.quantizer.budget.tensors import Tensors
from toolkit.quantizer.packs.packing import write_pack
from toolkit.quantizer.parameters import replace_values
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.predictor import Predictor

FILE = f"model.{BUDGET}.pack"


@dataclass(frozen=True)
class Trial:
    """The rows that candidates are judged by, and rows between them with what model.onnx gives.

    regressor: whether it is one; promised, scales: see `figures`; session: the options under which
    model.onnx is opened, and packs of it.
    """

    rows: Rows
    between: dict[str, np.ndarray]
    expected: dict[str, np.ndarray]
    regressor: bool
    promised: int
    session: dict[str, Any]
    scales: Mapping[str, Scale]

    @staticmethod
    def of(
        rows: Rows, model: onnx.ModelProto, bundle: Bundle, scales: Mapping[str, Scale]
    ) -> Trial:
        """Return the trial of a bundle's model on these rows."""
        between = rows_between(rows.inputs)
        session = bundle.variants[0].session
        whole = Predictor(model.SerializeToString(), str(bundle.model_path), options=session)
        promised = bundle.manifest["rows"]["held_out"]
        regressor = bundle.task == "regressor"
        return Trial(rows, between, whole.run(between), regressor, promised, session, scales)

    def figures(self, content: bytes) -> Figures:
        """Return what a pack loses."""
        predictor = Predictor(to_onnx(content, FILE), FILE, options=self.session)
        got = predictor.run(self.rows.inputs)
        measured = figures(self.rows, got, self.regressor, self.promised, self.scales)
        return with_between(measured, self.expected, predictor.run(self.between))


class Candidates:
    """The packs of a model, by allocation; say: called with a line for each that is written."""

    def __init__(
        self,
        model: onnx.ModelProto,
        tensors: Tensors,
        trees: Trees,
        parameters: Sequence[Parameter],
        trial: Trial,
        say: Callable[[str], Any],
    ) -> None:
        self.model, self.tensors, self.trees = model, tensors, trees
        self.parameters, self.trial, self.say = parameters, trial, say
        self.drafts: dict[tuple[int, ...], tuple[bytes, Figures]] = {}

    def draft(self, allocation: Allocation) -> tuple[bytes, Figures]:
        """Return a pack of the allocation, a percent larger than it must be, and its figures."""
        if allocation.choice not in self.drafts:
            content = self.pack(allocation, draft=True)
            self.drafts[allocation.choice] = content, self.trial.figures(content)
            count = len(self.drafts)
            self.say(f"budget: {count} candidates written, the last of {len(content)} bytes …")
        return self.drafts[allocation.choice]

    def pack(self, allocation: Allocation, draft: bool) -> bytes:
        """Return the pack of an allocation, with everything refitted to all of it together."""
        pairs = zip(self.parameters, allocation.choice, strict=True)
        chosen = {p.name: p.options[k] for p, k in pairs}
        codes, values = self.tensors.coded(chosen)
        changed = onnx.ModelProto()
        changed.CopyFrom(self.model)
        replace_values(changed, values)
        return write_pack(changed, codes, self.trees.coded(chosen), draft)
