"""The proof: scikit-learn against onnxruntime, on held-out rows and on adversarial ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.exporter.schema import Schema, frame, rounded
from toolkit.exporter.tasks import reference
from toolkit.runtime.predictor import Predictor

Run = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]

TOLERANCE = 1e-4  # of max(1, |y|), elementwise; labels must all be equal


@dataclass(frozen=True)
class Comparison:
    """One reference against the graph on one set of rows.

    max_relative: largest |graph − reference| / max(1, |reference|); max_abs, mean_abs of the
    numbers; label_agreement, None without labels.
    """

    rows: int
    max_relative: float
    max_abs: float
    mean_abs: float
    label_agreement: float | None
    passed: bool


@dataclass(frozen=True)
class Proof:
    """What was compared and whether it holds.

    comparisons, by reference and set of rows: "float32" is scikit-learn on the values rounded to
    float32, which the graph must match on all rows; "float64" is scikit-learn on the data as
    given, which a graph with float32 inputs can only match where rounding decides nothing.
    single_row: a batch of one gives the same row. no_rows: a batch of none gives none (told, not
    required: scikit-learn refuses it, and a graph that does too raises an error).
    """

    passed: bool
    tolerance: float
    input_dtype: str
    comparisons: dict[str, dict[str, Comparison]]
    single_row: bool
    no_rows: bool
    traps: tuple[str, ...]

    @property
    def exact_data(self) -> bool:
        """Tell whether the graph also matches scikit-learn on the held-out data as given."""
        return self.comparisons["float64"]["held_out"].passed

    def summary(self) -> dict[str, Any]:
        """Return the proof as the manifest keeps it."""
        return asdict(self) | {"traps": list(self.traps)}

    def worst(self) -> str:
        """Return one line on the comparison that is furthest off, for messages."""
        name, kind, c = max(
            (
                (k, r, c)
                for r, by in self.comparisons.items()
                for k, c in by.items()
                if r == "float32"
            ),
            key=lambda item: (not item[2].passed, item[2].max_relative),
        )
        labels = "" if c.label_agreement is None else f", labels equal {c.label_agreement:.4%}"
        alone = "" if self.single_row else "; a row alone gives other numbers than in the batch"
        return (
            f"on {c.rows} {name.replace('_', '-')} rows against scikit-learn on {kind} values: "
            f"deviation {c.max_relative:.3g} (allowed {self.tolerance:g}){labels}{alone}"
        )


def prove(
    model: bytes,
    estimator: Any,
    schema: Schema,
    task: str,
    held_out: Mapping[str, np.ndarray],
    adversarial: Mapping[str, np.ndarray],
    traps: tuple[str, ...] = (),
    *,
    options: Mapping[str, Any] | None = None,
) -> Proof:
    """Compare a model's bytes, opened with these session options, with its estimator.

    Rows as a bundle keeps them (float64 and text, by input name). Nothing is raised where they
    differ: `passed` says it. A graph that onnxruntime cannot even open is a failed proof as well
    (CorruptArtifact from the session, passed on).
    """
    return prove_run(
        Predictor(model, "the exported graph", options=options).run,
        estimator,
        schema,
        task,
        held_out,
        adversarial,
        traps,
    )


def prove_run(
    run: Run,
    estimator: Any,
    schema: Schema,
    task: str,
    held_out: Mapping[str, np.ndarray],
    adversarial: Mapping[str, np.ndarray],
    traps: tuple[str, ...] = (),
) -> Proof:
    """Compare whatever `run` computes with the estimator; see `prove`.

    run: rows by input name -> the contract's outputs by name.
    """
    sets = {"held_out": held_out, "adversarial": adversarial}
    comparisons: dict[str, dict[str, Comparison]] = {"float32": {}, "float64": {}}
    for name, rows in sets.items():
        got = run(rows)
        narrow = _narrowed(estimator, rows, schema, task)
        for kind, given in (("float32", narrow), ("float64", rows)):
            expected = reference(estimator, frame(given, schema), task)
            # A graph with float64 inputs was given the data as they are: it owes them alone.
            mine = got if kind == "float64" or not _is_wide(schema) else run(given)
            comparisons[kind][name] = compare(expected, mine)
    required = [*comparisons["float32"].values()]
    if _is_wide(schema):
        required += comparisons["float64"].values()
    single, empty = _one_row(run, held_out), _no_rows(run, held_out)
    return Proof(
        passed=all(c.passed for c in required) and single,
        tolerance=TOLERANCE,
        input_dtype=next((s.dtype for s in schema.inputs if s.dtype.startswith("float")), "none"),
        comparisons=comparisons,
        single_row=single,
        no_rows=empty,
        traps=traps,
    )


def _narrowed(
    estimator: Any, rows: Mapping[str, np.ndarray], schema: Schema, task: str
) -> Mapping[str, np.ndarray]:
    """Return the rows rounded to float32, or as they are where scikit-learn takes only those.

    An encoder fitted on 0.1 knows no category 0.10000000149: only float64 inputs can serve it.
    """
    narrow = rounded(rows)
    try:
        reference(estimator, frame(narrow, schema), task)
    except ValueError:
        return rows
    return narrow


def compare(expected: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray]) -> Comparison:
    """Return how far `got` is from `expected`, both by output name."""
    worst, agreement = _deviation(expected, got, list(expected))
    numbers = [n for n in expected if n != "label" and expected[n].dtype.kind == "f"]
    differences = np.concatenate([_absolute(expected[n], got[n]) for n in numbers] or [np.zeros(1)])
    labels = agreement if "label" in expected else None
    return Comparison(
        rows=len(next(iter(expected.values()))),
        max_relative=worst,
        max_abs=float(differences.max(initial=0.0)),
        mean_abs=float(differences.mean()) if differences.size else 0.0,
        label_agreement=labels,
        passed=worst <= TOLERANCE and agreement == 1.0,
    )


def _absolute(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    if np.size(got) != expected.size:  # there is no difference of such; `deviation` is infinite
        return np.zeros(0)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(np.asarray(got, dtype=np.float64).ravel() - expected.ravel())
    return difference[np.isfinite(difference)]


def _is_wide(schema: Schema) -> bool:
    return any(s.dtype == "float64" for s in schema.inputs)


def _one_row(run: Run, rows: Mapping[str, np.ndarray]) -> bool:
    whole = run({n: a[:8] for n, a in rows.items()})
    count = len(next(iter(rows.values()))[:8])
    if any(len(v) != count for v in whole.values()):
        return False
    for i in range(count):
        alone = run({n: a[[i]] for n, a in rows.items()})
        if not compare({n: v[[i]] for n, v in whole.items()}, alone).passed:
            return False
    return True


def _no_rows(run: Run, rows: Mapping[str, np.ndarray]) -> bool:
    try:
        empty = run({n: a[:0] for n, a in rows.items()})
    except InvalidInput:
        return False
    return all(len(v) == 0 for v in empty.values())


def _deviation(
    reference: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], outputs: Sequence[str]
) -> tuple[float, float]:
    """Return (largest |got − reference| / max(1, |reference|), share of equal labels).

    Non-finite numbers must be equal in kind, else the deviation is infinite; 1.0 where there are
    no labels, 0.0 where there are no numbers. Works over all `outputs` that both sides have.
    """
    worst, agreement = 0.0, 1.0
    for name in outputs:
        a, b = reference[name], got[name]
        if name == "label" or np.asarray(a).dtype.kind in "OUS":  # text is compared as labels are
            agreement = min(agreement, _agreement(_labels(a), _labels(b)))
        else:
            worst = max(worst, _relative(a, b))
    return worst, agreement


def _relative(reference: np.ndarray, got: np.ndarray) -> float:
    """Return the largest |got − reference| / max(1, |reference|); infinite where shapes differ."""
    reference = np.asarray(reference, dtype=np.float64)
    got = np.asarray(got, dtype=np.float64)
    if reference.size != got.size:
        return float("inf")
    if not reference.size:
        return 0.0
    reference, got = reference.ravel(), got.ravel()
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(got - reference) / np.maximum(1.0, np.abs(reference))
    # Equal infinities and NaN on both sides are agreement; the subtraction made NaN of them.
    same = (got == reference) | (np.isnan(got) & np.isnan(reference))
    difference = np.where(same, 0.0, difference)
    return float(np.where(np.isnan(difference), np.inf, difference).max())


def _agreement(reference: np.ndarray, got: np.ndarray) -> float:
    if reference.shape != got.shape:
        return 0.0
    return float(np.mean(reference == got)) if len(reference) else 1.0


def _labels(values: np.ndarray) -> np.ndarray:
    flat = np.asarray(values).reshape(len(values), -1)
    if flat.dtype.kind == "O":  # a missing text, None or NaN, is "" in a graph
        flat = np.where((flat == None) | (flat != flat), "", flat)  # noqa: E711
    return flat.astype(str) if flat.dtype.kind in "OUS" else flat
