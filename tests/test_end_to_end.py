"""What the benchmarks of large forests are measured with: processes, their memory, their spread."""

from __future__ import annotations

import sys

import pytest

from tests.script_modules import script_modules

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux tells it")
HOLD = "import time; held = b'x' * 80_000_000; time.sleep(0.6)"


@pytest.fixture(scope="module")
def scripts():
    with script_modules("", ("spread", "benchmark_end_to_end")) as modules:
        yield modules


def test_memory_is_that_of_a_command_and_of_what_it_starts_together(scripts, tmp_path):
    both = f"import subprocess, sys; {HOLD.replace('time.sleep(0.6)', '')}"
    alone = scripts["benchmark_end_to_end"].run(["-c", HOLD], tmp_path)
    starts = f"{both}subprocess.run([sys.executable, '-c', {HOLD!r}])"
    together = scripts["benchmark_end_to_end"].run(["-c", starts], tmp_path)
    assert 80 < alone["peak_mb"] < 150
    assert 160 < together["peak_mb"] < 300
    assert alone["exit_code"] == together["exit_code"] == 0
    assert 0 < alone["cpu_seconds"] < alone["seconds"]


def test_no_process_may_map_more_than_the_limit(scripts, tmp_path):
    limit = scripts["benchmark_end_to_end"].LIMIT
    found = scripts["benchmark_end_to_end"].run(["-c", f"bytearray({limit})"], tmp_path)
    assert (found["exit_code"], found["error"]) == (1, "MemoryError")
    assert found["peak_mb"] < 1000


def test_the_table_has_medians_and_their_spread(scripts):
    row = {"nodes": 1_000_000, "command": "bench", "exit_code": 1, "error": "error: a gate"}
    of = scripts["spread"].of
    row |= {"seconds": of([3.04, 1.0, 2.0], 1), "cpu_seconds": of([1.0], 1)}
    row |= {"peak_mb": of([500.0, 400.0], 0)}
    table = scripts["benchmark_end_to_end"].markdown([row])
    assert "| `toolkit bench` | 2.0 | 1.0–3.0 | 1.0 |  | 450.0 | 400.0–500.0 | 450 | 1 |" in table
    assert "\n\n`toolkit bench`, 1,000,000 nodes, exit code 1: `error: a gate`\n" in table
