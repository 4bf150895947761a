"""What a budget may say, and what is said of one that says it wrongly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import InvalidInput
from toolkit.quantizer.budget.expression import METRICS, Limit, parse

SPACE = st.sampled_from(["", " ", "  "])


@st.composite
def limits(draw):
    metric = draw(st.sampled_from(sorted(METRICS)))
    most = METRICS[metric][1]
    return Limit(metric, draw(st.floats(0, min(most, 1e300), allow_nan=False)))


@given(st.lists(limits(), min_size=1, unique_by=lambda m: m.metric), SPACE, st.integers(0, 3))
def test_what_is_written_is_what_is_read(given_limits, space, cut):
    texts = [f"{space}{m.metric}{space}{METRICS[m.metric][0]}{m.value!r}" for m in given_limits]
    joined = [",".join(texts[:cut]), ",".join(texts[cut:])]
    assert parse([j for j in joined if j]).limits == tuple(given_limits)
    assert parse(",".join(texts)).limits == tuple(given_limits)


@given(st.text(max_size=30))
def test_any_text_is_a_budget_or_an_error_of_one_line_that_names_it(text):
    said = ""
    try:
        budget = parse(text)
    except InvalidInput as error:
        said = str(error)
    if said:
        assert said.startswith("budget ")
        assert "nmse<=NUMBER" in said or "the metrics are" in said or "already" in said
    else:
        assert len(parse(str(budget)).limits) == len(budget.limits)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("", "budget '': is no limit"),
        ("nmse", "budget 'nmse': is no limit"),
        ("bytes<=100,", "budget '': is no limit"),
        ("mse<=1e-4", "there is no metric 'mse', did you mean 'nmse'?; the metrics are nmse, r2"),
        ("bytes<=100,zzz<=1", "budget 'zzz<=1': there is no metric 'zzz'; the metrics are"),
        ("nmse<=1,nmse<=2", "budget 'nmse<=2': nmse has a limit already; give one"),
        ("nmse>=1e-4", "budget 'nmse>=1e-4': '>=' after nmse; write nmse<=NUMBER"),
        ("agreement<=0.9", "'<=' after agreement"),
        ("nmse<1e-4", "'<' after nmse"),
        ("nmse==1e-4", "'==' after nmse"),
        ("nmse<=few", "'few' is not a number of 0 or more"),
        ("nmse<=nan", "'nan' is not a number of 0 or more"),
        ("nmse<=inf", "'inf' is not a number"),
        ("max_error<=-1", "'-1' is not a number of 0 or more"),
        ("agreement>=99", "'99' is not a number from 0 to 1"),
    ],
)
def test_a_wrong_expression_names_the_part_and_the_remedy(wrong, words):
    with pytest.raises(InvalidInput) as caught:
        parse(wrong)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("limit", "kept", "broken"),
    [
        (Limit("nmse", 0.1), 0.1, 0.11),
        (Limit("agreement", 0.9), 0.9, 0.89),
        (Limit("bytes", 100), 100, 101),
        (Limit("max_error", 1.0), 0.0, float("nan")),
        (Limit("agreement", 0.5), 1.0, float("nan")),
    ],
    ids=str,
)
def test_limits_hold_at_their_value_and_not_beyond(limit, kept, broken):
    assert limit.kept_by(kept)
    assert not limit.kept_by(broken)
