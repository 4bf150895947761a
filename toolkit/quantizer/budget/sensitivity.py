"""What each format of each parameter costs the model's outputs, measured one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from toolkit.quantizer.budget.allocation import unbeaten
from toolkit.quantizer.budget.figures import loss
from toolkit.quantizer.budget.parameters import EXACT, Kind, Parameter


def sensitivities(kind: Kind) -> Iterator[tuple[Parameter, list[tuple[int, float]]]]:
    """Yield each parameter with those options that no other beats, and (bytes, error) of each.

    The exact one is the last, whether or not another one lost nothing either.

    The error is the NMSE of the outputs with only this parameter coded, against the float graph's.
    """
    reference = kind.outputs({})
    for parameter in kind.parameters():
        errors = [
            0.0
            if o.format == EXACT
            else loss(reference, kind.outputs(kind.alone(parameter.name, o)))
            for o in parameter.options
        ]
        sizes = [o.bytes for o in parameter.options]
        exact = [o.format for o in parameter.options].index(EXACT)
        useful = [k for k in unbeaten(np.array(sizes), np.array(errors)) if k != exact] + [exact]
        options = tuple(parameter.options[k] for k in useful)
        yield replace(parameter, options=options), [(sizes[k], errors[k]) for k in useful]
