"""Cases of skops files: the schema's values, names and types, and the values of arrays changed."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from cases import Read
from damage import NUMBERS, archive_of, change_document, changed_array, damaged, members_of

from toolkit.errors import ToolkitError
from toolkit.estimators.skops_file import dump_estimator, load_estimator

SCHEMA = "schema.json"
NUMBER = re.compile(r"-?\d+")


def fitted() -> Iterator[tuple[Any, Any]]:
    """Yield (a small estimator, rows that it takes), of each kind that compiled code follows."""
    from sklearn.cluster import BisectingKMeans, KMeans
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        IsolationForest,
        RandomForestClassifier,
    )
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.kernel_approximation import PolynomialCountSketch
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer, LocalOutlierFactor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import (
        KBinsDiscretizer,
        OneHotEncoder,
        SplineTransformer,
        StandardScaler,
    )
    from sklearn.svm import SVC, OneClassSVM

    random_ = np.random.default_rng(3)
    X = random_.normal(size=(40, 3))
    X[:, 0] = random_.integers(0, 4, 40)
    y = X[:, 1] + X[:, 2]
    classes = (y > -0.5).astype(int) + (y > 0.5)
    texts = [" ".join(random_.choice(["red", "blue", "two words", "x9"], 4)) for _ in X]
    dicts = [{"a": float(a), "b": "u" if b > 0 else "v"} for a, b, _ in X]
    once = OneHotEncoder(min_frequency=8, drop="first", handle_unknown="infrequent_if_exist")
    columns = make_column_transformer((once, [0]), (StandardScaler(), [1, 2]))
    hist = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=4, categorical_features=[0])
    for model in (
        Ridge(),
        RandomForestClassifier(2, max_depth=3, random_state=0),
        GradientBoostingClassifier(n_estimators=2, max_depth=2, random_state=0),
        hist,
        IsolationForest(n_estimators=2, random_state=0),
        KNeighborsClassifier(3, algorithm="kd_tree", leaf_size=5),
        KNeighborsClassifier(3, algorithm="brute"),
        LocalOutlierFactor(3, novelty=True, algorithm="ball_tree", leaf_size=5),
        KNeighborsTransformer(n_neighbors=3),
        SVC(),
        OneClassSVM(),
        KMeans(3, n_init=1, random_state=0),
        BisectingKMeans(3, random_state=0),
        PolynomialCountSketch(n_components=8, random_state=0),
        make_pipeline(columns, LogisticRegression()),
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge()),
        make_pipeline(SplineTransformer(), Ridge()),
        make_pipeline(KBinsDiscretizer(3, quantile_method="linear"), Ridge()),
    ):
        yield model.fit(X, classes), X
    yield make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, classes), texts
    yield make_pipeline(DictVectorizer(), Ridge()).fit(dicts, y), dicts


@cache
def samples() -> list[tuple[dict[str, bytes], Any]]:
    """Return (members of a skops file, rows) of every estimator."""
    return [(members_of(dump_estimator(model)), rows) for model, rows in fitted()]


def estimators(chance: random.Random, _folder: Path) -> Read:
    """Change one to three parts of an estimator's file; restore it and predict."""
    members, rows = chance.choice(samples())
    members = dict(members)
    for _ in range(chance.randint(1, 3)):
        name = chance.choice([SCHEMA, *sorted(members)])
        if name == SCHEMA:
            members[name] = _changed_schema(members[name], chance)
        elif name.endswith(".npy"):
            members[name] = changed_array(members[name], chance)
        else:
            members[name] = damaged(members[name], chance)
    content = archive_of(members, chance)

    def read() -> str:
        return _asked(load_estimator(content, "fuzzed.skops"), rows)

    return read


def _asked(model: Any, rows: Any) -> str:
    """Ask a restored estimator; what scikit-learn itself raises is a refusal too."""
    try:
        for method in ("predict", "predict_proba", "decision_function", "transform"):
            ask = getattr(model, method, None)
            answer = ask(rows) if ask is not None else None
            if hasattr(answer, "toarray"):
                answer.toarray()
    except MemoryError:
        raise
    except ToolkitError:
        raise
    except Exception as error:
        return type(error).__name__
    return "read"


def _changed_schema(content: bytes, chance: random.Random) -> bytes:
    """Return a schema with another value: any, a number in a text, or that of another node."""
    schema = json.loads(content)
    what = chance.randrange(3)
    nodes = list(_nodes(schema))
    if what == 0:
        change_document(schema, chance)
    elif what == 1:
        texts = [n for n in nodes if NUMBER.search(str(n.get("content", "")))]
        texts = [n for n in texts if isinstance(n["content"], str)]
        if texts:
            node = chance.choice(texts)
            value = chance.choice(NUMBERS) * chance.choice((1, -1))
            node["content"] = NUMBER.sub(str(value), node["content"], count=1)
    else:
        key = chance.choice(("content", "file", "__class__", "__loader__", "__id__"))
        held = [n for n in nodes if key in n]
        if len(held) > 1:
            one, other = chance.sample(held, 2)
            one[key] = copy.deepcopy(other[key])
    return json.dumps(schema).encode()


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)
