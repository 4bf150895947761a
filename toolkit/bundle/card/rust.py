"""The program in Rust: the crate ort, version 2."""

from __future__ import annotations

import math
from typing import Any

from toolkit.bundle.card.facts import MODEL, Answer, Facts, Given
from toolkit.bundle.card.text import rust_quoted, wrapped

TITLE, FENCE = "Rust", "rust"
NOTE = "`cargo add ort`, version 2"

TYPES = {
    "float32": "f32",
    "float64": "f64",
    "bool": "bool",
    **{f"{s}int{b}": f"{'u' if s else 'i'}{b}" for s in ("", "u") for b in (8, 16, 32, 64)},
}


def program(facts: Facts) -> str:
    """Return the program's source."""
    config = "".join(
        f"        .with_config_entry({rust_quoted(k)}, {rust_quoted(v)})?\n"
        for k, v in facts.config.items()
    )
    inputs = "".join(_input(k, given) for k, given in enumerate(facts.inputs))
    row = ", ".join(f"{rust_quoted(i.name)} => input{k}" for k, i in enumerate(facts.inputs))
    shown = "".join(_output(answer) for answer in facts.outputs)
    return (
        "use ort::{session::Session, value::Tensor};\n\n"
        "fn main() -> ort::Result<()> {\n"
        f"    let mut session = Session::builder()?\n{config}"
        f"        .commit_from_file({rust_quoted(MODEL)})?;\n"
        f"{inputs}    let answers = session.run(ort::inputs![{row}])?;\n{shown}    Ok(())\n}}\n"
    )


def _input(k: int, given: Given) -> str:
    values = wrapped([_value(v, given.dtype) for v in given.values], "        ")
    shape = f"[1usize, {given.width}]"
    if given.dtype == "string":
        made = f"Tensor::from_string_array(({shape}, [{values}].as_slice()))?"
    else:
        kind = TYPES.get(given.dtype, "f32")
        made = f"Tensor::<{kind}>::from_array(({shape}, vec![{values}]))?"
    return f"    let input{k} = {made};\n"


def _output(answer: Answer) -> str:
    name = rust_quoted(answer.name)
    if answer.dtype == "string":
        return f'    println!("{{:?}}", answers[{name}].try_extract_strings()?.1);\n'
    kind = TYPES.get(answer.dtype, "f32")
    return f'    println!("{{:?}}", answers[{name}].try_extract_tensor::<{kind}>()?.1);\n'


def _value(value: Any, dtype: str) -> str:
    if isinstance(value, str):
        return rust_quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        kind = TYPES.get(dtype, "f32")
        word = "NAN" if math.isnan(value) else "INFINITY"
        return f"{kind}::{word}" if value > 0 or math.isnan(value) else f"-{kind}::{word}"
    return repr(value)
