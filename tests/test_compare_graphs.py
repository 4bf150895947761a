from __future__ import annotations

import pytest

from tests.script_modules import script_modules


@pytest.fixture(scope="module")
def script():
    with script_modules(".", ("compare_graphs",)) as modules:
        yield modules["compare_graphs"]


def test_what_differs_is_named(script):
    before, after = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "5", "d": "3"}
    assert script.compared(before, after) == {
        "equal": 1,
        "differ": ["b"],
        "only before": ["c"],
        "only after": ["d"],
    }


def test_digests_tell_one_graph_from_another(script):
    found = dict(script.digests(1, "Normalizer-l"))
    one, other = (found[f"Normalizer-{norm} latency"] for norm in ("l1", "l2"))
    assert one != other
    assert len(one) == len(other) == 64
    assert found["Normalizer-l1 throughput"] == one  # one form serves both
