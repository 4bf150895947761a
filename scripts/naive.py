"""The well-known naive quantization of a linear regression against the uint8 pack, measured.

The naive scheme takes one minimum and maximum over the raw coefficients and truncates to uint8; the
intercept, a tensor of one value, it keeps. Two usual repairs are measured beside it, and what
happens where the intercept is coded among the coefficients. Model: LinearRegression on California
Housing's raw features, fitted and scored on all rows, as in the figures that are published for it.
Bytes: of a joblib dict of the parameters, and of the pack's file, which holds the whole graph.
"""

from __future__ import annotations

import io
import json
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN, JSON = ROOT / "docs" / "naive.md", ROOT / "scripts" / "results" / "naive.json"
STEPS = 255
# float32 predictions near 2 are rounded to 2e-7, and differently on another processor.
RELATIVE, ABSOLUTE = 1e-6, 2e-6

Figures = dict[str, Any]


def truncated(w: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """Return (decoded, what is stored) of the naive scheme: q = uint8((w − min) / scale)."""
    low, scale = w.min(), (w.max() - w.min()) / STEPS
    codes = ((w - low) / scale).astype(np.uint8)
    return codes * scale + low, {"codes": codes, "scale": scale, "min": low}


def rounded(w: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the same, rounded to the nearest code."""
    low, scale = w.min(), (w.max() - w.min()) / STEPS
    codes = np.rint((w - low) / scale).astype(np.uint8)
    return codes * scale + low, {"codes": codes, "scale": scale, "min": low}


def zero_point(w: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the same with an integer zero point, so that 0 is a code of its own."""
    low, high = min(w.min(), 0.0), max(w.max(), 0.0)
    scale = (high - low) / STEPS
    zero = int(np.rint(-low / scale))
    codes = np.clip(np.rint(w / scale) + zero, 0, STEPS).astype(np.uint8)
    return (codes.astype(np.float64) - zero) * scale, {"codes": codes, "scale": scale, "zero": zero}


# (the scheme, how it codes, whether the intercept is coded among the coefficients or kept).
SCHEMES: tuple[tuple[str, Callable[[np.ndarray], tuple[np.ndarray, dict[str, Any]]], bool], ...] = (
    ("naive uint8: one min and max, truncated", truncated, False),
    ("the same, rounded", rounded, False),
    ("the same, rounded, with an integer zero point", zero_point, False),
    ("naive uint8 with the intercept among the coefficients", truncated, True),
)
FLOAT, PACK = "float64, not quantized", "toolkit's `uint8-pack`"


def measure() -> Figures:
    """Return {"rows", "schemes": [{"scheme", "bytes", "r2", "mse", "max_abs"}]}."""
    from sklearn.linear_model import LinearRegression

    from toolkit.trainer.datasets.california import features_and_target

    X, y = features_and_target()
    model = LinearRegression().fit(X, y)
    exact = model.predict(X)
    coefficients, intercept = model.coef_, float(model.intercept_)
    stored = {"coefficients": coefficients, "intercept": intercept}
    rows = [_row(FLOAT, _joblib(stored), exact, exact, y)]
    for scheme, quantize, together in SCHEMES:
        if together:
            decoded, stored = quantize(np.append(coefficients, intercept))
            predicted = X @ decoded[:-1] + decoded[-1]
        else:
            decoded, stored = quantize(coefficients)
            stored["intercept"] = intercept
            predicted = X @ decoded + intercept
        rows.append(_row(scheme, _joblib(stored), predicted, exact, y))
    size, predicted = packed(model, X, y)
    rows.append(_row(PACK, size, predicted, exact, y))
    return {"schema_version": 1, "rows": len(X), "schemes": rows}


def packed(model: Any, X: np.ndarray, y: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the bytes of the model's uint8 pack, and its predictions through onnxruntime."""
    import toolkit

    with tempfile.TemporaryDirectory() as folder:
        bundle = toolkit.export(model, X, y, name="all-rows", out=folder)
        (variant,) = toolkit.quantize(bundle, ["uint8-pack"])
        if variant.file is None:
            raise SystemExit(f"uint8-pack: {variant.reason}")
        path = bundle.path / variant.file
        return path.stat().st_size, toolkit.load(path).predict(X).astype(np.float64)


def _joblib(stored: dict[str, Any]) -> int:
    import joblib

    buffer = io.BytesIO()
    joblib.dump(stored, buffer)
    return len(buffer.getvalue())


def _row(
    scheme: str, size: int, predicted: np.ndarray, exact: np.ndarray, y: np.ndarray
) -> Figures:
    squared = np.square(y - predicted)
    return {
        "scheme": scheme,
        "bytes": size,
        "r2": float(1.0 - squared.sum() / np.square(y - y.mean()).sum()),
        "mse": float(squared.mean()),
        "max_abs": float(np.abs(predicted - exact).max()),
    }


def as_markdown(figures: Figures) -> str:
    """Return the figures as a Markdown file with one table."""
    lines = [
        "<!-- Written by scripts/compare-naive. -->",
        "# What naive quantization loses",
        "",
        "| parameters | bytes | R² | MSE | largest change of a prediction |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in figures["schemes"]:
        shown = [_shown(row["r2"]), _shown(row["mse"]), _shown(row["max_abs"])]
        lines.append(f"| {row['scheme']} | {row['bytes']} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _shown(value: float) -> str:
    """Return four decimals, two from 10 on, none from 1000 on; with a true minus."""
    digits = 4 if abs(value) < 10 else 2 if abs(value) < 1000 else 0
    return (f"{value:,.{digits}f}" if value else "0").replace("-", "−")


def differences(old: Figures, new: Figures) -> list[str]:
    """Return a line for each figure that is not the same, but for rounding."""
    if [r["scheme"] for r in old["schemes"]] != [r["scheme"] for r in new["schemes"]]:
        return ["the schemes are others"]
    return [
        f"{after['scheme']}: {key} is {after[key]}, not {before[key]}"
        for before, after in zip(old["schemes"], new["schemes"], strict=True)
        for key in ("bytes", "r2", "mse", "max_abs")
        if not math.isclose(before[key], after[key], rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    ]


def main(arguments: list[str]) -> int:
    """Write the files, or with --check compare them; return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: scripts/compare-naive [--check]", file=sys.stderr)
        return 2
    figures = measure()
    print(as_markdown(figures), end="")
    if not arguments:
        JSON.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        MARKDOWN.write_text(as_markdown(figures), encoding="utf-8")
        return 0
    old = json.loads(JSON.read_text(encoding="utf-8"))
    wrong = differences(old, figures)
    if MARKDOWN.read_text(encoding="utf-8") != as_markdown(old):
        wrong.append(f"{MARKDOWN.name} is not made from {JSON.name}")
    for line in wrong:
        print(f"docs/naive: {line}; run scripts/compare-naive", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
