"""C#, with the package Microsoft.ML.OnnxRuntime."""

from __future__ import annotations

from toolkit.bundle.card import escapes
from toolkit.bundle.card.example import Answer, Example, Given
from toolkit.bundle.card.layout import Style, entries, identifier

TITLE, FENCE = "C#", "csharp"
NEEDS = "`dotnet add package Microsoft.ML.OnnxRuntime` (.NET 6 or newer)."
STYLE = Style(
    escapes.csharp,
    ("false", "true"),
    {
        dtype: (f"{kind}.NaN", f"{kind}.PositiveInfinity", f"{kind}.NegativeInfinity")
        for dtype, kind in (("float32", "float"), ("float64", "double"))
    },
    {"float32": "f", "int64": "L"},
    "//",
)
TYPES = {
    "float32": "float",
    "float64": "double",
    "int64": "long",
    "bool": "bool",
    "string": "string",
}


def program(example: Example) -> str:
    """Return a program that prints each output's name and values."""
    text = STYLE.text
    config = [f"options.AddSessionConfigEntry({text(k)}, {text(v)});" for k, v in example.config]
    row = [f"NamedOnnxValue.CreateFromTensor({text(g.name)}, {_tensor(g)})" for g in example.given]
    return "\n".join(
        [
            "using System;\nusing System.Collections.Generic;\nusing System.Linq;",
            "using Microsoft.ML.OnnxRuntime;",
            "using Microsoft.ML.OnnxRuntime.Tensors;",
            "",
            "using var options = new SessionOptions();",
            *config,
            f"using var session = new InferenceSession({text(example.file)}, options);",
            "var row = new List<NamedOnnxValue>",
            "{",
            entries(row, "    "),
            "};",
            "using var answers = session.Run(row);",
            *(line for k, a in enumerate(example.answers) for line in _printed(a, k)),
            *STYLE.expected(example),
        ]
    )


def _tensor(given: Given) -> str:
    kind = TYPES[given.dtype]
    if given.values is not None:
        values = f"new {kind}[] {{ {STYLE.values(given, '    ')} }}"
    elif given.dtype == "string":
        values = f'Enumerable.Repeat("", {given.width}).ToArray()'
    else:
        values = f"new {kind}[{given.width}]"
    return f"new DenseTensor<{kind}>({values}, new[] {{ 1, {given.width} }})"


def _printed(answer: Answer, place: int) -> list[str]:
    name, kind, text = identifier(answer, place), TYPES[answer.dtype], STYLE.text
    found = f"answers.First(a => a.Name == {text(answer.name)})"
    return [
        f"{kind}[] {name} = {found}.AsEnumerable<{kind}>().ToArray();",
        f'Console.WriteLine({text(name + " ")} + string.Join(" ", {name}));',
    ]
