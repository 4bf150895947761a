"""docs/inputs.md, written from the cases: `python -m tests.inputs.page`."""

from __future__ import annotations

from pathlib import Path

from tests.inputs.cases import CASES, FIELDS, Given

PAGE = Path(__file__).parents[2] / "docs" / "inputs.md"
INTRO = """# What goes in

Written by `python -m tests.inputs.page` from the cases in `tests/inputs`, each of which is exported,
proved and asked with fresh rows in the tests; do not edit.

What was fitted decides: which columns there are, whether they are text, what marks a missing value.
The rows that are given with an estimator only fill in what it does not say. A table of numbers alone
is one input `X`; a table with text has an input a column, under the column's name.

On the device a table is a data frame, a dict of columns (as JSON has it: lists, with null for a
missing value and true and false for flags), an array with the columns in their order, or a CSV file.
Further columns are passed over. None, NaN and pandas.NA are one missing value there.
"""
CSV = """
## Fields of a CSV file

What `predict` reads, by the type of the graph's input ("—" is an error that names line and column).
An empty field is missing, and so are NA, None, NaN and the other words that pandas reads so; in a
column of text unless the encoder was fitted on that very word (NA is a country's code), or the
column is read by a vectorizer. A missing value where the model takes none is an error. The header's
empty name is `Unnamed: 0`, as pandas has it.

In `export`, a column is text where the estimator was fitted on text there; else it is numbers where
all its fields are numbers (or missing), truths where all are true or false, and text otherwise. A
plain `pandas.read_csv` makes numbers of postal codes: read them with `dtype=str` before fitting.
"""


def rendered() -> str:
    """Return the page."""
    sections = dict.fromkeys(case.section for case in CASES)
    parts = [INTRO]
    for section in sections:
        rows = [_row(case) for case in CASES if case.section == section]
        head = ["| given | inputs of the graph | |", "|---|---|---|"]
        parts.append("\n".join([f"\n## {section}\n", *head, *rows, ""]))
    kinds = list(next(iter(FIELDS.values())))
    lines = [f"| field | {' | '.join(kinds)} |", "|---" * (len(kinds) + 1) + "|"]
    for text, read in FIELDS.items():
        cells = ["—" if read[k] is None else f"{read[k]!r}".strip("'") for k in kinds]
        lines.append(f"| `{text or ' '}` | {' | '.join(cells)} |")
    parts.append(CSV + "\n" + "\n".join(lines) + "\n")
    return "".join(parts)


def _row(case: Given) -> str:
    kinds: dict[str, list[str]] = {}
    for name, dtype in case.inputs.items():
        kinds.setdefault(dtype, []).append(f"`{name}`")
    inputs = "; ".join(f"{', '.join(names)} {dtype}" for dtype, names in kinds.items())
    return f"| {case.what} | {inputs or '*refused*'} | {case.note} |"


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
