"""Signing a bundle: `model.sig` beside its manifest, which `toolkit.runtime.signature` checks."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.bundle.transaction import put
from toolkit.errors import InvalidInput, ParityError, first_line
from toolkit.runtime import signature
from toolkit.runtime.files import plain_path, read_bytes
from toolkit.runtime.manifest import NAME as MANIFEST
from toolkit.runtime.manifest import read_manifest
from toolkit.runtime.verify import verify

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def sign(folder: str | Path, key_file: str | Path, unproved: bool = False) -> dict[str, Any]:
    """Sign a bundle that is whole; return the `signature` file, the `algorithm`, the `key`'s hint.

    key_file: an Ed25519 private key in PEM, without a passphrase. unproved: sign it although its
    proof failed. Raises InvalidInput for the key, CorruptArtifact where a file is damaged or not
    listed, and ParityError where the proof failed or the golden rows are not reproduced: what
    `verify` would refuse is not signed.
    """
    folder, secret = plain_path(folder), _read_secret(Path(plain_path(key_file)))
    path = Path(folder) / signature.NAME
    read_manifest(folder)  # says what is wrong with it
    content = read_bytes(Path(folder) / MANIFEST)
    manifest = json.loads(content)
    signature.refuse_unlisted(folder, manifest)
    failed = [c for c in verify(folder, unproved) if not c.passed]
    if failed:
        raise ParityError(
            f"{folder}: {failed[0].file} does not reproduce the golden rows ({failed[0].detail}); "
            "not signed"
        )
    key = secret.public_key().public_bytes_raw()
    document = _signed(signature.statement(content, manifest), secret, key)
    # By the device's own code, which shares nothing with the library that signed.
    signature.check(document, str(path), content, manifest, key)

    def check() -> None:
        if read_bytes(Path(folder) / MANIFEST) != content:
            raise InvalidInput(
                f"{folder}: another command wrote it while it was verified; sign it again"
            )

    put(Path(folder), signature.NAME, document, check)
    return {"signature": str(path), "algorithm": "Ed25519", "key": signature.hint(key)}


def _signed(statement: dict[str, Any], secret: Ed25519PrivateKey, key: bytes) -> bytes:
    """Return the Sigstore bundle of a statement; the same for the same statement and key."""
    payload = json.dumps(statement, indent=2).encode()
    signed = secret.sign(signature.encoded(payload))
    bundle = {
        "mediaType": signature.BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": signature.hint(key)}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": signature.PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signed).decode(), "keyid": ""}],
        },
    }
    return (json.dumps(bundle, indent=2) + "\n").encode()


def _read_secret(path: Path) -> Ed25519PrivateKey:
    # Signing must take the same time whatever the key is, which Python's integers do not.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    make = "make one with openssl genpkey -algorithm ed25519"
    try:
        secret = load_pem_private_key(read_bytes(path), None)
    except TypeError:
        raise InvalidInput(
            f"{path}: is encrypted; decrypt it for this command (openssl pkey -in {path})"
        ) from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            f"{path}: is no private key in PEM ({first_line(error)[:60]}); {make}"
        ) from None
    if not isinstance(secret, Ed25519PrivateKey):
        kind = type(secret).__name__.removesuffix("PrivateKey").lstrip("_")
        raise InvalidInput(f"{path}: is a private key of {kind}, not of Ed25519; {make}")
    return secret
