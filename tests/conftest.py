"""How tests run, and what those of several folders use: bundles, made once, and a quick bench."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# No test fails because a machine is busy.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


# Folders whose tests are slow by their number: every estimator, exported and proved.
MANY = ("estimators",)


def pytest_collection_modifyitems(items):
    """Files that hold slow tests come last, so that most of what fails does so at once."""
    for item in items:
        if item.path.parent.name in MANY:
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path in slow)


@pytest.fixture(scope="session")
def california_bundle(tmp_path_factory):
    """The recipe california-linear, exported and quantized with every method."""
    from toolkit.exporter import export
    from toolkit.quantizer import quantize
    from toolkit.trainer import train

    trained = train("california-linear")
    rows = trained.dataset
    out = tmp_path_factory.mktemp("bundles") / "california-linear"
    bundle = export(
        trained.estimator,
        rows.X_train,
        rows.y_train,
        name="california-linear",
        out=out,
        X_test=rows.X_test,
        y_test=rows.y_test,
        all_rows=trained.all_rows,
    )
    quantize(bundle)
    return out


@pytest.fixture(scope="session")
def classifier_bundle(tmp_path_factory):
    """A classifier of a table: an input a column; numbers and text may be missing."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from toolkit.exporter import export
    from toolkit.quantizer import quantize

    random = np.random.default_rng(7)
    size = random.normal(50.0, 20.0, 240)
    size[::17] = np.nan
    city = random.choice(["Ulm", "Bonn", "Kiel"], 240).astype(object)
    city[::23] = None
    table = pd.DataFrame(
        {
            "size": size,
            "rooms": random.integers(1, 9, 240),
            "city": pd.Series(city, dtype=object),
        }
    )
    kind = np.where(np.nan_to_num(size) + 5 * (city == "Ulm") > 52, "large", "small")
    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), ["size", "rooms"]),
            (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ),
        LogisticRegression(),
    ).fit(table, kind)
    out = tmp_path_factory.mktemp("bundles") / "homes"
    quantize(export(model, table, kind, name="homes", out=out))
    return out


@pytest.fixture(scope="session")
def named_bundle(tmp_path_factory):
    """A regressor fitted on a data frame of numbers: one input X, whose columns have names.

    It answers a + 10 b + 100 c, so that a mixed-up column shows.
    """
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    from toolkit.exporter import export

    table = pd.DataFrame(np.random.default_rng(3).normal(size=(80, 3)), columns=["a", "b", "c"])
    target = table.to_numpy() @ [1.0, 10.0, 100.0]
    out = tmp_path_factory.mktemp("bundles") / "named"
    export(LinearRegression().fit(table, target), table, target, name="named", out=out)
    return out


@pytest.fixture
def california(california_bundle, tmp_path):
    """A copy of the california-linear bundle, to be damaged."""
    return shutil.copytree(california_bundle, tmp_path / "california-linear")


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Two Ed25519 key pairs as openssl writes them: k.pem and k.pub, other.pem and other.pub."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    folder = tmp_path_factory.mktemp("keys")
    for name, seed in (("k", b"k" * 32), ("other", b"o" * 32)):
        secret = Ed25519PrivateKey.from_private_bytes(seed)
        (folder / f"{name}.pem").write_bytes(
            secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (folder / f"{name}.pub").write_bytes(
            secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
    return folder


def disprove(folder):
    """Write into a bundle's manifest that its graph was off by 2.1 on the held-out rows."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["proof"]["passed"] = False
    for figures in (by["held_out"] for by in manifest["proof"]["comparisons"].values()):
        figures.update(passed=False, max_relative=2.1)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def unproved(california):
    """A copy of the california-linear bundle whose proof failed."""
    return disprove(california)


@pytest.fixture
def quick(monkeypatch):
    """A bench without its slow parts, for tests that are about other figures."""
    from toolkit.runner import cold_start, latency

    monkeypatch.setattr(cold_start, "measure", lambda *_: cold_start.Start(1.0, (1.0, 1.0), 2.0))
    monkeypatch.setattr(latency, "SLICE_NS", 100_000)
    monkeypatch.setattr(latency, "ROUNDS", 1)
