"""An opened artifact: `load(path)` gives a Predictor, whatever kind of file it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.errors import CorruptArtifact, InvalidInput, first_line
from toolkit.runtime import pack
from toolkit.runtime.files import read_bytes
from toolkit.runtime.inputs import prepare
from toolkit.runtime.manifest import VARIANT, entry_beside, read_checked, read_manifest
from toolkit.runtime.schema import ANY, DTYPES, Input
from toolkit.runtime.session import open_session

# Keys of a model's metadata_props that toolkit writes and the Predictor heeds.
TASK_KEY, TAKES_KEY = "toolkit.task", "toolkit.takes"


class Predictor:
    """A model that is open in onnxruntime.

    inputs: what it takes; outputs: the names of what it gives; task: "regressor", "classifier",
    "outlier_detector", "clusterer", "transformer", or None for a graph that toolkit did not write.
    """

    def __init__(
        self,
        model: bytes,
        origin: str,
        *,
        columns: dict[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        threads: int | None = None,
    ) -> None:
        """Open ONNX bytes; columns: feature names by input; else as `open_session` takes them."""
        self.origin = origin
        self.session = open_session(model, origin, options, threads)
        try:
            _require_tensors(self.session, origin)
            metadata = self.session.get_modelmeta().custom_metadata_map
        except UnicodeDecodeError as error:
            raise CorruptArtifact(
                f"{origin}: a name in it is no UTF-8 text ({error.reason}); copy or make the file "
                "again"
            ) from None
        self.task: str | None = metadata.get(TASK_KEY)
        self.inputs = _read_inputs(self.session, metadata.get(TAKES_KEY), columns or {})
        self.outputs = tuple(o.name for o in self.session.get_outputs())

    def predict(self, X: Any) -> np.ndarray:
        """Return scikit-learn's `predict(X)`: [N] (or [N, k] for several targets).

        A transformer gives its transformed rows [N, k]. X: see `toolkit.runtime.inputs.prepare`.
        Raises InvalidInput where X does not fit the model.
        """
        name = "label" if "label" in self.outputs else self.outputs[0]
        values = self._run(prepare(X, self.inputs), [name])[0]
        flat = self.task != "transformer" and values.ndim == 2 and values.shape[1] == 1
        return values.ravel() if flat else values

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, float32 [N, classes] in the order of the estimator's classes.

        Raises InvalidInput where the model has no probabilities.
        """
        if "probabilities" not in self.outputs:
            raise InvalidInput(
                f"{self.origin}: has no probabilities, only {', '.join(self.outputs)}; "
                "use predict or run"
            )
        return self._run(prepare(X, self.inputs), ["probabilities"])[0]

    def run(self, inputs: Any) -> dict[str, np.ndarray]:
        """Return every output by its name; `inputs` as for predict, or a mapping by input name."""
        values = self._run(prepare(inputs, self.inputs), list(self.outputs))
        return dict(zip(self.outputs, values, strict=True))

    def _run(self, feed: Mapping[str, np.ndarray], names: list[str]) -> list[np.ndarray]:
        rows = {name: len(array) for name, array in feed.items()}
        if len(set(rows.values())) > 1:
            raise InvalidInput(f"the inputs differ in their number of rows: {rows}")
        try:
            return self.session.run(names, feed)
        except Exception as error:  # onnxruntime's own exceptions share no public base class
            raise InvalidInput(
                f"{self.origin}: onnxruntime cannot run these inputs ({first_line(error)}); "
                "compare them with what `inspect` shows"
            ) from error


def load(path: str | Path, *, threads: int | None = None) -> Predictor:
    """Open an `.onnx` or `.pack` file, or a model directory (its `model.onnx`).

    A file that lies in a model directory is held against the SHA-256 in the manifest first, and
    opened with the session options that are recorded there. threads: onnxruntime's intra-op
    threads, one where neither this nor the manifest says otherwise. Raises InvalidInput where there
    is no such file, CorruptArtifact where it is damaged.
    """
    path = Path(path)
    if path.is_dir():
        path = path / _first_variant(path)
    found = entry_beside(path)
    if found is None:
        return Predictor(to_onnx(read_bytes(path), str(path)), str(path), threads=threads)
    manifest, entry = found
    return Predictor(
        to_onnx(read_checked(path, entry), str(path)),
        str(path),
        columns={i["name"]: i.get("columns") for i in manifest["inputs"]},
        options=entry.get("session"),
        threads=threads,
    )


def to_onnx(content: bytes, origin: str) -> bytes:
    """Return the ONNX bytes of an artifact's content: a pack is decoded, a graph is taken as is."""
    return pack.read(content, origin).to_onnx() if _looks_packed(content, origin) else content


def _looks_packed(content: bytes, origin: str) -> bool:
    # A pack with a damaged magic must not reach onnxruntime as if it were a graph.
    return pack.is_pack(content) or origin.endswith(".pack")


def _first_variant(folder: Path) -> str:
    files = read_manifest(folder)["files"]
    variants = [name for name, entry in files.items() if entry["role"] == VARIANT]
    if not variants:
        raise InvalidInput(f"{folder}: its manifest lists no model; export it again")
    return "model.onnx" if "model.onnx" in variants else sorted(variants)[0]


def _require_tensors(session: Any, origin: str) -> None:
    for node in session.get_inputs():
        if node.type not in DTYPES:
            raise InvalidInput(
                f"{origin}: takes the input {node.name!r} of type {node.type}; toolkit gives "
                f"{', '.join(sorted(set(DTYPES.values())))}"
            )
    for node in session.get_outputs():
        if not node.type.startswith("tensor("):
            raise InvalidInput(
                f"{origin}: gives {node.name!r} as {node.type}, no tensor; export it with toolkit, "
                "or with skl2onnx and the option zipmap=False"
            )


def _read_inputs(session: Any, takes: str | None, columns: dict[str, Any]) -> tuple[Input, ...]:
    nodes = session.get_inputs()
    allowed = takes.split(",") if takes else [ANY]
    if len(allowed) != len(nodes):
        allowed = allowed[:1] * len(nodes)
    return tuple(
        Input(
            name=node.name,
            dtype=DTYPES[node.type],
            width=_width(node.shape),
            takes=allowed[k],
            columns=tuple(columns[node.name]) if columns.get(node.name) else None,
        )
        for k, node in enumerate(nodes)
    )


def _width(shape: list) -> int | None:
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None
