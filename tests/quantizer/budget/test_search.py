"""The search finds the smallest that keeps a budget, and says what is nearest where none does."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.quantizer.budget.allocation import Allocation
from toolkit.quantizer.budget.expression import parse
from toolkit.quantizer.budget.figures import Figures
from toolkit.quantizer.budget.search import front, nearest, search


def allocations(count):
    return [Allocation(100 + 10 * k, 2.0**-k, (k,)) for k in range(count)]


def written(slack=0):
    """A pack of as many bytes as was thought, and `slack`, with the error that was thought."""
    seen = []

    def write(allocation):
        seen.append(allocation)
        figures = {"nmse": allocation.error, "r2_drop": None, "agreement": 1, "max_abs": 0}
        return bytes(allocation.bytes + slack), Figures(figures, figures)

    return write, seen


@settings(max_examples=60)
@given(st.integers(1, 400), st.floats(1e-130, 2))
def test_the_smallest_that_keeps_an_error_is_found_in_few_trials(count, limit):
    write, seen = written()
    best, made = search(allocations(count), parse(f"nmse<={limit!r}"), write)
    kept = [a for a in allocations(count) if a.error <= limit]
    assert (best.allocation if best else None) == (kept[0] if kept else None)
    assert len(seen) == len(made) <= 40


@settings(max_examples=60)
@given(st.integers(1, 400), st.integers(90, 5000), st.integers(-5, 5))
def test_the_most_accurate_that_fits_is_found(count, limit, slack):
    write, _ = written(slack)
    best, _ = search(allocations(count), parse(f"bytes<={limit}"), write)
    kept = [a for a in allocations(count) if a.bytes + slack <= limit]
    assert (best.allocation if best else None) == (kept[-1] if kept else None)


@settings(max_examples=40)
@given(st.integers(1, 400), st.floats(1e-60, 2), st.integers(100, 5000))
def test_with_both_the_smallest_that_keeps_the_error_must_fit(count, limit, size):
    write, _ = written()
    best, _ = search(allocations(count), parse(f"nmse<={limit!r},bytes<={size}"), write)
    kept = [a for a in allocations(count) if a.error <= limit and a.bytes <= size]
    assert (best.allocation if best else None) == (kept[0] if kept else None)


def test_what_keeps_the_error_and_does_not_fit_is_said():
    write, _ = written()
    best, _ = search(allocations(40), parse("nmse<=0.1,bytes<=200"), write)
    assert best.allocation.bytes == 140
    best, made = search(allocations(40), parse("nmse<=0.1,bytes<=130"), write)
    assert best is None
    assert nearest(parse("nmse<=0.1,bytes<=130"), made) == (
        "the smallest that keeps its errors has 140 bytes"
    )


def test_what_is_nearest_is_said_in_figures():
    write, _ = written()
    best, made = search(allocations(4), parse("nmse<=1e-9"), write)
    assert best is None
    assert nearest(parse("nmse<=1e-9"), made) == "the best found has nmse 0.125 in 130 bytes"
    best, made = search(allocations(4), parse("bytes<=9"), write)
    assert best is None
    assert nearest(parse("bytes<=9"), made) == "the smallest has 100 bytes"


def test_a_front_is_strictly_monotone():
    write, _ = written()
    _, made = search(allocations(300), parse("nmse<=1e-9"), write)
    points = front([*made, *made])
    assert len(points) == len(made)
    for a, b in itertools.pairwise(points):
        assert len(a.content) < len(b.content)
        assert a.error > b.error


def test_nothing_to_choose_from_is_refused():
    with pytest.raises(ValueError, match="no allocation"):
        search([], parse("nmse<=1"), lambda _: (b"", Figures({}, {})))
