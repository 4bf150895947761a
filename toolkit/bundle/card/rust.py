"""Rust, with the crate ort."""

from __future__ import annotations

from toolkit.bundle.card import escapes
from toolkit.bundle.card.example import Answer, Example, Given
from toolkit.bundle.card.layout import Style, entries, identifier

CRATE = "2.0.0-rc.12"  # whose calls these are
TITLE, FENCE = "Rust", "rust"
NEEDS = f"`cargo add ort@={CRATE}`."
STYLE = Style(
    escapes.rust,
    ("false", "true"),
    {
        dtype: (f"{kind}::NAN", f"{kind}::INFINITY", f"{kind}::NEG_INFINITY")
        for dtype, kind in (("float32", "f32"), ("float64", "f64"))
    },
    {"float32": "f32", "float64": "f64", "int64": "i64"},
    "//",
)
TYPES = {"float32": "f32", "float64": "f64", "int64": "i64", "bool": "bool"}
FILLING = {"float32": "0f32", "float64": "0f64", "int64": "0i64", "bool": "false", "string": '""'}


def program(example: Example) -> str:
    """Return a program that prints each output's name and values."""
    text = STYLE.text
    config = [f"        .with_config_entry({text(k)}, {text(v)})?" for k, v in example.config]
    row = [f"{text(g.name)} => {_tensor(g)}" for g in example.given]
    return "\n".join(
        [
            "use ort::{session::Session, value::Tensor};",
            "",
            "fn main() -> ort::Result<()> {",
            "    let mut session = Session::builder()?",
            *config,
            f"        .commit_from_file({text(example.file)})?;",
            "    let answers = session.run(ort::inputs![",
            entries(row, "        "),
            "    ])?;",
            *(line for k, a in enumerate(example.answers) for line in _printed(a, k)),
            "    Ok(())",
            "}",
            *STYLE.expected(example),
        ]
    )


def _tensor(given: Given) -> str:
    if given.values is None:
        values = f"[{FILLING[given.dtype]}; {given.width}]"
    else:
        values = f"[{STYLE.values(given, '        ')}]"
    if given.dtype == "string":
        return f"Tensor::from_string_array(([1usize, {given.width}], &{values}[..]))?"
    return f"Tensor::from_array(([1usize, {given.width}], vec!{values}))?"


def _printed(answer: Answer, place: int) -> list[str]:
    name, text = identifier(answer, place), STYLE.text
    kind = TYPES.get(answer.dtype)
    extract = f"try_extract_tensor::<{kind}>" if kind else "try_extract_strings"
    return [
        f"    let (_, {name}) = answers[{text(answer.name)}].{extract}()?;",
        f'    println!("{name} {{{name}:?}}");',
    ]
