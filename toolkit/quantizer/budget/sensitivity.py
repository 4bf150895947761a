"""What each format of each parameter costs the model's outputs, measured one at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from toolkit.quantizer.budget.allocation import unbeaten
from toolkit.quantizer.budget.figures import nmse
from toolkit.quantizer.budget.parameters import Parameter

Run = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]


def sensitivities(parameter: Parameter, run: Run) -> tuple[Parameter, list[tuple[int, float]]]:
    """Return the parameter with those options that no other beats, and (bytes, error) of each.

    The error is the NMSE of the outputs with only this parameter coded, against the float graph's.
    run: the outputs with tensors replaced by name.
    """
    reference = run({})
    errors = [nmse(reference, run(o.alone)) if o.alone else 0.0 for o in parameter.options]
    sizes = [o.bytes for o in parameter.options]
    kept = unbeaten(np.array(sizes), np.array(errors))
    options = tuple(parameter.options[k] for k in kept)
    return replace(parameter, options=options), [(sizes[k], errors[k]) for k in kept]
