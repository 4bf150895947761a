"""JavaScript, with onnxruntime-web's WebAssembly: in a browser and in node alike."""

from __future__ import annotations

from toolkit.bundle.card import escapes
from toolkit.bundle.card.example import Example, Given
from toolkit.bundle.card.layout import Style, entries

TITLE, FENCE = "JavaScript", "js"
NEEDS = (
    "`npm install onnxruntime-web`; a module (`.mjs`), for a browser and for node alike. Import "
    "`onnxruntime-web/wasm`: the `webgpu` build lacks the operators of `ai.onnx.ml`, trees among "
    "them. In node `onnxruntime-node` has the same calls. Integers of 64 bits are BigInt."
)
STYLE = Style(
    escapes.javascript,
    ("false", "true"),
    dict.fromkeys(("float32", "float64"), ("NaN", "Infinity", "-Infinity")),
    {"int64": "n"},
    "//",
)
FILLED = {
    "float32": "new Float32Array({})",
    "float64": "new Float64Array({})",
    "int64": "new BigInt64Array({})",
    "bool": "new Uint8Array({})",
    "string": 'Array({}).fill("")',
}


def program(example: Example) -> str:
    """Return a program that prints each output's name and its values as JSON."""
    text = STYLE.text
    config = ", ".join(f"{text(k)}: {text(v)}" for k, v in example.config)
    options = [f"const options = {{ extra: {{ {config} }} }};"] if config else []
    asked = "model, options" if options else "model"
    row = [f"{_key(g.name)}: {_tensor(g)}" for g in example.given]
    return "\n".join(
        [
            'import * as ort from "onnxruntime-web/wasm";',
            "",
            "ort.env.wasm.numThreads = 1;",
            *options,
            f"const file = {text(example.file)};",
            'const fs = globalThis.process && (await import("node:fs/promises"));',
            "const model = fs ? await fs.readFile(file) : file; // in a browser, its address",
            f"const session = await ort.InferenceSession.create({asked});",
            "const row = {",
            entries(row, "  "),
            "};",
            "const answers = await session.run(row);",
            f"for (const name of [{', '.join(text(a.name) for a in example.answers)}]) {{",
            "  console.log(name, JSON.stringify(Array.from(answers[name].data, String)));",
            "}",
            *STYLE.expected(example),
        ]
    )


def _key(name: str) -> str:
    """Return the key of an object: in brackets where it would set the object's prototype."""
    return f"[{STYLE.text(name)}]" if name == "__proto__" else STYLE.text(name)


def _tensor(given: Given) -> str:
    if given.values is None:
        values = FILLED[given.dtype].format(given.width)
    else:
        values = f"[{STYLE.values(given, '  ')}]"
    return f'new ort.Tensor("{given.dtype}", {values}, [1, {given.width}])'
