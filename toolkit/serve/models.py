"""The models that a service has: opened, held against their golden rows, described."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.errors import InvalidInput, ParityError
from toolkit.runtime import golden
from toolkit.runtime.files import plain_path
from toolkit.runtime.listed import is_there, read_checked
from toolkit.runtime.loading import load
from toolkit.runtime.manifest import GOLDEN, NAME, settled
from toolkit.runtime.predictor import Predictor
from toolkit.runtime.schema import DTYPES
from toolkit.runtime.verify import replay
from toolkit.serve.tensors import DATATYPES

PLATFORM = "onnxruntime_onnx"  # packs, too, become an ONNX graph
ALONE = "1"  # the version of a file that lies in no model directory
REPORT = "report.json"


@dataclass(frozen=True, eq=False)
class Model:
    """One file that answers requests: a version of a model.

    name: the manifest's, or the file's; version: the file's method. manifest: None for a file that
    lies in no model directory; report: report.json's content where it is there. replayed: what came
    of the golden rows, "" where there are none.
    """

    name: str
    version: str
    file: str
    predictor: Predictor
    manifest: dict[str, Any] | None = None
    report: dict[str, Any] | None = None
    replayed: str = ""


@dataclass(frozen=True)
class Options:
    """How models are opened: as `toolkit.runtime.load` takes it."""

    threads: int | None = None
    unproved: bool = False
    require_signature: str | None = None


Models = dict[str, dict[str, Model]]


def open_models(artifacts: Sequence[str], options: Options) -> Models:
    """Return the models by name and version, in the order given: the first version is a name's own.

    A directory is opened as `load` does: its model.onnx. Each file's golden rows are replayed.
    Raises InvalidInput where two files are one version of one model, ParityError where a proof
    failed or a file does not reproduce its golden rows (not if `unproved`), and what `load` raises.
    """
    models: Models = {}
    for artifact in artifacts:
        model = _opened(plain_path(artifact), options)
        versions = models.setdefault(model.name, {})
        if model.version in versions:
            raise InvalidInput(
                f"{artifact}: another file is version {model.version} of {model.name} already; "
                "leave one out"
            )
        versions[model.version] = model
    return models


def _opened(path: str, options: Options) -> Model:
    folder = _folder(path)
    if folder is None:
        predictor = _load(path, options)
        name = os.path.splitext(os.path.basename(path))[0]
        return _named(Model(name, ALONE, os.path.basename(path), predictor))
    return settled(
        folder, lambda found: _of_bundle(folder, path, found, options), options.require_signature
    )


def _folder(path: str) -> str | None:
    """Return the model directory that a path is or lies in; a link from elsewhere is its file."""
    if os.path.isdir(path):
        return path if os.path.isfile(os.path.join(path, NAME)) else None
    for file in (path, os.path.realpath(path)):
        folder = os.path.dirname(file) or os.curdir
        if os.path.isfile(os.path.join(folder, NAME)):
            return folder
    return None


def _of_bundle(folder: str, path: str, manifest: dict[str, Any], options: Options) -> Model:
    predictor = _load(path, options)
    file = os.path.basename(os.path.realpath(predictor.origin))
    if file not in manifest["files"]:
        file = os.path.basename(predictor.origin)
    entry = manifest["files"][file]
    name, version = manifest["name"], str(entry.get("method") or ALONE)
    replayed = _replayed(folder, file, manifest, predictor, options.unproved)
    report = _report(folder, manifest)
    return _named(Model(name, version, file, predictor, manifest, report, replayed))


def _load(path: str, options: Options) -> Predictor:
    return load(
        path,
        threads=options.threads,
        unproved=options.unproved,
        require_signature=options.require_signature,
    )


def _named(model: Model) -> Model:
    """Return the model; its errors name it, and no path of the machine, since clients read them."""
    predictor = model.predictor
    for output in predictor.session.get_outputs():
        if DTYPES.get(output.type) not in DATATYPES:
            raise InvalidInput(
                f"{predictor.origin}: gives {output.name!r} as {output.type}, for which the "
                "protocol has no datatype; serve another file"
            )
    if not model.name:
        raise InvalidInput(
            f"{predictor.origin}: has no name, under which it could be asked; export it with --name"
        )
    predictor.origin = model.name
    return model


def _replayed(
    folder: str, file: str, manifest: dict[str, Any], predictor: Predictor, unproved: bool
) -> str:
    """Return what came of the golden rows; ParityError where they are not reproduced."""
    for name, entry in manifest["files"].items():
        path = os.path.join(folder, name)
        if entry["role"] == GOLDEN and is_there(path, entry):
            rows = golden.read(read_checked(path, entry), path, manifest)
            check = replay(predictor, rows, manifest["files"][file], file)
            if not check.passed and not unproved:
                raise ParityError(
                    f"{folder}: {file} does not reproduce the golden rows ({check.detail}); do not "
                    "use it on this machine"
                )
            return check.detail
    return ""


def _report(folder: str, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Return what report.json holds, None where it stayed at home or is none."""
    entry, path = manifest["files"].get(REPORT), os.path.join(folder, REPORT)
    if entry is None or not is_there(path, entry):
        return None
    try:
        found = json.loads(read_checked(path, entry))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def find(models: Models, name: str, version: str | None) -> Model | None:
    """Return a version of a model, its first where none is named; None where there is none."""
    versions = models.get(name, {})
    return next(iter(versions.values()), None) if version is None else versions.get(version)


def described(models: Models, model: Model) -> dict[str, Any]:
    """Return the protocol's metadata of a model; -1 stands for any number of rows or columns."""
    taken = model.predictor.inputs
    given = model.predictor.session.get_outputs()
    return {
        "name": model.name,
        "versions": list(models[model.name]),
        "platform": PLATFORM,
        "inputs": [
            {"name": i.name, "datatype": DATATYPES[i.dtype], "shape": [-1, _size(i.width)]}
            for i in taken
        ],
        "outputs": [
            {
                "name": o.name,
                "datatype": DATATYPES[DTYPES[o.type]],
                "shape": list(map(_size, o.shape)),
            }
            for o in given
        ],
    }


def _size(size: Any) -> int:
    return size if isinstance(size, int) else -1
