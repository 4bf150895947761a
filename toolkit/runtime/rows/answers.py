"""A model's answers as named columns: one a class, chosen by name where that is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.runtime.inputs import listed, prepare
from toolkit.runtime.predictor import PROBABILITIES, Predictor
from toolkit.runtime.rows.block import Block

BY_CLASS = (PROBABILITIES, "scores")
Outputs = dict[str, np.ndarray]
Columns = dict[str, np.ndarray]


class Asked(NamedTuple):
    """What is written of the answers: all, the probabilities alone, or columns by their names."""

    proba: bool = False
    columns: tuple[str, ...] = ()


def run(model: Predictor, block: Block) -> Outputs:
    """Return every output for a block's rows; InvalidInput names the place of a bad row."""
    try:
        return model.run(block.rows)
    except InvalidInput as error:
        raise _placed(model, block, error) from None


def _placed(model: Predictor, block: Block, error: InvalidInput) -> InvalidInput:
    """Return the refusal of the first row that is refused by itself, with its place in the file."""
    rows = block.rows if isinstance(block.rows, list) else []
    for row, place in zip(rows, block.places, strict=False):
        try:
            prepare([row], model.inputs)
        except InvalidInput as alone:
            said = re.sub(r" in row 0\b|^row 0 ", "", str(alone))
            return InvalidInput(f"{block.origin}: {block.unit} {place}: {said}")
    said = str(error)
    return InvalidInput(said if said.startswith(block.origin) else f"{block.origin}: {said}")


def columns(outputs: Mapping[str, np.ndarray], classes: Sequence[Any] | None = None) -> Columns:
    """Return outputs as columns [N]: "label", "probabilities_CLASS", "variable_0".

    classes: of a classifier, in the order of its probabilities; where they are not known, or as
    many as there are columns, these are counted from 0.
    """
    found: Columns = {}
    for name, array in outputs.items():
        flat = array.reshape(len(array), -1) if array.ndim else array.reshape(1, 1)
        if array.ndim < 2 or array.shape[1:] == (1,):
            found[name] = flat[:, 0]
            continue
        ends = _ends(name, flat.shape[1], classes)
        found |= {f"{name}_{end}": flat[:, k] for k, end in enumerate(ends)}
    return found


def _ends(name: str, width: int, classes: Sequence[Any] | None) -> Sequence[Any]:
    ends = [str(c) for c in classes or ()]
    known = name in BY_CLASS and len(ends) == width == len(set(ends))
    return ends if known else range(width)


def chosen(asked: Asked, found: Columns, outputs: Mapping[str, np.ndarray]) -> Columns:
    """Return the columns that were asked for, in the order in which they were.

    A name is a column's or an output's, which stands for all of its columns. Raises InvalidInput
    where there is no such name.
    """
    names = (PROBABILITIES,) if asked.proba else asked.columns
    if not names:
        return found
    wanted: Columns = {}
    for name in names:
        of_output = {n: c for n, c in found.items() if name in outputs and _is_of(n, name)}
        if name not in found and not of_output:
            if asked.proba:
                raise InvalidInput(
                    f"--proba: the model gives no probabilities; it gives {listed(list(outputs))}"
                )
            raise InvalidInput(
                f"--columns {name}: the model gives no such column; it gives {listed(list(found))}"
            )
        wanted |= {name: found[name]} if name in found else of_output
    return wanted


def _is_of(column: str, output: str) -> bool:
    return column == output or column.startswith(f"{output}_")


def restricted(asked: Asked, outputs: Outputs) -> Outputs:
    """Return whole outputs where they alone were asked for, all without a choice.

    Raises InvalidInput for a name that is no output's: such files hold outputs, not columns.
    """
    names = (PROBABILITIES,) if asked.proba else asked.columns
    lacking = next((n for n in names if n not in outputs), None)
    if lacking is not None:
        raise InvalidInput(
            f"{'--proba' if asked.proba else f'--columns {lacking}'}: the model gives no "
            f"{lacking}; an npz file holds whole outputs, it gives {listed(list(outputs))}"
        )
    return {n: outputs[n] for n in names} if names else outputs
