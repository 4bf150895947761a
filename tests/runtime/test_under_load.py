"""One opened model in many threads, in processes that fork and spawn, and in an event loop."""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import threading

import numpy as np
import pytest

from toolkit.errors import ToolkitError
from toolkit.runtime import load

CALLS, THREADS = 500, 8
WRONG = [np.zeros((1, 7), np.float32), [["a"] * 8], np.full((2, 8), np.nan), None, {"Y": [1.0]}]


def rows_of(seed):
    sizes = [1, 1, 1, 2, 7, 64]
    random = np.random.default_rng(seed)
    return [random.normal(size=(n, 8)).astype(np.float32) for n in sizes]


@pytest.mark.parametrize("name", ["model.onnx", "model.uint8-pack.pack"])
def test_threads_with_wrong_inputs_between(california_bundle, name):
    """More threads than cores, each with its own rows: bit-equal, whatever the others give."""
    model = load(california_bundle / name)
    batches = [rows_of(seed) for seed in range(THREADS)]
    wanted = [[model.predict(rows).tobytes() for rows in each] for each in batches]
    wrong: list[str] = []
    start = threading.Barrier(THREADS)

    def work(k):
        start.wait()
        for call in range(CALLS):
            at = call % len(batches[k])
            if model.predict(batches[k][at]).tobytes() != wanted[k][at]:
                wrong.append(f"thread {k}, call {call}")
            if call % 3 == k % 3:
                try:
                    model.predict(WRONG[call % len(WRONG)])
                    wrong.append(f"thread {k}: a wrong input was answered")
                except ToolkitError:
                    pass

    threads = [threading.Thread(target=work, args=(k,)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def predicted(path, seed):
    model = load(path)
    return [model.predict(rows).tobytes() for rows in rows_of(seed)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.skipif(sys.platform == "win32", reason="no fork there")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking where there are threads
def test_processes(california_bundle, method):
    """They open the model themselves, also where the parent has it open."""
    path = str(california_bundle / "model.onnx")
    wanted = [predicted(path, seed) for seed in range(4)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(predicted, [(path, seed) for seed in range(4)]) == wanted


def test_an_event_loop(california_bundle):
    model = load(california_bundle)
    batches = [rows_of(seed) for seed in range(12)]
    wanted = [[model.predict(rows).tobytes() for rows in each] for each in batches]

    async def all_of(each):
        return [(await asyncio.to_thread(model.predict, rows)).tobytes() for rows in each]

    async def together():
        return await asyncio.gather(*(all_of(each) for each in batches))

    assert asyncio.run(together()) == wanted
