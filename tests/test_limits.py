"""What gates and budgets may say, and what is said of one that says it wrongly."""

from __future__ import annotations

import pytest

from toolkit.errors import InvalidInput
from toolkit.limits import METRICS, Limit, check, facts, parse, usable
from toolkit.quantizer.budget.expression import parse as budget
from toolkit.runner.gates import parse as gate


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("max_abs<=0.1", Limit("max_abs", "<=", 0.1)),
        ("  max_abs <= 1e-3 ", Limit("max_abs", "<=", 1e-3)),
        ("max_error<=0.1", Limit("max_abs", "<=", 0.1)),
        ("label_agreement>=0.9", Limit("agreement", ">=", 0.9)),
        ("uint8-pack:agreement>=0.99", Limit("agreement", ">=", 0.99, "uint8-pack")),
        ("float16 : bytes < 500", Limit("bytes", "<", 500.0, "float16")),
        ("r2>-1", Limit("r2", ">", -1.0)),
    ],
)
def test_one_limit(text, limit):
    (found,) = parse(text, "gate")
    assert found == limit
    assert found.expression == text.strip()
    assert parse(str(found), "gate") == [found]


def test_several_joined_by_commas():
    assert [str(m) for m in parse("nmse<=1e-4, float16:bytes<9", "gate")] == [
        "nmse<=0.0001",
        "float16:bytes<9",
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("", "'': is no limit; write METRIC<=NUMBER"),
        ("nmse", "'nmse': is no limit"),
        ("nmse=0.1", "'nmse=0.1': is no limit"),
        ("nmse==0.1", "is no limit"),
        ("<=0.1", "is no limit"),
        ("a:b:nmse<=1", "is no limit"),
        ("nmse<=", "is no limit"),
        ("nmse<=0.1 please", "is no limit"),
        ("nmse<=few", "'nmse<=few': 'few' is not a number of 0 or more"),
        ("nmse<=nan", "'nan' is not a number of 0 or more"),
        ("nmse<=inf", "'inf' is not a number of 0 or more"),
        ("max_error<=-1", "'-1' is not a number of 0 or more"),
        ("agreement>=99", "'99' is not a number from 0 to 1"),
        ("r2_drop<=low", "'low' is not a number"),
        ("nmes<=1", "'nmes<=1': there is no metric 'nmes', did you mean 'nmse'?; the metrics are"),
        ("zzz<=1", "there is no metric 'zzz'; the metrics are"),
    ],
)
def test_a_mistake_is_named_in_the_same_way_for_both(wrong, words):
    said = []
    for kind, read in (("gate", gate), ("budget", budget)):
        with pytest.raises(InvalidInput) as caught:
            read(wrong)
        assert str(caught.value).startswith(f"{kind} {wrong!r}: ")
        assert words in str(caught.value)
        said.append(str(caught.value).removeprefix(f"{kind} ").partition("; the metrics")[0])
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("limit", "kept", "broken"),
    [
        (Limit("nmse", "<=", 0.1), 0.1, 0.11),
        (Limit("agreement", ">=", 0.9), 0.9, 0.89),
        (Limit("bytes", "<", 100), 99, 100),
        (Limit("bytes", ">", 100), 101, 100),
        (Limit("max_abs", "<=", 1.0), 0.0, float("nan")),
        (Limit("agreement", ">=", 0.5), 1.0, None),
    ],
    ids=str,
)
def test_limits_hold_at_their_value_and_not_beyond(limit, kept, broken):
    assert limit.kept_by(kept)
    assert not limit.kept_by(broken)


def test_what_a_model_has():
    numbers = [{"name": "variable", "dtype": "float32"}]
    assert facts("regressor", numbers, True) == {"regressor", "numbers", "targets"}
    text = [{"name": "variable", "dtype": "string"}]
    assert facts("transformer", text, False) == {"transformer", "labels"}
    both = [{"name": "label", "dtype": "int64"}, {"name": "probabilities", "dtype": "float32"}]
    found = facts("classifier", both, False)
    assert found == {"classifier", "labels", "numbers", "probabilities"}
    assert "agreement" in usable(METRICS, found)
    assert "log_loss" not in usable(METRICS, found)
    with pytest.raises(InvalidInput, match="gate 'log_loss<=1': log_loss needs targets"):
        check(Limit("log_loss", "<=", 1.0), "gate", METRICS, found)
