"""Arrays of npz files, read without unpickling anything."""

from __future__ import annotations

import io
import warnings

import numpy as np

from toolkit.errors import InvalidInput, first_line


def read_npz(content: bytes, origin: str) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file, by name; never unpickles.

    Raises InvalidInput where it is damaged, holds pickled objects, or would unpack to more than
    `toolkit.runtime.archive` allows.
    """
    from toolkit.runtime.archive import check_archive, check_arrays  # not for a CSV file

    check_archive(content, origin)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what numpy guesses of a damaged header
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                check_arrays(archive.zip, origin)
                arrays = {name: archive[name] for name in archive.files}
    except InvalidInput:
        raise
    except Exception as error:  # besides zipfile's and numpy's own, zlib's and struct's errors
        raise InvalidInput(
            f"{origin}: is not a readable npz file of plain arrays ({first_line(error)}); write it "
            "again with numpy.savez"
        ) from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy gives what is no array as bytes
            raise InvalidInput(
                f"{origin}: its member {name!r} is no array; write it again with numpy.savez"
            )
    return arrays
