"""Checking `model.sig`, the detached signature of a bundle: who made it, offline.

The file is a signature of OpenSSF's model signing 1.0: a Sigstore bundle (v0.3) with a DSSE
envelope, whose payload is an in-toto statement that names the files with their SHA-256. One of
them is the manifest, which has the proof, the tolerances and every file's hash, so that a copy
without the files that stay at home is covered too. The signature is Ed25519 over the envelope's
pre-authentication encoding; the key is not in the file, only a hint which one it was.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from toolkit.errors import CorruptArtifact, InvalidInput
from toolkit.runtime.ed25519 import is_signed, read_public_key, to_pem
from toolkit.runtime.files import MANIFEST, AnyPath, plain_path, read_bytes, sha256

NAME = "model.sig"  # what OpenSSF's own tools call it
LARGEST = 1 << 20  # bytes; a statement takes about 150 a file

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"


def read_key(path: AnyPath) -> bytes:
    """Return the public key in a PEM file; InvalidInput where there is none."""
    return read_public_key(read_bytes(plain_path(path)), plain_path(path))


def hint(key: bytes) -> str:
    """Return what a signature says of the key that it was made with: its PEM form's SHA-256."""
    return sha256(to_pem(key))


def statement(content: bytes, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the in-toto statement of a bundle. content: its manifest's bytes.

    The subject's digest is the SHA-256 of the files' digests, in the order of their names. Raises
    CorruptArtifact where a digest in the manifest is none.
    """
    from hashlib import sha256 as digest

    hashes = {n: e["sha256"] for n, e in manifest["files"].items()} | {MANIFEST: sha256(content)}
    resources = [
        {"name": name, "algorithm": "sha256", "digest": hashes[name]} for name in sorted(hashes)
    ]
    try:
        root = digest(b"".join(bytes.fromhex(r["digest"]) for r in resources)).hexdigest()
    except ValueError:
        raise CorruptArtifact(
            f"{MANIFEST} of {manifest['name']!r}: a SHA-256 in it is no hexadecimal number; export "
            "the model again"
        ) from None
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": manifest["name"], "digest": {"sha256": root}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [NAME],
            },
            "resources": resources,
        },
    }


def encoded(payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding (protocol 1.0) of a payload."""
    return b"DSSEv1 %d %s %d %s" % (
        len(PAYLOAD_TYPE),
        PAYLOAD_TYPE.encode(),
        len(payload),
        payload,
    )


def require(folder: AnyPath, content: bytes, manifest: Mapping[str, Any], key: bytes) -> None:
    """Raise unless the bundle's signature is that of `key` over this manifest.

    content: the manifest's bytes, as read. Raises InvalidInput where there is no signature,
    CorruptArtifact where it is damaged, another key's, or of another manifest.
    """
    path = os.path.join(folder, NAME)
    if not os.path.isfile(path):
        raise InvalidInput(
            f"{folder}: has no {NAME}, and a signature is required; sign it with `toolkit sign`"
        )
    if os.path.getsize(path) > LARGEST:
        raise CorruptArtifact(
            f"{path}: has {os.path.getsize(path)} bytes, more than the {LARGEST} of the largest "
            "signature; sign the model again"
        )
    check(read_bytes(path), path, content, manifest, key)


def check(
    document: bytes, origin: str, content: bytes, manifest: Mapping[str, Any], key: bytes
) -> None:
    """Raise CorruptArtifact unless `document`, a signature file's bytes, is as `require` says."""
    payload, signature, made_with = _open(document, origin)
    if made_with != hint(key):
        raise CorruptArtifact(
            f"{origin}: was made with another key ({made_with[:16]}…) than the one that is required"
            f" ({hint(key)[:16]}…); do not use this model, or give its maker's key"
        )
    if not is_signed(signature, encoded(payload), key):
        raise CorruptArtifact(
            f"{origin}: the signature does not fit the key and what it signs; do not use this model"
        )
    _compare(_load(payload, origin), content, manifest, origin)


def refuse_unlisted(folder: AnyPath, manifest: Mapping[str, Any]) -> None:
    """Raise CorruptArtifact where something lies in the folder that the manifest does not list.

    Names that begin with a dot, which nothing opens, are those of unfinished writes.
    """
    known = {MANIFEST, NAME, *manifest["files"]}
    strange = sorted(n for n in os.listdir(folder) if n not in known and not n.startswith("."))
    if strange:
        raise CorruptArtifact(
            f"{os.path.join(folder, strange[0])}: is not listed in {MANIFEST}, so that no signature"
            " covers it; move it elsewhere"
        )


def _open(document: bytes, origin: str) -> tuple[bytes, bytes, str]:
    """Return the payload, its signature and the key's hint."""
    import base64

    parsed = _load(document, origin)
    try:
        if parsed["mediaType"] != BUNDLE_TYPE:
            raise ValueError(f"its mediaType is {str(parsed['mediaType'])[:60]!r}")
        envelope = parsed["dsseEnvelope"]
        if envelope["payloadType"] != PAYLOAD_TYPE:
            raise ValueError(f"its payloadType is {str(envelope['payloadType'])[:60]!r}")
        [entry] = envelope["signatures"]
        return (
            base64.b64decode(envelope["payload"], validate=True),
            base64.b64decode(entry["sig"], validate=True),
            str(parsed["verificationMaterial"]["publicKey"]["hint"]),
        )
    except KeyError as error:
        raise _damaged(origin, f"it lacks {error}") from None
    except (TypeError, ValueError) as error:
        raise _damaged(origin, error) from None


def _compare(signed: Any, content: bytes, manifest: Mapping[str, Any], origin: str) -> None:
    """Raise CorruptArtifact where a statement with a good signature is of another bundle."""
    try:
        if (signed["_type"], signed["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
            raise ValueError(f"it signs {str(signed['predicateType'])[:60]!r}, no model")
        resources = signed["predicate"]["resources"]
        digests = {r["name"]: r["digest"] for r in resources}
        root = signed["subject"][0]["digest"]
    except KeyError as error:
        raise _damaged(origin, f"it lacks {error}") from None
    except (IndexError, TypeError, ValueError) as error:
        raise _damaged(origin, error) from None
    if digests.get(MANIFEST) != sha256(content):
        raise CorruptArtifact(
            f"{os.path.join(os.path.dirname(origin), MANIFEST)}: is not the one that was signed "
            f"(SHA-256 {sha256(content)[:16]}…); do not use this model, or sign it again if the "
            "change is yours"
        )
    expected = statement(content, manifest)
    if resources != expected["predicate"]["resources"] or root != expected["subject"][0]["digest"]:
        raise CorruptArtifact(
            f"{origin}: signs other files than {MANIFEST} lists; do not use this model"
        )


def _load(content: bytes, origin: str) -> Any:
    import json

    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _damaged(origin, f"is not JSON: {error}") from None


def _damaged(origin: str, why: object) -> CorruptArtifact:
    return CorruptArtifact(
        f"{origin}: is no signature of a model ({why}); copy it again or sign the model again"
    )
