"""Python, with onnxruntime and numpy alone."""

from __future__ import annotations

from toolkit.bundle.card import escapes
from toolkit.bundle.card.example import Example, Given
from toolkit.bundle.card.layout import Style, entries

TITLE, FENCE = "Python, without toolkit", "python"
NEEDS = "`pip install onnxruntime numpy`."
STYLE = Style(
    escapes.python,
    ("False", "True"),
    dict.fromkeys(("float32", "float64"), ("np.nan", "np.inf", "-np.inf")),
    {},
    "#",
)
TYPES = {
    "float32": "np.float32",
    "float64": "np.float64",
    "int64": "np.int64",
    "bool": "np.bool_",
    "string": "object",
}


def program(example: Example) -> str:
    """Return a program that prints each output's name and values."""
    text = STYLE.text
    config = [f"options.add_session_config_entry({text(k)}, {text(v)})" for k, v in example.config]
    row = [f"{text(g.name)}: {_array(g)}" for g in example.given]
    return "\n".join(
        [
            "import numpy as np",
            "import onnxruntime as ort",
            "",
            "options = ort.SessionOptions()",
            *config,
            f"session = ort.InferenceSession({text(example.file)}, options)",
            "row = {",
            entries(row, "    "),
            "}",
            f"outputs = [{', '.join(text(a.name) for a in example.answers)}]",
            "for name, answer in zip(outputs, session.run(outputs, row)):",
            "    print(name, answer.tolist())",
            *STYLE.expected(example),
        ]
    )


def _array(given: Given) -> str:
    kind = TYPES[given.dtype]
    if given.values is None:
        filling = '""' if given.dtype == "string" else "0"
        return f"np.full((1, {given.width}), {filling}, dtype={kind})"
    return f"np.array([[{STYLE.values(given, '    ')}]], dtype={kind})"
