"""Copy this Python, its standard library and every shared library they need into an empty root.

    closure.py ROOT PATH…

PATH is a file or a folder that goes into the root under its own name, together with the shared
libraries that it needs: a folder of packages, /bin/sh. It makes the small image, and the stand-in
for a base image where there is no registry.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

# Parts of the standard library that no program without a screen or a compiler imports.
UNUSED = {
    "__phello__", "distutils", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages",
    "dist-packages", "test", "tests", "tkinter", "turtledemo", "turtle.py", "venv", "__pycache__",
    "EXTERNALLY-MANAGED",
}  # fmt: skip
UNUSED_PREFIXES = ("config-", "_test", "_ctypes_test", "_tkinter", "_xxtestfuzz", "xxlimited")

# What wheels expect of every glibc system; glibc itself opens the first by name.
ALWAYS_THERE = (
    "libgcc_s.so.1", "libstdc++.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1",
    "libutil.so.1",
)  # fmt: skip

PASSWD = "root:x:0:0::/root:/sbin/nologin\ntoolkit:x:10001:10001::/nonexistent:/sbin/nologin\n"


def main(root: str, *paths: str) -> None:
    """Fill `root`, which must not exist or be empty."""
    target = Path(root)
    make_skeleton(target)
    executable = Path(sys.executable).resolve()
    copied = [executable, *copy_standard_library(target)]
    copy(executable, target)
    link = Path(sys.executable).parent / "python3"
    place(target, link).unlink(missing_ok=True)
    place(target, link).symlink_to(executable.name)
    for path in map(Path, paths):
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            copy(file, target)
        copied += files
    for library in shared_libraries([p for p in copied if is_elf(p)]):
        copy(library, target)
    for path in [Path("/etc/ld.so.conf"), *sorted(Path("/etc/ld.so.conf.d").glob("*.conf"))]:
        if path.is_file():
            copy(path, target)
    subprocess.run(["/sbin/ldconfig", "-r", str(target)], check=True)
    size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file() and not p.is_symlink())
    print(f"{target}: {size / 1e6:.1f} MB")


def make_skeleton(root: Path) -> None:
    """Make the folders that a container mounts over, and the links of a merged /usr."""
    for name in ("dev", "etc", "proc", "run", "sys", "tmp", "usr/bin", "usr/lib", "usr/sbin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        if (Path("/") / name).is_symlink():
            (root / "usr" / name).mkdir(exist_ok=True)
            (root / name).symlink_to(f"usr/{name}")
    (root / "etc/passwd").write_text(PASSWD, encoding="utf-8")
    (root / "etc/group").write_text("root:x:0:\ntoolkit:x:10001:\n", encoding="utf-8")


def place(root: Path, path: Path) -> Path:
    """Return where `path` goes below `root`: its folder's true name, and its own name."""
    return root / path.parent.resolve().relative_to("/") / path.name


def copy(path: Path, root: Path) -> None:
    """Copy one file, as a file even where it is a link, readable for everyone."""
    target = place(root, path)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
        target.chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def copy_standard_library(root: Path) -> list[Path]:
    """Copy the standard library without its unused parts, compile it; return the source files."""
    copied = []
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    for folder in sorted(folders):
        for base, names, files in os.walk(folder):
            names[:] = [n for n in names if wanted(n)]
            copied += [Path(base) / f for f in files if wanted(f)]
    for path in copied:
        copy(path, root)
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for folder in sorted(folders):
        compileall.compile_dir(
            place(root, Path(folder) / "x").parent, quiet=1, invalidation_mode=unchecked,
            stripdir=str(root), prependdir="/",
        )  # fmt: skip
    return copied


def wanted(name: str) -> bool:
    """Tell whether a file or folder of the standard library is copied."""
    return name not in UNUSED and not name.startswith(UNUSED_PREFIXES) and not name.endswith(".a")


def is_elf(path: Path) -> bool:
    """Tell whether a file is a program or a shared library."""
    with path.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"


def shared_libraries(files: list[Path]) -> set[Path]:
    """Return the loader and every library outside these files that the loader finds for them."""
    known = {path.resolve() for path in files}
    found = {loader()}
    for path in files:
        # The loader's own listing, which ldd is a shell script around.
        result = subprocess.run([loader(), "--list", path], capture_output=True, encoding="utf-8")
        missing = re.findall(r"(\S+) => not found", result.stdout)
        if missing:
            sys.exit(f"{path}: needs {', '.join(missing)}, which this system does not have")
        found |= {Path(p) for p in re.findall(r"=> (/\S+)", result.stdout)}
    system = next(p for p in found if p.name == "libc.so.6").resolve().parent
    found |= {system / name for name in ALWAYS_THERE if (system / name).exists()}
    return {path for path in found if path.resolve() not in known}


def loader() -> Path:
    """Return the dynamic loader that this Python itself names."""
    head = Path(sys.executable).resolve().read_bytes()[:65536]
    return Path(re.search(rb"/lib[\w/-]*/ld-linux[\w.-]*\.so\.\d", head).group().decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
