"""The program in JavaScript: onnxruntime-web's wasm build, in a browser or in Node.js."""

from __future__ import annotations

import math
from typing import Any

from toolkit.bundle.card.facts import MODEL, Facts, Given
from toolkit.bundle.card.text import quoted, wrapped

TITLE, FENCE = "JavaScript", "js"
NOTE = (
    "`npm install onnxruntime-web`. In a browser take the `wasm` build, since the `webgpu` build "
    "lacks ai.onnx.ml, text and float64; in Node.js import from `onnxruntime-web`, or from "
    "`onnxruntime-node`, which has the same interface"
)

ARRAYS = {
    "float32": "Float32Array",
    "float64": "Float64Array",
    "int8": "Int8Array",
    "int16": "Int16Array",
    "int32": "Int32Array",
    "int64": "BigInt64Array",
    "uint8": "Uint8Array",
    "uint16": "Uint16Array",
    "uint32": "Uint32Array",
    "uint64": "BigUint64Array",
    "bool": "Uint8Array",
    "float16": "Float16Array",
}


def program(facts: Facts) -> str:
    """Return the program's source, an ES module."""
    extra = "".join(f"{quoted(k)}: {quoted(v)}, " for k, v in facts.config.items())
    options = f", {{ extra: {{ {extra.rstrip(', ')} }} }}" if extra else ""
    feeds = "".join(f"  {quoted(i.name)}: {_tensor(i)},\n" for i in facts.inputs)
    return (
        'import * as ort from "onnxruntime-web/wasm";\n\n'
        f"const session = await ort.InferenceSession.create({quoted(MODEL)}{options});\n"
        f"const answers = await session.run({{\n{feeds}}});\n"
        "for (const [name, tensor] of Object.entries(answers)) {\n"
        "  console.log(name, Array.from(tensor.data)); // int64 numbers are BigInt\n"
        "}\n"
    )


def _tensor(given: Given) -> str:
    kind = given.dtype
    values = f"[{wrapped([_value(v, given.dtype) for v in given.values], '    ')}]"
    data = values if kind == "string" else f"{ARRAYS[kind]}.from({values})"
    return f"new ort.Tensor({quoted(kind)}, {data}, [1, {given.width}])"


def _value(value: Any, dtype: str) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return f"{value}n" if dtype in ("int64", "uint64") else repr(value)
