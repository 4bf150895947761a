"""A sample of what scripts/fuzz-files does at length, and that it finds what it looks for."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.script_modules import SCRIPTS, script_modules
from toolkit.errors import CorruptArtifact

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the script limits its children")

MODULES = ("damage", "cases")


def run(*options):
    return subprocess.run(
        [SCRIPTS / "fuzz-files", *map(str, options)],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    ("kinds", "number"),
    [(("packs", "npz", "csv"), 800), (("bundles",), 120), (("onnx", "skops"), 250)],
    ids=str,
)
def test_nothing_is_found(kinds, number, classifier_bundle):
    options = [word for kind in kinds for word in ("--kind", kind)]
    done = run(*options, "--bundle", classifier_bundle, "--number", number)
    assert done.returncode == 0, done.stdout + done.stderr
    ended = json.loads(done.stdout)["ended"]
    assert [sum(ended[kind].values()) for kind in kinds] == [number] * len(kinds)
    # Neither is all of it refused, nor does all of it still read.
    assert all(5 < ended[kind]["read"] < number - 5 for kind in kinds)


@pytest.fixture(scope="module")
def fuzz():
    with script_modules("fuzz", MODULES) as modules:
        yield modules


def kind_of(fuzz, read, **options):
    return fuzz["cases"].Kind(lambda *_: read, **options)


def raising(error):
    def read():
        raise error

    return read


def test_what_is_no_refusal_is_found(fuzz, tmp_path):
    one, batch = fuzz["cases"].one, fuzz["cases"].batch
    refused = kind_of(fuzz, raising(CorruptArtifact("damaged")))
    assert one(refused, "npz", 1, tmp_path) == "CorruptArtifact"
    assert batch(refused, "npz", range(3), tmp_path) == ({"CorruptArtifact": 3}, [])
    odd = kind_of(fuzz, raising(IndexError("7")))
    with pytest.raises(fuzz["cases"].Found, match="IndexError: 7"):
        one(odd, "npz", 1, tmp_path)
    outcomes, found = batch(odd, "npz", range(5, 7), tmp_path)
    assert outcomes == {"found": 2}
    assert [text[:6] for text in found] == ["npz 5:", "npz 6:"]


def test_a_process_that_dies_is_found_and_the_rest_is_read(fuzz, tmp_path):
    numbers = iter(range(2, 100))

    def make(chance, _folder):
        dies = next(numbers) == 3
        return lambda: os.kill(os.getpid(), signal.SIGKILL) if dies else None

    # The second child begins to count anew.
    outcomes, found = fuzz["cases"].batch(fuzz["cases"].Kind(make), "csv", range(2, 6), tmp_path)
    assert found[0] == "csv 3: ended by -9"
    assert outcomes["read"] + outcomes["found"] == 4


@pytest.mark.parametrize("bounded", [True, False])
def test_time_and_memory(fuzz, tmp_path, monkeypatch, bounded):
    def endless():
        while True:
            pass

    monkeypatch.setattr(fuzz["cases"], "SECONDS", 0.2)
    for read, why in (
        (endless, "took more than"),
        (lambda: np.ones(1 << 28), "Unable to allocate"),
    ):
        kind = kind_of(fuzz, read, bounded=bounded)
        outcomes, found = fuzz["cases"].batch(kind, "packs", range(1), tmp_path)
        assert outcomes == {"found" if bounded else "limit": 1}
        assert len(found) == bounded
        assert all(why in text for text in found)


def test_a_case_that_cannot_be_made_is_no_finding(fuzz, tmp_path):
    def make(chance, _folder):
        raise KeyError("no sample")

    with pytest.raises(SystemExit, match="csv 4: no case could be made"):
        fuzz["cases"].batch(fuzz["cases"].Kind(make), "csv", range(4, 6), tmp_path)


def test_damage_comes_of_its_number(fuzz):
    content = bytes(range(200))
    damaged = fuzz["damage"].damaged
    first, again = (damaged(content, random.Random("k 1")) for _ in range(2))
    assert first == again != content
    assert len({damaged(content, random.Random(f"k {n}")) for n in range(50)}) > 45


def test_what_is_put_into_a_document_is_its_own(fuzz):
    """A later change within it must show neither elsewhere in it nor in another case."""
    words = repr(fuzz["damage"].WORDS)
    document = {"a": [1, {"b": 2}], "c": {"d": [3, 4]}}
    for n in range(400):
        fuzz["damage"].change_document(document, random.Random(n))
        document |= {str(n): [n, {}]}
        json.dumps(document)
    assert repr(fuzz["damage"].WORDS) == words


def test_messages_are_changed_in_all_their_parts(fuzz):
    from tests.runtime.graphs import linear

    damage, whole = fuzz["damage"], linear()
    changed = []
    for n in range(1500):
        model = linear()
        damage.change_message(model, random.Random(n), damage.pools_of(whole))
        changed.append(model)
    assert len({model.SerializeToString() for model in changed}) > 100
    kept = [m for m in changed if m.graph.node and len(m.graph.initializer) == 2]
    assert {m.graph.node[0].op_type for m in kept} > {"Gemm"}
    assert len({tuple(m.graph.initializer[0].dims) for m in kept}) > 3
    assert len({m.graph.initializer[0].raw_data for m in kept}) > 3
