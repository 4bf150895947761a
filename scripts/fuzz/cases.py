"""One case after another, in child processes with limits: what ends how, and what is found."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.errors import ToolkitError

SECONDS, MEMORY = 5.0, 1 << 30  # processor time of a case; what a batch's process may allocate
HANGS = 120.0  # seconds of a case that waits for what never comes
BATCH = 1000
MISTAKE = 70  # a child's status where the script itself failed
WHY = {signal.SIGPROF: f" (took more than {SECONDS} s)", signal.SIGALRM: " (hangs)"}
LIMIT = "limit"  # how a case ends that reached one of these, where no bound is promised

Read = Callable[[], Any]


class Found(Exception):
    """The reader did what it must not; the message says what."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    make: a case's files, of a generator and in a folder, and what reads them; it may only raise
    ToolkitError and `refusals`. bounded: whether memory and time are promised to be.
    """

    make: Callable[[random.Random, Path], Read]
    bounded: bool = True
    strict: bool = True  # a warning is found too


def one(kind: Kind, name: str, number: int, folder: Path) -> str:
    """Read one case and return "read", or the name of the refusal; Found for anything else."""
    read = kind.make(random.Random(f"{name} {number}"), folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error" if kind.strict else "ignore")
            answer = read()
        return answer if isinstance(answer, str) else "read"
    except ToolkitError as error:
        return type(error).__name__
    except Exception as error:
        if isinstance(error, MemoryError) and not kind.bounded:
            return LIMIT
        raise Found("".join(traceback.format_exception(error)[-3:])) from error


def batch(kind: Kind, name: str, numbers: range, folder: Path) -> tuple[Counter[str], list[str]]:
    """Read cases in processes of their own; return how many ended how, and what was found.

    A process that dies is found with the case that it read, and another one reads the rest.
    """
    outcomes: Counter[str] = Counter()
    found: list[str] = []
    while numbers:
        status, done = _in_child(kind, name, numbers, folder)
        for number, (outcome, said) in zip(numbers, done, strict=False):
            outcomes[outcome] += 1
            if said:
                found.append(f"{name} {number}: {said}")
        if status == 0:
            break
        if status == MISTAKE:
            raise SystemExit(f"{name} {numbers[len(done)]}: no case could be made, see above")
        number, numbers = numbers[len(done)], numbers[len(done) + 1 :]
        if -status == signal.SIGPROF and not kind.bounded:
            outcomes[LIMIT] += 1
            continue
        outcomes["found"] += 1
        found.append(f"{name} {number}: ended by {status}{WHY.get(-status, '')}")
    return outcomes, found


def _in_child(
    kind: Kind, name: str, numbers: range, folder: Path
) -> tuple[int, list[tuple[str, str]]]:
    """Return a child's status, and for each case that it ended (its outcome, what was found)."""
    report = folder / "report"
    child = os.fork()
    if child == 0:
        _read_all(kind, name, numbers, folder, report)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    report.unlink(missing_ok=True)
    return status, [tuple(json.loads(line)) for line in lines]


def _read_all(kind: Kind, name: str, numbers: range, folder: Path, report: Path) -> None:
    status = MISTAKE
    try:
        out = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        limit_memory()
        for number in numbers:
            # Their end is the process'. Others may use the machine: only the first is a measure.
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.setitimer(signal.ITIMER_REAL, HANGS)
            try:
                ended = one(kind, name, number, folder), ""
            except Found as error:
                ended = "found", str(error)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            os.write(out, json.dumps(ended).encode() + b"\n")
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def limit_memory() -> None:
    """Let the process allocate so much more than it has."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        has = next(int(line.split()[1]) << 10 for line in file if "VmData" in line)
    resource.setrlimit(resource.RLIMIT_DATA, (has + MEMORY, has + MEMORY))
