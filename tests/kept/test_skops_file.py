from __future__ import annotations

import copy
import io
import pickle
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    VotingClassifier,
)
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    PoissonRegressor,
    TweedieRegressor,
)
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from toolkit.errors import InvalidInput
from toolkit.estimators.skops_file import dump_estimator, load_estimator

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X @ [1.0, 2.0, 3.0]

ESTIMATORS = {
    "pipeline": lambda: make_pipeline(StandardScaler(), LinearRegression()),
    "tree": lambda: DecisionTreeRegressor(random_state=0),
    "boosting": lambda: HistGradientBoostingRegressor(max_iter=3, random_state=0),
    "mlp": lambda: MLPRegressor(hidden_layer_sizes=(4,), max_iter=400, tol=1.0, random_state=0),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_round_trip(name):
    estimator = ESTIMATORS[name]().fit(X, Y)
    loaded = load_estimator(dump_estimator(estimator), "e.skops")
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))


@pytest.mark.parametrize(
    "estimator",
    [
        PoissonRegressor(),
        GammaRegressor(),
        TweedieRegressor(power=1.5),
        GradientBoostingRegressor(n_estimators=3),
        HistGradientBoostingRegressor(loss="poisson", max_iter=3),
    ],
    ids=str,
)
def test_losses_that_are_compiled(estimator):
    """Older releases of skops than our floor do not trust scikit-learn's own."""
    estimator.fit(X, np.exp(Y / 5))
    loaded = load_estimator(dump_estimator(estimator), "e.skops")
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_same_bytes_for_equal_estimators(name):
    first, second = (ESTIMATORS[name]().fit(X, Y) for _ in range(2))
    content = dump_estimator(first)
    assert dump_estimator(second) == content
    assert dump_estimator(copy.deepcopy(first)) == content
    pickled = pickle.dumps(first)
    once, again = (dump_estimator(pickle.loads(pickled)) for _ in range(2))
    assert once == again


def test_the_gaps_in_records_are_zeros():
    """They hold what lay in memory before, addresses among it."""
    gaps = np.dtype([("a", "u1"), ("b", "<f8")], align=True)
    estimator = LinearRegression().fit(X, Y)
    estimator.records_ = np.frombuffer(bytes(range(1, 33)), dtype=gaps).copy()
    content = dump_estimator(estimator)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [archive.read(n) for n in archive.namelist() if n.endswith(".npy")]
    records = next(m for m in members if b"'a'" in m)
    assert records.endswith(bytes([1, *[0] * 7, *range(9, 17), 17, *[0] * 7, *range(25, 33)]))
    np.testing.assert_array_equal(load_estimator(content, "e.skops").records_, estimator.records_)


def test_other_estimators_have_other_bytes():
    one, two = LinearRegression().fit(X, Y), LinearRegression().fit(X, Y + 1)
    assert dump_estimator(one) != dump_estimator(two)


def test_what_skops_cannot_hold():
    estimator = LinearRegression().fit(X, Y)
    estimator.rows_ = (row for row in X)
    with pytest.raises(InvalidInput, match="LinearRegression: cannot be kept as a skops file"):
        dump_estimator(estimator)


class Own:
    """A type that nobody vouches for."""

    ran = False

    def __setstate__(self, state):
        Own.ran = True


def test_untrusted_types_are_named_and_not_restored():
    content = skops.io.dumps(Own())
    with pytest.raises(
        InvalidInput, match=r"e\.skops: holds the type '.*Own', which is not trusted"
    ):
        load_estimator(content, "e.skops")
    assert not Own.ran


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\3\4", b"no zip at all", b"\x80\x04N."],
    ids=["empty", "zip", "text", "pickle"],
)
def test_no_skops_file(content):
    with pytest.raises(InvalidInput, match=r"e\.skops: is no readable skops file"):
        load_estimator(content, "e.skops")


def test_a_zip_without_a_schema():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("other", "x")
    with pytest.raises(InvalidInput, match="is no readable skops file"):
        load_estimator(buffer.getvalue(), "e.skops")


def test_damage():
    """Every eighth byte flipped, and cut there: an error on one line, or the same estimator."""
    good = LinearRegression().fit(X, Y)
    content = dump_estimator(good)
    refused = 0
    for at in range(0, len(content), 8):
        damaged = bytearray(content)
        damaged[at] ^= 4
        for candidate in (bytes(damaged), content[:at]):
            try:
                loaded = load_estimator(candidate, "e.skops")
            except InvalidInput as error:
                refused += 1
                text = str(error)
            else:
                text = ""
                np.testing.assert_array_equal(loaded.predict(X), good.predict(X))
            assert "\n" not in text
    assert refused > len(content) / 8


@pytest.mark.parametrize("library", ["xgboost", "catboost", "lightgbm"])
def test_ensembles_of_boosters_give_one_file_that_opens(library):
    """Their files' random names may begin with digits: twenty dumps are one, and it opens."""
    module = pytest.importorskip(library)
    make = {
        "xgboost": lambda n: module.XGBClassifier(n_estimators=n),
        "catboost": lambda n: module.CatBoostClassifier(
            iterations=n, verbose=0, allow_writing_files=False
        ),
        "lightgbm": lambda n: module.LGBMClassifier(n_estimators=n, verbose=-1),
    }[library]
    X = np.random.default_rng(0).normal(size=(60, 3))
    votes = VotingClassifier([(f"of{n}", make(n)) for n in (1, 2, 3)]).fit(X, X[:, 0] > 0)
    dumps = {dump_estimator(votes) for _ in range(20)}
    assert len(dumps) == 1
    again = load_estimator(dumps.pop(), "x")
    np.testing.assert_array_equal(again.predict(X), votes.predict(X))
