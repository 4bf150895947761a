"""Which variants are needless: another one is no larger, no further off and no slower.

In bytes and error no difference is too small to count, save that errors which are float32's own
rounding are all equal (`ROUNDING`). Of two times, each as a share of model.onnx's in the
same turns, the larger counts only where it is beyond what is noise (`SLOWER`), at any batch size.
At least one of the three has to be better, not only equal. A pack makes no ONNX file needless: that
one runs without this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toolkit.bundle import FLOAT, OK
from toolkit.runner.records import REFERENCE, Row, Times

ROUNDING = 1e-11  # the NMSE that some dozens of roundings to float32 make
FASTER, SLOWER = 0.8, 1.25  # between the two a difference of time is noise


@dataclass(frozen=True)
class Standing:
    """What a variant is compared by; error: NMSE, and share of other labels; times: by batch."""

    method: str
    portable: bool
    bytes: int
    error: tuple[float, float]
    times: dict[str, float]


def dominated(rows: Sequence[Row], bases: Mapping[str, Times | None]) -> dict[str, str]:
    """Return by method the one that makes it needless, the smallest where several do.

    Only kept variants that no gate failed are compared, and neither model.onnx nor the estimator,
    which are there to compare with. bases: model.onnx's times in each method's turns.
    """
    standings = [s for row in rows if (s := _standing(row, bases.get(row.method))) is not None]
    notes = {}
    for one in standings:
        better = [other for other in standings if _beats(other, one)]
        if better:
            notes[one.method] = min(better, key=lambda s: (s.bytes, s.error, s.method)).method
    return notes


def _standing(row: Row, base: Times | None) -> Standing | None:
    if row.status != OK or row.method in (FLOAT, REFERENCE) or row.bytes is None or not row.file:
        return None
    if not base or not row.latency_us:
        return None
    difference = row.difference or {}
    error = difference.get("nmse") or 0.0
    agreement = difference.get("label_agreement")
    return Standing(
        row.method,
        not row.file.endswith(".pack"),
        row.bytes,
        (error if error > ROUNDING else 0.0, 0.0 if agreement is None else 1 - agreement),
        {b: t["p50"] / base[b]["p50"] for b, t in row.latency_us.items() if b in base},
    )


def _beats(one: Standing, other: Standing) -> bool:
    """Tell whether one makes the other needless."""
    if one is other or other.portable > one.portable:
        return False
    costs = [(one.bytes, other.bytes), *zip(one.error, other.error, strict=True)]
    paces = [one.times[b] / t for b, t in other.times.items() if b in one.times]
    worse = any(a > b for a, b in costs) or any(p > SLOWER for p in paces)
    better = any(a < b for a, b in costs) or any(p < FASTER for p in paces)
    return better and not worse
