"""The program in Python: onnxruntime and numpy alone."""

from __future__ import annotations

import math
from typing import Any

from toolkit.bundle.card.facts import MODEL, Facts, Given
from toolkit.bundle.card.text import python_quoted, wrapped

TITLE, FENCE = "Python, without toolkit", "python"
NOTE = "`pip install onnxruntime`"


def program(facts: Facts) -> str:
    """Return the program's source."""
    options = "".join(
        f"options.add_session_config_entry({python_quoted(k)}, {python_quoted(v)})\n"
        for k, v in facts.config.items()
    )
    made = f"options = ort.SessionOptions()\n{options}" if options else ""
    given = ", options" if options else ""
    feeds = "".join(f"    {python_quoted(i.name)}: {_array(i)},\n" for i in facts.inputs)
    return (
        "import numpy as np\nimport onnxruntime as ort\n\n"
        f"{made}session = ort.InferenceSession({python_quoted(MODEL)}{given})\n"
        f"row = {{\n{feeds}}}\n"
        "for output, values in zip(session.get_outputs(), session.run(None, row)):\n"
        "    print(output.name, values.tolist())\n"
    )


def _array(given: Given) -> str:
    dtype = "object" if given.dtype == "string" else f"np.{_numpy(given.dtype)}"
    values = wrapped([_value(v) for v in given.values], "        ")
    return f"np.array([[{values}]], dtype={dtype})"


def _numpy(dtype: str) -> str:
    return "bool_" if dtype == "bool" else dtype


def _value(value: Any) -> str:
    if isinstance(value, str):
        return python_quoted(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "np.nan" if math.isnan(value) else ("np.inf" if value > 0 else "-np.inf")
    return repr(value)
