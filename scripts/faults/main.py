"""Break off what toolkit writes at every step, look at what is there, and run it again."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import inject
import operations

from toolkit.bundle import open_bundle
from toolkit.errors import ToolkitError
from toolkit.runtime.manifest import read_manifest

State = dict[str, bytes | None]

# Syncing to a disk takes most of the time, and none of the faults is the disk's own.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def main() -> int:
    """Run every point, or every n-th of them; print how each kind of fault ended, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--commands", action="store_true", help="whole commands, not only their writing (slow)"
    )
    parser.add_argument("--every", type=int, default=1, help="only every n-th step")
    parser.add_argument("--only", choices=operations.NAMES, action="append", help="(repeatable)")
    parser.add_argument("--kind", choices=inject.KINDS, action="append", help="(repeatable)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="faults-", dir=MEMORY) as scratch:
        made = Path(scratch).resolve()
        child(lambda: operations.make(made), made / "log")
        # The children find their modules loaded; what has threads is imported in them.
        found = (operations.commands if arguments.commands else operations.writing)(made)
        wrong: list[str] = []
        counts: dict[str, dict[str, int]] = {}
        for name in arguments.only or found:
            points = Points(made, name, found[name])
            ended: Counter[str] = Counter()
            for kind in arguments.kind or inject.KINDS:
                for at in points.where(kind)[len(kind) % arguments.every :: arguments.every]:
                    outcome, faults = points.strike(kind, at)
                    ended[f"{kind}: {outcome}"] += 1
                    wrong += [f"{name} {kind} at {at} ({points.calls[at]}): {f}" for f in faults]
            counts[name] = dict(ended)
            print(
                f"{name}: {len(points.calls)} steps, {sum(ended.values())} points", file=sys.stderr
            )
    total = sum(sum(ended.values()) for ended in counts.values())
    print(json.dumps({"points": total, "wrong": wrong, "ended": counts}, indent=1))
    return int(bool(wrong))


class Points:
    """The steps of one operation, and what may be there after each of them."""

    def __init__(self, made: Path, name: str, operation: operations.Operation) -> None:
        self.made, self.name, self.operation = made, name, operation
        self.log = made / "log"
        folder = self._fresh()
        self.old = state(folder)
        steps = made / "steps"

        def count() -> None:
            faults = inject.Faults(folder)
            faults.install()
            try:
                operation.run(folder)
            finally:
                steps.write_text(json.dumps(faults.calls), encoding="utf-8")

        code = child(count, self.log)
        if code:
            raise SystemExit(
                f"{name} fails by itself (exit {code}): {self.log.read_text(encoding='utf-8')}"
            )
        self.calls: list[str] = json.loads(steps.read_text(encoding="utf-8"))
        self.new = state(folder)

    def where(self, kind: str) -> list[int]:
        """Return the steps where a kind of fault can do something; reading changes nothing."""
        errors = (*inject.ERRORS, "late")
        every = enumerate(self.calls)
        return [k for k, call in every if kind in errors or call not in inject.READS]

    def strike(self, kind: str, at: int) -> tuple[str, list[str]]:
        """Return how the operation ended with a fault, and all that is wrong after it."""
        folder = self._fresh()

        def broken() -> None:
            inject.Faults(folder, kind, at).install()
            self.operation.run(folder)

        code = child(broken, self.log)
        said = self.log.read_text(encoding="utf-8")
        wrong = ["a traceback: " + said[-300:]] if "Traceback" in said else []
        seen, left = self._seen(folder, wrong)
        if kind not in ("kill", "torn") and left and "could not all be moved" not in said:
            # What cannot be removed stays until the next run; everything else goes at once.
            failing = ("unlink", "rmdir", "fsync", *inject.READS)
            refused = kind in (*inject.ERRORS, "late") and self.calls[at] in failing
            # Nobody may remove a lock that he does not hold; the next one takes it.
            lock = all(name in (operations.MODEL, operations.LOCK_FILE) for name in left)
            refused |= kind == "late" and lock
            wrong += [] if refused or kind == "lasting" else [f"leaves {left}"]
        if code == 0 and seen != "new":
            wrong.append("ends with 0, and nothing is written")
        if "nothing was half-written" in said and seen != "old":
            wrong.append("says that nothing was written")
        if child(lambda: self.operation.run(folder), self.log):
            wrong.append("does not run again: " + self.log.read_text(encoding="utf-8")[-300:])
        elif not same(state(folder), self.new):
            wrong.append(f"differs after the next run: {sorted(state(folder))}")
        return f"exit {code}, {seen}", wrong

    def _seen(self, folder: Path, wrong: list[str]) -> tuple[str, list[str]]:
        """Return whether the old or the new is there, and what lies beside it."""
        now, key = state(folder), self.operation.shows
        seen = "old" if now.get(key) == self.old.get(key) else "new"
        if seen == "new" and not same_file(key, now.get(key), self.new.get(key)):
            wrong.append("is neither the old one nor the new one")
        meant = self.new if seen == "new" else self.old
        if now.get(operations.MANIFEST) is not None:
            wrong += self._damaged(folder, stale=seen == "new" and key == operations.MANIFEST)
        return seen, sorted(set(now) - set(meant))

    def _damaged(self, folder: Path, stale: bool) -> list[str]:
        """Return what is wrong with a bundle. stale: its signature may be the old model's."""
        bundle = open_bundle(folder / operations.MODEL)
        wrong = []
        for file in bundle.manifest["files"]:
            try:
                bundle.read(file)
            except ToolkitError as error:
                wrong.append(f"is corrupt: {error}")
        if (folder / operations.SIGNATURE).exists():
            good = [key for key in self.made.glob("*.pub") if is_signed(bundle.path, key)]
            wrong += [] if bool(good) != stale else [f"is signed by {[k.name for k in good]}"]
        return wrong

    def _fresh(self) -> Path:
        folder = self.made / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.operation.prepare(folder)
        return folder


def is_signed(folder: Path, key: Path) -> bool:
    """Tell whether the signature of a bundle is good."""
    try:
        read_manifest(folder, key)
    except ToolkitError:
        return False
    return True


def state(folder: Path) -> State:
    """Return the content of every file below a folder, None for a folder, by its path."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None
        for p in folder.rglob("*")
    }


def same(one: State, other: State) -> bool:
    """Tell whether two states are of the same files; reports hold what was measured."""
    return one.keys() == other.keys() and all(same_file(n, one[n], other[n]) for n in one)


def same_file(name: str, one: bytes | None, other: bytes | None) -> bool:
    """Tell whether two contents are the same, but for what a bench measured."""
    if "/report." in name or one is None or other is None:
        return (one is None) == (other is None)
    return one == other or (name.endswith("manifest.json") and listed(one) == listed(other))


def listed(content: bytes) -> list[tuple[str, str]]:
    """Return the files of a manifest with their SHA-256, without those of reports."""
    files = json.loads(content)["files"]
    return sorted((n, "" if n.startswith("report.") else e["sha256"]) for n, e in files.items())


def child(run: Callable[[], object], log: Path) -> int:
    """Run something in a process of its own, its output in `log`; return its exit code."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    code = 1
    real_exit = os._exit
    try:
        stream = open(log, "w", encoding="utf-8", buffering=1)  # noqa: SIM115  as long as it lives
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.stdout = sys.stderr = stream
        run()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except ToolkitError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt as stop:
        print(f"stopped: {stop}", file=sys.stderr)
        code = 130
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        real_exit(code)


if __name__ == "__main__":
    sys.exit(main())
