"""The program in C#: the package Microsoft.ML.OnnxRuntime."""

from __future__ import annotations

import math
from typing import Any

from toolkit.bundle.card.facts import MODEL, Answer, Facts, Given
from toolkit.bundle.card.text import quoted, wrapped

TITLE, FENCE = "C#", "csharp"
NOTE = "`dotnet add package Microsoft.ML.OnnxRuntime`"

TYPES = {
    "float32": "float",
    "float64": "double",
    "bool": "bool",
    "string": "string",
    "int8": "sbyte",
    "uint8": "byte",
    "int16": "short",
    "uint16": "ushort",
    "int32": "int",
    "uint32": "uint",
    "int64": "long",
    "uint64": "ulong",
}


def program(facts: Facts) -> str:
    """Return the program's source, of top-level statements."""
    config = "".join(
        f"options.AddSessionConfigEntry({quoted(k)}, {quoted(v)});\n"
        for k, v in facts.config.items()
    )
    rows = "".join(_input(given) for given in facts.inputs)
    shown = "".join(_output(answer) for answer in facts.outputs)
    return (
        "using System;\nusing System.Collections.Generic;\nusing System.Linq;\n"
        "using Microsoft.ML.OnnxRuntime;\nusing Microsoft.ML.OnnxRuntime.Tensors;\n\n"
        f"using var options = new SessionOptions();\n{config}"
        f"using var session = new InferenceSession({quoted(MODEL)}, options);\n"
        f"var row = new List<NamedOnnxValue>\n{{\n{rows}}};\n"
        "using var answers = session.Run(row);\n"
        f"{shown}"
    )


def _input(given: Given) -> str:
    kind = TYPES.get(given.dtype, "float")
    values = wrapped([_value(v, given.dtype) for v in given.values], "        ")
    return (
        f"    NamedOnnxValue.CreateFromTensor({quoted(given.name)},\n"
        f"        new DenseTensor<{kind}>(new {kind}[] {{ {values} }}, "
        f"new[] {{ 1, {given.width} }})),\n"
    )


def _output(answer: Answer) -> str:
    kind, name = TYPES.get(answer.dtype, "float"), quoted(answer.name)
    found = f"answers.First(a => a.Name == {name}).AsEnumerable<{kind}>()"
    return f'Console.WriteLine({name} + ": " + string.Join(", ", {found}));\n'


def _value(value: Any, dtype: str) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        kind = TYPES.get(dtype, "float")
        if not math.isfinite(value):
            word = "NaN" if math.isnan(value) else "PositiveInfinity"
            return f"{kind}.{word}" if value > 0 or math.isnan(value) else f"-{kind}.{word}"
        return f"{value!r}f" if kind == "float" else repr(value)
    return str(value)
