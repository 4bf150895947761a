"""Texts are predicted in batches of bounded length."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import toolkit
from toolkit.runtime import load
from toolkit.runtime.split import in_batches


class Reader:
    """A run of texts' lengths that notes how many rows there are, and how long the longest is."""

    def __init__(self):
        self.calls = []

    def __call__(self, names, feed):
        texts = feed["X"].ravel().tolist()
        self.calls.append((len(texts), max(map(len, texts), default=0)))
        return [np.array([[len(t)] for t in texts]).reshape(-1, 1) for _ in names]


def texts_of(lengths):
    return np.array(["x" * n for n in lengths], dtype=object).reshape(-1, 1)


@pytest.mark.parametrize(
    ("lengths", "calls"),
    [
        ([], [(0, 0)]),
        ([5] * 10, [(10, 5)]),
        ([5] * 11, [(10, 5), (1, 5)]),
        ([0] * 25, [(10, 0), (10, 0), (5, 0)]),
        ([30] * 7, [(3, 30), (3, 30), (1, 30)]),
        ([1, 1, 500, 1, 1], [(2, 1), (1, 500), (2, 1)]),
        ([50, 50, 51, 1], [(2, 50), (1, 51), (1, 1)]),
        ([500], [(1, 500)]),
    ],
    ids=str,
)
def test_batches_make_the_whole(lengths, calls):
    """Of 10 rows at most, and 100 characters if all were as long as the longest."""
    run = Reader()
    first, second = in_batches(run, 10, 100)(["a", "b"], {"X": texts_of(lengths)})
    assert first.ravel().tolist() == second.ravel().tolist() == lengths
    assert run.calls == calls


def test_batches_count_all_texts_of_a_row():
    run = Reader()
    feed = {"X": texts_of([20] * 4), "other": texts_of([30] * 4), "n": np.zeros((4, 1))}
    assert in_batches(run, 10, 100)(["a"], feed)[0].ravel().tolist() == [20] * 4
    assert run.calls == [(2, 20), (2, 20)]


def grown_by(bundle, texts):
    """Return by how many KB a process that has asked the bundle once grows with these texts."""
    code = """
import json, resource, sys
from toolkit.runtime import load
model, texts = load(sys.argv[1]), json.load(sys.stdin)
model.predict(["one text"] * 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.predict(texts)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(bundle)],
        input=json.dumps(texts),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return int(done.stdout)


@pytest.mark.parametrize("analyzer", ["word", "char", "char_wb"])
def test_a_long_text_takes_no_more_memory_than_itself(tmp_path, analyzer):
    """Operators that take texts apart pad a batch to its longest: 1 to 5 GB with this one."""
    known = [f"word{k % 40} and {k % 7} more" for k in range(80)]
    vectorizer = TfidfVectorizer(analyzer=analyzer, ngram_range=(1, 2))
    model = make_pipeline(vectorizer, Ridge()).fit(known, np.arange(80))
    toolkit.export(model, known, name="m", out=tmp_path / "m", tune="latency")
    texts = [*known, " ".join(known * 60), *known]
    assert grown_by(tmp_path / "m", texts) < 200_000  # KB
    found = load(tmp_path / "m").predict(texts)
    np.testing.assert_allclose(found, model.predict(texts), rtol=1e-4, atol=1e-3)


def test_many_texts_take_no_more_memory_than_some(tmp_path):
    """Of 20,000 words a text is 80 KB in the graph and more: 4,000 at once are 300 MB."""
    code = """
import json, resource, sys
import numpy as np
from toolkit.runtime import load
model, count = load(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
texts = [" ".join(f"w{k}" for k in rng.integers(0, 20000, 20)) for _ in range(4000)]
model.predict(texts[:200])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.predict(texts[:count])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    words = [f"w{k}" for k in range(20000)]
    texts = [" ".join(words[k : k + 30]) for k in range(0, 20000, 30)]
    model = make_pipeline(TfidfVectorizer(), Ridge()).fit(texts, np.arange(len(texts)))
    toolkit.export(model, texts, name="m", out=tmp_path / "m", tune="latency")
    grown = int(
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "m"), "4000"],
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
    )
    assert grown < 90_000  # KB
