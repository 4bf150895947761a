"""The program in Java: the artifact com.microsoft.onnxruntime:onnxruntime."""

from __future__ import annotations

import math
from typing import Any

from toolkit.bundle.card.facts import MODEL, Facts, Given
from toolkit.bundle.card.text import quoted, wrapped

TITLE, FENCE = "Java", "java"
NOTE = "`com.microsoft.onnxruntime:onnxruntime` from Maven"

TYPES = {
    "float32": "float",
    "float64": "double",
    "bool": "boolean",
    "string": "String",
    "int8": "byte",
    "uint8": "byte",
    "int16": "short",
    "uint16": "short",
    "int32": "int",
    "uint32": "int",
    "int64": "long",
    "uint64": "long",
}


def program(facts: Facts) -> str:
    """Return the program's source, the class Predict."""
    config = "".join(
        f"        options.addConfigEntry({quoted(k)}, {quoted(v)});\n"
        for k, v in facts.config.items()
    )
    rows = "".join(_input(given) for given in facts.inputs)
    return (
        "import ai.onnxruntime.*;\nimport java.util.Arrays;\nimport java.util.HashMap;\n"
        "import java.util.Map;\n\npublic class Predict {\n"
        "    public static void main(String[] arguments) throws OrtException {\n"
        "        OrtEnvironment environment = OrtEnvironment.getEnvironment();\n"
        "        OrtSession.SessionOptions options = new OrtSession.SessionOptions();\n"
        f"{config}"
        f"        OrtSession session = environment.createSession({quoted(MODEL)}, options);\n"
        f"        Map<String, OnnxTensor> row = new HashMap<>();\n{rows}"
        "        try (OrtSession.Result answers = session.run(row)) {\n"
        "            for (Map.Entry<String, OnnxValue> answer : answers) {\n"
        "                Object[] values = { answer.getValue().getValue() };\n"
        '                System.out.println(answer.getKey() + " " + Arrays.deepToString(values));\n'
        "            }\n        }\n    }\n}\n"
    )


def _input(given: Given) -> str:
    kind = TYPES.get(given.dtype, "float")
    values = wrapped([_value(v, given.dtype) for v in given.values], "            ")
    return (
        f"        row.put({quoted(given.name)}, OnnxTensor.createTensor(environment, "
        f"new {kind}[][] {{{{{values}}}}}));\n"
    )


def _value(value: Any, dtype: str) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        box = "Double" if dtype == "float64" else "Float"
        if not math.isfinite(value):
            word = "NaN" if math.isnan(value) else "POSITIVE_INFINITY"
            return f"{box}.{word}" if value > 0 or math.isnan(value) else f"-{box}.{word}"
        return repr(value) if box == "Double" else f"{value!r}f"
    return f"{value}L" if dtype in ("int64", "uint64") else str(value)
