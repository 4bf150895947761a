from __future__ import annotations

import sys

import numpy as np
import pytest

from toolkit.errors import ToolkitError
from toolkit.runner import cold_start


def test_memory_is_the_childs_own_and_not_its_parents():
    ballast = np.ones(50_000_000)  # 400 MB, which a bare interpreter does not need
    start = cold_start.measure("import sys\n", lambda folder, row: [str(folder)], {})
    assert ballast.sum() == 50_000_000
    assert 0 < start.range_ms[0] <= start.median_ms <= start.range_ms[1]
    if sys.platform == "linux":
        assert 1 < start.peak_mb < 100


def test_the_files_are_made_for_the_row_and_read_by_the_process():
    def files(folder, row):
        (folder / "row").write_text(str(row["X"]), encoding="utf-8")
        return [str(folder / "row")]

    program = "import sys\nassert open(sys.argv[1]).read() == '7'\n"
    assert cold_start.measure(program, files, {"X": 7}).median_ms > 0


def test_a_process_that_fails_is_named_with_its_last_words():
    program = "import sys\nraise RuntimeError('no model today')\n"
    with pytest.raises(ToolkitError, match=r"the-file.*no model today"):
        cold_start.measure(program, lambda *_: ["the-file"], {})


def test_toolkit_can_be_imported_by_the_process():
    program = "import sys, toolkit.runtime\n"
    assert cold_start.measure(program, lambda *_: ["x"], {}).median_ms > 0
