"""The proof that a manifest records, in words: what it covered, how far off it was, the refusal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from toolkit.errors import CorruptArtifact

VALUES = {"float32": "values rounded to float32", "float64": "values as given"}


class Comparison(NamedTuple):
    """scikit-learn against the graph on one set of rows.

    reference: "float32" (scikit-learn on values rounded to it) or "float64" (on values as given);
    rows: "held-out" or "adversarial"; deviation: the largest, as a share of what is allowed to be
    `tolerance`; labels: the share that is equal, None without labels; required: whether the proof
    depends on it. Figures that the manifest lacks are None.
    """

    reference: str
    rows: str
    number: int
    deviation: float | None
    labels: float | None
    passed: bool
    required: bool

    def text(self, tolerance: float | None) -> str:
        """Return where it was measured and what came of it."""
        labels = "" if self.labels is None else f", labels equal {self.labels:.4%}"
        values = VALUES.get(self.reference, self.reference)
        return (
            f"on {self.number:,} {self.rows} rows against scikit-learn on {values}: "
            f"deviation {_short(self.deviation)} (allowed {_short(tolerance)}){labels}"
        )


class Proof(NamedTuple):
    """What a manifest says of its proof.

    passed: None where it says nothing, which is no pass. single_row: whether a row alone gave the
    same numbers as in its batch. lacking: why there were too few rows, "" where there were enough.
    failed_rows: the rows on which it failed, the worst first, each in a line. advice: what to try.
    kinds: how many adversarial rows of each kind there were. furthest: the row that is furthest
    off, in a line, "" where the manifest does not say. reference: why there is nothing to compare
    the graph with, "" where there was.
    """

    passed: bool | None
    tolerance: float | None
    input_dtype: str | None
    single_row: bool
    comparisons: tuple[Comparison, ...]
    lacking: str = ""
    failed_rows: tuple[str, ...] = ()
    advice: str = ""
    kinds: tuple[tuple[str, int], ...] = ()
    furthest: str = ""
    reference: str = ""

    @property
    def worst(self) -> float | None:
        """Return the largest deviation that the proof depends on; NaN counts as the largest."""
        deviations = [
            c.deviation for c in self.comparisons if c.required and c.deviation is not None
        ]
        return max(deviations, key=lambda v: math.inf if math.isnan(v) else v, default=None)

    def rows(self) -> str:
        """Return how many rows of which kind were compared."""
        counts = {c.rows: f"{c.number:,}" for c in self.comparisons}
        return " and ".join(f"{count} {rows}" for rows, count in counts.items()) + " rows"

    def text(self) -> str:
        """Return its outcome with the figures that decided it, without the word for the outcome."""
        if self.passed is None:
            return "the manifest records no outcome"
        if not self.comparisons:
            return self.reference or "the manifest records no figures"
        failed = [c for c in self.comparisons if c.required and not c.passed]
        if self.lacking:
            return self.lacking
        if self.passed or not (failed or not self.single_row):
            return (
                f"on {self.rows()}, worst deviation {_short(self.worst)} "
                f"(allowed {_short(self.tolerance)})"
            )
        said = [max(failed, key=_distance).text(self.tolerance)] if failed else []
        if not self.single_row:
            said.append("a row alone gives other numbers than in its batch")
        return "; ".join([*said, *self.failed_rows[:1]])

    def references(self) -> str:
        """Return on which values scikit-learn was asked."""
        references = dict.fromkeys(c.reference for c in self.comparisons)
        return " and on ".join(VALUES.get(reference, reference) for reference in references)

    def outcome(self) -> str:
        """Return "passed" or "FAILED", with the figures."""
        return f"{'passed' if self.passed else 'FAILED'} ({self.text()})"


def read_proof(manifest: Mapping[str, Any], origin: str) -> Proof:
    """Return the proof of a manifest; CorruptArtifact where its figures are damaged."""
    recorded = manifest["proof"]
    dtype = recorded.get("input_dtype")
    try:
        comparisons = tuple(
            Comparison(
                reference=str(reference),
                rows=str(rows).replace("_", "-"),
                number=int(figures["rows"]),
                deviation=_number(figures.get("max_relative")),
                labels=_number(figures.get("label_agreement")),
                passed=figures.get("passed") is True,
                # Bundles of before recorded no such word: theirs rested on float32 values.
                required=figures.get("required", reference == "float32" or dtype == "float64")
                is True,
            )
            for reference, by_rows in recorded.get("comparisons", {}).items()
            for rows, figures in by_rows.items()
        )
        return Proof(
            passed=recorded.get("passed"),
            tolerance=_number(recorded.get("tolerance")),
            input_dtype=None if dtype is None else str(dtype),
            single_row=recorded.get("single_row", True) is True,
            comparisons=comparisons,
            lacking=str(recorded.get("lacking", "")),
            failed_rows=tuple(row_text(f) for f in recorded.get("failures", ())),
            advice=str(recorded.get("advice", "")),
            kinds=tuple((str(k), int(n)) for k, n in recorded.get("rows_by_kind", {}).items()),
            reference=str(recorded.get("reference", "")),
            furthest=row_text(recorded["furthest"]) if recorded.get("furthest") else "",
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise CorruptArtifact(
            f"{origin}: the figures of its proof are damaged ({error!r}); export the model again"
        ) from None


def row_text(failure: Mapping[str, Any]) -> str:
    """Return a row that a proof failed on in a line: what it is, its values, both answers."""
    inputs = ", ".join(f"{name}={_value(v)}" for name, v in failure["inputs"].items())
    deviation = failure["deviation"]
    off = "" if deviation is None else f", off by {deviation:.3g} of its scale"
    return (
        f"row {failure['row']} ({failure['kind']}): {inputs}{': ' * bool(inputs)}"
        f"{failure['output']} is "
        f"{_value(failure['got'])}, scikit-learn says {_value(failure['expected'])}{off}"
    )


def refusal(folder: str, manifest: Mapping[str, Any]) -> str:
    """Return why a bundle that was not proved is not used, and what to do about it."""
    proof = read_proof(manifest, folder)
    what = "has no proof" if proof.passed is None else "its proof failed"
    return (
        f"{folder}: {what}: {proof.text()}; export it again, or use it as it is with --unproved "
        "(in Python unproved=True)"
    )


def _distance(comparison: Comparison) -> float:
    deviation = comparison.deviation
    return math.inf if deviation is None or math.isnan(deviation) else deviation


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _value(value: Any) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _short(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}"
