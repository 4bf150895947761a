"""What a budget may say, and what is said of one that says it wrongly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import InvalidInput
from toolkit.limits import METRICS, Limit
from toolkit.quantizer.budget.expression import STEERED, parse

SPACE = st.sampled_from(["", " ", "  "])


@st.composite
def limits(draw):
    metric = draw(st.sampled_from(sorted(STEERED)))
    most = min(METRICS[metric].most, 1e300)
    return Limit(metric, STEERED[metric], draw(st.floats(0, most, allow_nan=False)))


@given(st.lists(limits(), min_size=1, unique_by=lambda m: m.metric), SPACE, st.integers(0, 3))
def test_what_is_written_is_what_is_read(given_limits, space, cut):
    texts = [f"{space}{m.metric}{space}{m.operator}{m.value!r}" for m in given_limits]
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
    else:
        assert len(parse(str(budget)).limits) == len(budget.limits)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("bytes<=100,", "budget '': is no limit"),
        ("nmse<=1,nmse<=2", "budget 'nmse<=2': nmse has a limit already; give one"),
        ("max_abs<=1,max_error<=2", "budget 'max_error<=2': max_abs has a limit already"),
        ("nmse>=1e-4", "budget 'nmse>=1e-4': '>=' after nmse; a budget takes nmse<=NUMBER"),
        ("agreement<=0.9", "'<=' after agreement"),
        ("nmse<1e-4", "'<' after nmse"),
        ("mae<=1", "budget 'mae<=1': formats cannot be chosen by mae; a budget takes nmse<="),
        ("uint8-pack:nmse<=1", "a budget is for no method; leave out 'uint8-pack:'"),
    ],
)
def test_what_only_a_gate_can_say_is_refused_with_the_remedy(wrong, words):
    with pytest.raises(InvalidInput) as caught:
        parse(wrong)
    assert words in str(caught.value)


def test_max_error_is_another_spelling_of_max_abs():
    assert parse("max_error<=0.5").limits == parse("max_abs<=0.5").limits
