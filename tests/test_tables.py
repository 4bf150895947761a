"""What the benchmark of tables is measured with: its ratios, and the load that it makes."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from tests.script_modules import script_modules


@pytest.fixture(scope="module")
def tables():
    with script_modules("", ("benchmark_tables",)) as modules:
        yield modules["benchmark_tables"]


def test_ratios_are_of_paired_turns(tables):
    assert tables.ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    found = tables.summary([float(k) for k in range(11)])
    assert found == {"ratio": 5.0, "p10": 1.0, "p90": 9.0}
    assert "| a | 5.00 (1.00–9.00) |" in tables.markdown("what", ["x"], {"a": [found]})


def test_what_takes_longer_is_told(tables):
    calls = {"short": lambda: sum(range(100)), "long": lambda: sum(range(20_000))}
    times = tables.by_turns(calls, 5, 9)
    assert np.median(tables.ratios(times["long"], times["short"])) > 5


def test_every_form_is_the_same_table(tables):
    frame = pd.DataFrame({"n": [1.5, np.nan], "k": [1, 2], "t": ["a", None]}).astype({"t": object})
    for form in tables.forms(frame).values():
        found = pd.DataFrame(form)
        assert found["k"].tolist() == [1, 2]
        assert found["t"][0] == "a"
        assert found.isna().to_numpy().tolist() == frame.isna().to_numpy().tolist()


@pytest.mark.skipif(sys.platform != "linux", reason="cores are chosen as Linux has it")
def test_the_load_ends_with_the_measuring(tables, monkeypatch):
    made, start = [], tables.subprocess.Popen
    monkeypatch.setattr(
        tables.subprocess, "Popen", lambda *a, **k: made.append(start(*a, **k)) or made[-1]
    )
    with tables.busy_cores():
        assert made
        assert all(p.poll() is None for p in made)
    assert all(p.poll() is not None for p in made)
    with pytest.raises(KeyError), tables.busy_cores():
        raise KeyError
    assert all(p.poll() is not None for p in made)
