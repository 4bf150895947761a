"""What scripts/requires runs: bundles, each of their files on each onnxruntime, and a table.

Usage: requires.py [--quick] FOLDER, or, by each version itself, requires.py replay FOLDER FILE…
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# numpy's version 2 came after the first three.
VERSIONS = {
    "1.16.3": "numpy<2",
    "1.17.3": "numpy<2",
    "1.18.1": "numpy<2",
    "1.19.2": "numpy",
    "1.20.1": "numpy",
    "1.21.1": "numpy",
    "1.22.1": "numpy",
    "1.23.2": "numpy",
    "1.24.4": "numpy",
}
QUICK = ("1.16.3", "1.18.1", "1.20.1")
RUNTIMES = (None, "1.16", "1.18")  # what is exported for
PAGE = Path("docs/requires.md")
RUNS = "runs"
ALONE = 8  # rows of the golden ones


def kinds(quick: bool) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield a name, a fitted estimator and its rows (X, y), for each kind of graph."""
    import numpy as np
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.impute import KNNImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import SVC

    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 6))
    y = X @ rng.normal(size=6) + np.sin(3 * X[:, 0])
    labels = (y > 0).astype(int)
    holes = np.where(rng.random(X.shape) < 0.1, np.nan, X)
    forest = RandomForestRegressor(8, max_depth=6, random_state=0)
    network = MLPRegressor(hidden_layer_sizes=(48, 32), max_iter=300, random_state=0)
    yield "linear", make_pipeline(StandardScaler(), Ridge()).fit(X, y), X, y
    yield "forest", forest.fit(X, y), X, y
    yield "network", make_pipeline(StandardScaler(), network).fit(X, y), X, y
    yield "imputed by neighbours", make_pipeline(KNNImputer(), Ridge()).fit(holes, y), holes, y
    if quick:
        return
    boosted = HistGradientBoostingClassifier(max_iter=30, random_state=0)
    yield "boosted trees", boosted.fit(holes, labels), holes, labels
    yield "logistic", LogisticRegression().fit(X, labels), X, labels
    yield "neighbours", KNeighborsClassifier(3).fit(X, labels), X, labels
    yield "support vectors", SVC(random_state=0).fit(X, labels), X, labels
    yield "Gaussian process", GaussianProcessRegressor(alpha=0.1).fit(X, y), X, y
    table = pd.DataFrame({"a": X[:, 0], "b": rng.choice(["red", "green", "blue"], len(X))})
    columns = make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough")
    yield "table", make_pipeline(columns, Ridge()).fit(table, y), table, y
    words = np.array(["cheap", "fast", "slow", "dear", "new", "old"], dtype=object)
    texts = np.array([" ".join(rng.choice(words, 5)) for _ in range(len(X))], dtype=object)
    yield "text", make_pipeline(TfidfVectorizer(), Ridge()).fit(texts, y), texts, y
    yield "hashed text", make_pipeline(HashingVectorizer(), Ridge()).fit(texts, y), texts, y
    names = pd.DataFrame({"name": rng.permutation([f"n{k % 600}" for k in range(1200)])})
    values = names["name"].str.len().to_numpy() + rng.normal(size=len(names))
    yield (
        "many categories",
        make_pipeline(OneHotEncoder(), Ridge()).fit(names, values),
        names,
        values,
    )


def make(folder: Path, quick: bool) -> None:
    """Write the bundles of all kinds, for each runtime that has their operators."""
    from toolkit import export, quantize
    from toolkit.errors import UnsupportedEstimator

    for name, estimator, X, y in kinds(quick):
        for runtime in RUNTIMES:
            out = folder / f"{name} for {runtime}" if runtime else folder / name
            try:
                quantize(export(estimator, X, y, name="model", out=out, runtime=runtime))
            except UnsupportedEstimator as refusal:
                print(f"{out.name}: {refusal}", file=sys.stderr)


def installed(folder: Path, version: str) -> Path:
    """Return where a version of onnxruntime lies, with the numpy that it takes."""
    path = folder / version
    if not path.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        wanted = [f"onnxruntime=={version}", VERSIONS[version]]
        subprocess.run([*pip, "--only-binary", ":all:", "--target", path, *wanted], check=True)
    return path


def outcomes(path: Path, files: list[Path]) -> dict[Path, str]:
    """Return what comes of each file on the version that lies there: RUNS, or why not.

    Another process is begun behind a file with which one ended.
    """
    found: dict[Path, str] = {}
    interpreter = getattr(sys, "_base_executable", sys.executable)
    environment = {"PYTHONPATH": f"{path}:{Path.cwd()}", "PATH": ""}
    while len(found) < len(files):
        left = files[len(found) :]
        command = [interpreter, __file__, "replay", *map(str, left)]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
        lines = done.stdout.splitlines()
        found |= dict(zip(left, lines, strict=False))
        if len(lines) < len(left):
            last = done.stderr.strip().splitlines()
            found[left[len(lines)]] = f"ends the process ({last[-1] if last else done.returncode})"
    return found


def replay(files: list[str]) -> None:
    """Print a line for each file: RUNS where the golden rows come out right, else why not.

    Rows are run alone too: what comes of no rows inside a graph has ended processes.
    """
    from toolkit.errors import ToolkitError
    from toolkit.runtime import golden, load
    from toolkit.runtime.manifest import read_manifest
    from toolkit.runtime.verify import replay as replayed

    for path in map(Path, files):
        manifest = read_manifest(path.parent)
        content = (path.parent / golden.NAME).read_bytes()
        rows = golden.read(content, str(path), manifest)
        try:
            model = load(path)
            check = replayed(model, rows, manifest["files"][path.name], path.name)
            for k in range(ALONE):
                model.run({name: values[k : k + 1] for name, values in rows.inputs.items()})
            print(RUNS if check.passed else f"wrong: {check.detail}", flush=True)
        except ToolkitError as error:
            print(error, flush=True)


def required(path: Path) -> str:
    """Return the lowest onnxruntime that a bundle's file says it needs."""
    from toolkit.runtime.manifest import read_manifest

    return read_manifest(path.parent)["files"][path.name]["requires"]["onnxruntime"]


def compare(files: list[Path], ran: dict[str, dict[Path, str]]) -> list[str]:
    """Return a line for each file and version whose outcome is not what the file says."""
    from toolkit.runtime.requires import minor

    wrong = []
    for path in files:
        for version, found in ran.items():
            says = minor(version) >= minor(required(path))
            if says != (found[path] == RUNS):
                name = f"{path.parent.name}: {path.name}"
                wrong.append(f"{name} requires {required(path)}; {version}: {found[path]}")
    return wrong


def page(files: list[Path], ran: dict[str, dict[Path, str]]) -> str:
    """Return docs/requires.md: for each kind, the lowest version by what it was exported for."""
    from toolkit.bundle import MODEL

    lines = [
        "# What files require",
        "",
        "The lowest onnxruntime that runs a file stands in the manifest under",
        "`files.<name>.requires`; `toolkit inspect` shows it. `scripts/requires` wrote this page:",
        f"it replayed the golden rows of each file on {', '.join(ran)},",
        "and every file ran on the versions from the one that it names on, and on none before.",
        "",
        "| kind, exported for | files | lowest onnxruntime |",
        "|---|---|---|",
    ]
    groups: dict[tuple[str, str], list[str]] = {}
    for path in files:
        groups.setdefault((path.parent.name, required(path)), []).append(path.name)
    for (kind, version), names in groups.items():
        short = ", ".join(n if n == MODEL else n.removeprefix("model.") for n in names)
        lines.append(f"| {kind} | {short} | {version} |")
    return "\n".join(lines) + "\n"


def main(*arguments: str) -> None:
    """Make, run and compare; SystemExit with the lines of what does not agree."""
    if arguments[0] == "replay":
        replay(list(arguments[1:]))
        return
    quick, folder = "--quick" in arguments, Path(arguments[-1]).resolve()
    places = {v: installed(folder, v) for v in (QUICK if quick else VERSIONS)}
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch), quick)
        bundles = sorted(p.parent for p in Path(scratch).glob("*/manifest.json"))
        suffixes = (".onnx", ".pack")
        files = [f for b in bundles for f in sorted(b.iterdir()) if f.suffix in suffixes]
        ran = {version: outcomes(path, files) for version, path in places.items()}
        wrong = compare(files, ran)
        print(f"{len(files)} files on {len(ran)} versions, {len(wrong)} not as they say")
        if wrong:
            raise SystemExit("\n".join(wrong))
        if not quick:
            PAGE.write_text(page(files, ran), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
