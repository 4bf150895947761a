"""The allocation finds every best choice of formats, held to trying all of them."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.quantizer.budget.allocation import front

# Eighths: sums are exact, so that the comparison with brute force needs no tolerance.
OPTION = st.tuples(st.integers(0, 60), st.integers(0, 80).map(lambda k: k / 8))
OPTIONS = st.lists(st.lists(OPTION, min_size=1, max_size=5), min_size=1, max_size=5)


def every_best(options):
    """(bytes, error) of all choices that no other is at or below in both."""
    sums = {
        (sum(b for b, _ in chosen), sum(e for _, e in chosen))
        for chosen in itertools.product(*options)
    }
    return sorted(
        p for p in sums if not any(o != p and o[0] <= p[0] and o[1] <= p[1] for o in sums)
    )


@settings(max_examples=200)
@given(OPTIONS)
def test_the_front_is_that_of_brute_force(options):
    found = front(options)
    assert [(a.bytes, a.error) for a in found] == every_best(options)


@settings(max_examples=100)
@given(OPTIONS)
def test_each_allocations_figures_are_those_of_its_choice(options):
    for a in front(options):
        chosen = [o[k] for o, k in zip(options, a.choice, strict=True)]
        assert (a.bytes, a.error) == (sum(b for b, _ in chosen), sum(e for _, e in chosen))


@settings(max_examples=100)
@given(OPTIONS)
def test_thinned_it_is_a_front_between_the_same_ends(options):
    exact, thin = front(options), front(options, states=6)
    assert all(a.bytes < b.bytes and a.error > b.error for a, b in itertools.pairwise(thin))
    for end in (0, -1):
        assert (thin[end].bytes, thin[end].error) == (exact[end].bytes, exact[end].error)


def test_many_parameters_take_no_time_that_grows_with_their_product():
    options = [[(k * (i + 3), 1 / (k + i + 1)) for k in range(12)] for i in range(40)]
    found = front(options)
    assert found[0].bytes == 0
    assert found[-1].bytes == sum(o[-1][0] for o in options)
