"""Read packs, bundles, npz, CSV, ONNX and skops files that were damaged behind their checksums.

Every case comes of its kind and number alone (and of --bundle, where that is given), so that what
is found is found again with `--kind KIND --first NUMBER --number 1`. Found is: any exception other
than toolkit's own, a process that dies; for packs, bundles, npz and CSV also a warning, and memory
or processor time beyond what `cases` states. What a graph or an estimator computes has no bound: it
is counted as "limit". Prints what is found, and then, as JSON, how many cases ended how.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cases import BATCH, Kind, batch


def kinds() -> dict[str, Callable[[], Kind]]:
    """Return for each kind what imports it: the children find loaded what they need."""

    def files(name: str) -> Callable[[], Kind]:
        def import_it() -> Kind:
            import files

            return Kind(getattr(files, name))

        return import_it

    def onnx() -> Kind:
        import graphs

        return Kind(graphs.graphs, bounded=False)

    def skops() -> Kind:
        import estimators

        estimators.samples()
        return Kind(estimators.estimators, bounded=False, strict=False)

    named = {name: files(name) for name in ("packs", "bundles", "npz", "csv")}
    return {**named, "onnx": onnx, "skops": skops}


def make_bundles(folder: Path) -> None:
    """Export and quantize small models, for their bundles to be damaged."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler
    from sklearn.svm import SVC

    from toolkit.exporter import export
    from toolkit.quantizer import quantize

    chance = np.random.default_rng(1)
    X = chance.normal(size=(80, 3))
    y = X @ [1.0, 2.0, 3.0]
    city = chance.choice(["Ulm", "Bonn", "Kiel"], 80).astype(object)
    table = pd.DataFrame({"city": city, "size": X[:, 1], "rooms": X[:, 2]})
    texts = [" ".join(chance.choice(["red", "blue", "green", "x9"], 4)) for _ in X]
    columns = make_column_transformer(
        (OneHotEncoder(), ["city"]), (StandardScaler(), ["size", "rooms"])
    )
    for name, model, rows, target in (
        ("linear", Ridge(), X, y),
        ("forest", RandomForestClassifier(3, max_depth=4, random_state=0), X, y > 0),
        ("boosting", HistGradientBoostingRegressor(max_iter=3), X, y),
        ("neighbours", KNeighborsClassifier(3), X, y > 0),
        ("spline", make_pipeline(SplineTransformer(), Ridge()), X, y),
        ("support", SVC(), X, y > 0),
        ("texts", make_pipeline(TfidfVectorizer(), LogisticRegression()), texts, y > 0),
        ("table", make_pipeline(columns, LogisticRegression()), table, y > 0),
    ):
        bundle = export(model.fit(rows, target), rows, target, name=name, out=folder / name)
        quantize(bundle)


def main() -> int:
    """Read so many cases of each kind; print what is found and return 1, or 0."""
    known = kinds()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=known, action="append", help="  [default: all]")
    parser.add_argument("--first", type=int, default=0, help="the first case's number")
    parser.add_argument("--number", type=int, default=100_000, help="of cases  [default: 100000]")
    parser.add_argument(
        "--bundle",
        type=Path,
        action="append",
        help="a model directory to damage  [default: makes some]",
    )
    arguments = parser.parse_args()
    last = arguments.first + arguments.number
    ended: dict[str, dict[str, int]] = {}
    any_found = False
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        folder = Path(scratch)
        put_bundles(folder / "bundles", arguments.bundle)
        for name in arguments.kind or known:
            kind, outcomes = known[name](), Counter[str]()
            for first in range(arguments.first, last, BATCH):
                numbers = range(first, min(first + BATCH, last))
                counts, found = batch(kind, name, numbers, folder)
                outcomes += counts
                for said in found:
                    print(said, flush=True)
                any_found |= bool(found)
            ended[name] = dict(outcomes.most_common())
            print(f"{name}: {json.dumps(ended[name])}", file=sys.stderr)
    print(json.dumps({"first": arguments.first, "number": arguments.number, "ended": ended}))
    return int(any_found)


def put_bundles(folder: Path, given: list[Path] | None) -> None:
    """Copy the given bundles there, or make some."""
    for number, bundle in enumerate(given or []):
        shutil.copytree(bundle, folder / f"{number}-{bundle.name}")
    if given:
        return
    child = os.fork()  # no sessions, and no threads, before other forks
    if child == 0:
        make_bundles(folder)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("no bundles could be made")


if __name__ == "__main__":
    sys.exit(main())
