"""`bench`: measure a bundle and write its reports, for the command line and for Python alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from toolkit.arguments import texts
from toolkit.bundle import Bundle, open_bundle
from toolkit.errors import ToolkitError, guarded, install
from toolkit.runner import Report
from toolkit.runner.recommendation import BALANCE


@guarded("bundle", ToolkitError, "export the model again, or give other rows")
def bench(
    bundle: Bundle | str | Path,
    X: Any = None,
    y: Any = None,
    *,
    gates: Sequence[str] | None = None,
    trusted: Collection[str] = (),
    goal: str = BALANCE,
    within: Sequence[str] = (),
) -> Report:
    """Measure every variant of a model directory; write report.json, report.md and report.html.

    X, y: rows to score on instead of the held-out ones, in the estimator's own form. gates: limits
    such as "uint8-pack:max_abs<=0.1", beside the default ones. A gate that fails is told by
    `Report.passed`. trusted: full names of types that the kept estimator may hold beside toolkit's
    own. goal: what the recommended file is to be, "balance", "size", "speed", "accuracy" or
    "portable"; within: limits on what it may lose, such as "nmse<=1e-4". Raises
    InvalidInput where rows or gates do not fit, CorruptArtifact where a file is damaged, and
    ToolkitError, before anything is measured, where the reports could not be drawn.
    """
    if find_spec("matplotlib") is None:
        raise ToolkitError(
            f"the plots need matplotlib, which is not installed; {install('report')}"
        )
    from toolkit.report import write
    from toolkit.runner.flow import bench as measure

    bundle = open_bundle(bundle)
    report = measure(
        bundle, X, y, texts(gates or (), "gates"), trusted, goal, texts(within, "within")
    )
    write(report, bundle)
    return report
