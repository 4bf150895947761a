"""What commands write into a model directory: files, variants, reports, and their manifest."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.bundle.card import CARD
from toolkit.bundle.carded import card_of, is_own
from toolkit.bundle.directory import BUDGET, FRONT, MODEL, REPORTS, Bundle, open_bundle
from toolkit.bundle.transaction import Contents, commit
from toolkit.bundle.variants import Variant
from toolkit.errors import InvalidInput, ToolkitWarning
from toolkit.runtime.files import sha256
from toolkit.runtime.manifest import HOME, VARIANT


def to_npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as compressed npz bytes, the same for the same arrays; text as unicode."""
    buffer = io.BytesIO()
    plain = {n: a.astype(str) if a.dtype == object else a for n, a in arrays.items()}
    np.savez_compressed(buffer, **plain)  # type: ignore[arg-type]
    return buffer.getvalue()


def file_entry(
    name: str, content: bytes, role: str, variant: Variant | None = None
) -> dict[str, Any]:
    """Return a manifest entry: method (None for a file that is no variant), bytes, sha256, role.

    A variant's has its tolerance, its session's options and what it requires too.
    """
    # onnxruntime, which they import, is not needed to read a bundle.
    from toolkit.runtime.loading import to_onnx
    from toolkit.runtime.requires import requires

    entry: dict[str, Any] = {
        "method": variant.method if variant else None,
        "bytes": len(content),
        "sha256": sha256(content),
        "role": role,
    }
    if variant:
        entry["tolerance"] = variant.tolerance
        entry["session"] = variant.session
        entry["requires"] = requires(to_onnx(content, name), name)
    return entry


def write_files(
    path: Path,
    manifest: dict[str, Any],
    contents: Mapping[str, tuple[bytes, str]],
    check: Callable[[], None] = lambda: None,
) -> Bundle:
    """Write files (name -> (bytes, role)) and the manifest that lists them, all at once.

    The files that the old manifest listed and the new one does not are removed. check: raises
    where the directory, which is locked by then, is not to be written.
    """

    def plan() -> tuple[dict[str, Any], Contents]:
        check()
        return _carded(path, *_listing(manifest, contents))

    return Bundle(path, commit(path, plan))


def _listing(
    manifest: dict[str, Any], contents: Mapping[str, tuple[bytes, str]]
) -> tuple[dict[str, Any], Contents]:
    """Return a manifest with these files added to it, and their bytes."""
    for name, (content, role) in contents.items():
        variant = next((Variant(**v) for v in manifest["variants"] if v["file"] == name), None)
        manifest["files"][name] = file_entry(name, content, role, variant)
    return manifest, {name: content for name, (content, _) in contents.items()}


def with_variants(
    bundle: Bundle, results: list[tuple[Variant, bytes | None]], front: bytes | None = None
) -> Bundle:
    """Return the bundle with these variants written in place of earlier ones of the same methods.

    What other commands wrote since it was opened is kept, but InvalidInput is raised where that was
    another export. A report that measured the earlier variants is removed: it would describe other
    files. front: what the budget's variant was chosen from, where it is among them.
    """

    def plan() -> tuple[dict[str, Any], Contents]:
        now = open_bundle(bundle)
        _require(_exported(now) == _exported(bundle), bundle, "exported anew", "quantize it again")
        manifest = _with_variants(now.manifest, [variant for variant, _ in results])
        contents = {
            v.file: (content, VARIANT) for v, content in results if v.file and content is not None
        }
        if front is not None:
            contents[FRONT] = (front, HOME)
        return _carded(bundle.path, *_listing(manifest, contents))

    return Bundle(bundle.path, commit(bundle.path, plan))


def _with_variants(manifest: dict[str, Any], added: list[Variant]) -> dict[str, Any]:
    """Return a manifest with these variants, without reports and files that are replaced."""
    methods = {variant.method for variant in added}
    others = [v for v in manifest["variants"] if v["method"] not in methods]
    variants = others + [variant.record() for variant in added]
    listed = {v["file"] for v in variants} - {None}
    replaced = {*REPORTS, *((FRONT,) if BUDGET in methods else ())}
    files = {
        name: entry
        for name, entry in manifest["files"].items()
        if (entry["role"] != VARIANT or name in listed) and name not in replaced
    }
    return manifest | {"variants": variants, "files": files}


def with_reports(bundle: Bundle, reports: Mapping[str, bytes]) -> Bundle:
    """Return the bundle with its report files (name -> bytes) written and listed.

    Raises InvalidInput where what they describe was written anew since it was opened.
    """

    def plan() -> tuple[dict[str, Any], Contents]:
        now = open_bundle(bundle)
        _require(_exported(now) == _exported(bundle), bundle, "exported anew", "bench it again")
        measured = {n: e for n, e in bundle.manifest["files"].items() if e["role"] == VARIANT}
        there = now.manifest["files"]
        same = all(there.get(n, {}).get("sha256") == e["sha256"] for n, e in measured.items())
        _require(same, bundle, "quantized anew", "bench it again")
        written = {name: (text, HOME) for name, text in reports.items()}
        return _carded(bundle.path, *_listing(now.manifest, written))

    return Bundle(bundle.path, commit(bundle.path, plan))


def _carded(
    path: Path, manifest: dict[str, Any], contents: Contents
) -> tuple[dict[str, Any], Contents]:
    """Return a manifest and contents with the model card added, which tells of all of them.

    A README.md that is the user's own, or was edited, stays as it is, and is not listed.
    """
    manifest["files"].pop(CARD, None)
    if not is_own(path):
        warnings.warn(
            f"{path / CARD}: is not the card that toolkit wrote there, so it stays as it is and "
            "the manifest does not list it; move it elsewhere for a card",
            ToolkitWarning,
            stacklevel=2,
        )
        return manifest, contents
    text = card_of(path, manifest, contents)
    manifest["files"][CARD] = file_entry(CARD, text, HOME)  # last, whoever wrote the others
    return manifest, {**contents, CARD: text}


def _exported(bundle: Bundle) -> dict[str, Any]:
    """Return of a manifest what the export wrote and no later command does."""
    later = {*REPORTS, FRONT, CARD}
    files = {
        name: entry["sha256"]
        for name, entry in bundle.manifest["files"].items()
        if name == MODEL or (entry["role"] != VARIANT and name not in later)
    }
    return {k: v for k, v in bundle.manifest.items() if k != "variants"} | {"files": files}


def _require(holds: bool, bundle: Bundle, what: str, remedy: str) -> None:
    if not holds:
        raise InvalidInput(f"{bundle.path}: was {what} while this command ran; {remedy}")
