"""The flow of `quantize`: apply each method, check what it made, keep what is smaller and right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx

from toolkit import stages
from toolkit.arguments import texts
from toolkit.bundle import (
    MODEL,
    NO_OP,
    NOT_APPLICABLE,
    OK,
    Bundle,
    Variant,
    Variants,
    open_bundle,
    with_variants,
)
from toolkit.errors import CorruptArtifact, InvalidInput, ParityError, ToolkitError, guarded
from toolkit.quantizer.budget.expression import check_applies, parse
from toolkit.quantizer.budget.flow import fit_budget
from toolkit.quantizer.calibration import Calibration
from toolkit.quantizer.checks.acceptance import Standard, accept
from toolkit.quantizer.checks.ort_rewrites import notes
from toolkit.quantizer.checks.thresholds import dropped
from toolkit.quantizer.graphs.classifiers import with_products
from toolkit.quantizer.graphs.standardised import standardised
from toolkit.quantizer.methods import load_method, method_names
from toolkit.quantizer.refusals import NoOp, NotApplicable
from toolkit.quantizer.trees.forests import OPERATORS
from toolkit.runtime.loading import to_onnx
from toolkit.runtime.manifest import require_proved
from toolkit.runtime.requires import requires, too_old


@guarded("bundle", ToolkitError, "export the model again, or leave the method out")
def quantize(
    bundle: Bundle | str | Path,
    methods: Sequence[str] | None = None,
    *,
    budget: str | Sequence[str] | None = None,
    thresholds: int | None = None,
    unproved: bool = False,
    progress: Callable[[Variant], Any] | None = None,
    say: Callable[[str], Any] = lambda _: None,
) -> Variants:
    """Make a variant with each method and one within the budget; return what came of each.

    methods: all, where none is named and no budget is given. budget: limits such as "nmse<=1e-4" or
    "bytes<=4096,agreement>=0.99"; formats are then chosen parameter by parameter, and the variant
    is called "budget" (see `toolkit.quantizer.budget`). thresholds: trees keep at most so many a
    feature (>= 1), in the packs whose methods can; else all of them, exactly.

    A variant is kept only if it is smaller than model.onnx and within its method's limits on the
    calibration rows; else its status and reason say why not, with the figures. progress is called
    with each Variant as it is known, say with lines on how far the search for a budget is. Raises
    InvalidInput for an unknown method, a budget that cannot be meant, or thresholds that nothing
    has, ParityError where the bundle's own proof failed and `unproved` is not given, or (once
    everything is written) where nothing keeps the budget.
    """
    bundle = open_bundle(bundle)
    names = texts(methods or (), "methods") or (method_names() if budget is None else ())
    chosen = {name: load_method(name) for name in names}
    limits = None if budget is None else parse(budget)
    require_proved(bundle.path, bundle.manifest, unproved)
    content = bundle.read(MODEL)
    model = with_products(_parse(content, str(bundle.model_path)))
    calibration = Calibration.of(bundle, content)
    if thresholds is not None:
        _check_thresholds(thresholds, model, chosen)
    # A pack's codes have a scale an input; graphs round on one grid, and want features of one size.
    sources = {".pack": model}
    if any(method.SUFFIX == ".onnx" for method in chosen.values()):
        sources[".onnx"] = standardised(model, calibration)
    if limits:
        check_applies(limits, bundle, targets=calibration.rows.target is not None)
    standard = Standard.of(bundle, content, calibration.rows)
    results: list[tuple[Variant, bytes | None]] = []
    runtime = bundle.manifest.get("runtime")
    for name, method in chosen.items():
        stages.at(f"trying {name}")
        able = thresholds is not None and hasattr(method, "THRESHOLDS")
        asked = {"thresholds": thresholds} if able else {}
        results.append(
            _made(name, method, sources[method.SUFFIX], calibration, standard, asked, runtime)
        )
        if progress:
            progress(results[-1][0])
    if limits is None:
        with_variants(bundle, results)
        return Variants((variant for variant, _ in results), bundle.path)
    fitted = fit_budget(model, calibration, bundle, limits, standard, say)
    results.append((fitted.variant, fitted.content))
    if progress:
        progress(fitted.variant)
    with_variants(bundle, results, fitted.front)
    if fitted.variant.status != OK:
        raise ParityError(f"{bundle.path}: {fitted.variant.reason}")
    return Variants((variant for variant, _ in results), bundle.path)


def _made(
    name: str,
    method: ModuleType,
    source: onnx.ModelProto,
    calibration: Calibration,
    standard: Standard,
    asked: dict[str, Any],
    runtime: str | None,
) -> tuple[Variant, bytes | None]:
    """Return what `judge` says of a method's output, with notes on what it has become.

    asked: what the method was asked for besides. runtime: the version of onnxruntime that the model
    was exported for, if one was named.
    """
    try:
        content = method.apply(source, calibration, **asked)
    except NotApplicable as reason:
        verdict = NO_OP if isinstance(reason, NoOp) else ""
        return Variant(name, NOT_APPLICABLE, reason=str(reason), verdict=verdict), None
    if newer := _newer(content, name, runtime):
        return Variant(name, NOT_APPLICABLE, reason=newer), None
    variant, accepted = accept(name, method, content, source, standard)
    said = [variant.notes, dropped(source, content, name)]
    if accepted is not None and method.SUFFIX == ".onnx":
        rows = calibration.rows.inputs
        said.append(notes(accepted, str(variant.file), variant.session, rows, method.LIMITS))
    return replace(variant, notes="; ".join(filter(None, said))), accepted


def _newer(content: bytes, name: str, runtime: str | None) -> str:
    """Return why the runtime that a model was exported for cannot run this, "" where it can."""
    if runtime is None:
        return ""
    needed = requires(to_onnx(content, name), name)["onnxruntime"]
    if not too_old(needed, runtime):
        return ""
    return f"it needs onnxruntime {needed}, and the model was exported for {runtime}"


def _check_thresholds(most: int, model: onnx.ModelProto, chosen: dict[str, ModuleType]) -> None:
    """Raise InvalidInput where nothing would come of a number of thresholds."""
    if not isinstance(most, int):
        raise InvalidInput(f"thresholds={most!r}: is no whole number; give one, or None for all")
    if most < 1:
        raise InvalidInput(f"thresholds={most}: a feature of trees has at least one; give more")
    if not any(hasattr(m, "THRESHOLDS") for m in chosen.values()):
        able = [n for n in method_names() if hasattr(load_method(n), "THRESHOLDS")]
        raise InvalidInput(
            f"thresholds={most}: none of the methods reduces them; name {' or '.join(able)}"
        )
    if not any(n.op_type in OPERATORS for n in model.graph.node):
        raise InvalidInput(f"thresholds={most}: the graph has no trees; leave it out")


def _parse(content: bytes, origin: str) -> onnx.ModelProto:
    try:
        return onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's DecodeError, wherever this version keeps it
        raise CorruptArtifact(f"{origin}: is no ONNX model ({error}); export it again") from error
