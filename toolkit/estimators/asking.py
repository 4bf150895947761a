"""How a fitted estimator is asked: in this process, its members one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_by_one() -> Iterator[None]:
    """Let scikit-learn ask an estimator's members in turn, whatever its `n_jobs` says.

    A file may say thousands of processes or threads, and the 64 of the machine that fitted it are
    too many for another one. A few thousand rows want none of them.
    """
    from joblib import parallel_config

    with parallel_config(backend="sequential"):
        yield
