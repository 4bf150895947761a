"""Labels of numbers that are none: where sums overflow, a label is an error, not an answer.

Of a regressor's NaN, or a probability's, everybody sees what it is. A label that was chosen among
NaN, or among several infinities, looks like any other one. Only finite rows with a number beyond
`toolkit.runtime.inputs.FAR` are judged, where no proof reaches: for others a model may have NaN to
answer, such as a neighbour model for a row without neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from toolkit.errors import InvalidInput
from toolkit.runtime.inputs import FAR


def refuse_doubtful(
    feed: Mapping[str, np.ndarray], numbers: Mapping[str, np.ndarray], origin: str
) -> None:
    """Raise InvalidInput for a far row whose label was chosen among numbers that overflowed.

    feed: what the graph was given; numbers: what it gives beside the label, by name.
    """
    largest = _largest(feed)
    far = np.isfinite(largest) & (largest >= FAR)
    for name, array in numbers.items():
        values = array.reshape(len(array), -1)
        doubtful = far & (np.isnan(values).any(axis=1) | (np.isinf(values).sum(axis=1) > 1))
        if doubtful.any():
            row = int(doubtful.argmax())
            value = values[row][~np.isfinite(values[row])][0]
            raise InvalidInput(
                f"{origin}: {name} is {value} in row {row}, so that its label means nothing: its "
                f"inputs reach {largest[row]:.3g}, which overflows; leave the row out or correct it"
            )


def _largest(feed: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return each row's largest magnitude, NaN where a number is missing."""
    rows = [np.abs(a).max(axis=1) for a in feed.values() if a.dtype.kind == "f" and a.shape[1]]
    return np.maximum.reduce([r.astype(np.float64) for r in rows])
