"""Java, with the library com.microsoft.onnxruntime."""

from __future__ import annotations

from toolkit.bundle.card import escapes
from toolkit.bundle.card.example import Answer, Example, Given
from toolkit.bundle.card.layout import Style, identifier, statements

TITLE, FENCE = "Java", "java"
NEEDS = "The library `com.microsoft.onnxruntime:onnxruntime`; the file is `Predict.java`."
STYLE = Style(
    escapes.java,
    ("false", "true"),
    {
        dtype: (f"{kind}.NaN", f"{kind}.POSITIVE_INFINITY", f"{kind}.NEGATIVE_INFINITY")
        for dtype, kind in (("float32", "Float"), ("float64", "Double"))
    },
    {"float32": "f", "int64": "L"},
    "//",
)
TYPES = {
    "float32": "float",
    "float64": "double",
    "int64": "long",
    "bool": "boolean",
    "string": "String",
}


def program(example: Example) -> str:
    """Return a program that prints each output's name and values."""
    text = STYLE.text
    config = [f"options.addConfigEntry({text(k)}, {text(v)});" for k, v in example.config]
    row = [f"row.put({text(g.name)}, {_tensor(g)});" for g in example.given]
    return "\n".join(
        [
            "import ai.onnxruntime.*;\nimport java.util.*;",
            "",
            "public class Predict {",
            "  public static void main(String[] args) throws OrtException {",
            "    OrtEnvironment env = OrtEnvironment.getEnvironment();",
            "    OrtSession.SessionOptions options = new OrtSession.SessionOptions();",
            *("    " + line for line in config),
            f"    try (OrtSession session = env.createSession({text(example.file)}, options)) {{",
            "      Map<String, OnnxTensor> row = new HashMap<>();",
            *statements(row, "      "),
            "      try (OrtSession.Result answers = session.run(row)) {",
            *(line for k, a in enumerate(example.answers) for line in _printed(a, k)),
            "      }",
            "    }",
            "  }",
            "}",
            *STYLE.expected(example),
        ]
    )


def _tensor(given: Given) -> str:
    kind = TYPES[given.dtype]
    if given.values is not None:
        values = f"new {kind}[][] {{{{{STYLE.values(given, '      ')}}}}}"
    elif given.dtype == "string":
        filled = f'Collections.nCopies({given.width}, "").toArray(new String[0])'
        values = f"new String[][] {{{filled}}}"
    else:
        values = f"new {kind}[1][{given.width}]"
    return f"OnnxTensor.createTensor(env, {values})"


def _printed(answer: Answer, place: int) -> list[str]:
    name, text = identifier(answer, place), STYLE.text
    kind = TYPES[answer.dtype] + "[]" * answer.axes
    shown = "deepToString" if answer.axes > 1 else "toString"
    return [
        f"        {kind} {name} = ({kind}) answers.get({text(answer.name)}).get().getValue();",
        f"        System.out.println({text(name + ' ')} + Arrays.{shown}({name}));",
    ]
