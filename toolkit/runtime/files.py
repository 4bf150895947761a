"""Reading, hashing and writing files so that a killed run leaves the old file or the new one."""

from __future__ import annotations

import os
from pathlib import Path

from toolkit.errors import InvalidInput


def read_bytes(path: Path) -> bytes:
    """Return the content of `path`; InvalidInput where it is missing or not a readable file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be read ({error.strerror}); give a readable file"
        ) from None


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to a temporary name beside `path`, then rename it over `path`.

    Raises InvalidInput where the folder cannot be written.
    """
    import tempfile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be written ({error.strerror}); choose a writable folder"
        ) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise InvalidInput(
                f"{path}: cannot be written ({error.strerror}); free some space or choose another "
                "path"
            ) from None
        raise


def sha256(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of `content`."""
    import hashlib  # OpenSSL with it: not for a file that stands alone

    return hashlib.sha256(content).hexdigest()


def _umask() -> int:
    # mkstemp makes files private; artifacts are to be read by other users (a container's, say).
    mask = os.umask(0)
    os.umask(mask)
    return mask
