"""A signature and what may be wrong with it; the device's own check, from Python."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from toolkit.bundle.signing import sign
from toolkit.errors import CorruptArtifact, InvalidInput, ToolkitError
from toolkit.runtime import load, signature
from toolkit.runtime.verify import verify


@pytest.fixture
def signed(california, keys):
    sign(california, keys / "k.pem")
    return california


def signature_of(folder) -> dict:
    return json.loads((folder / signature.NAME).read_text(encoding="utf-8"))


def payload_of(folder) -> dict:
    return json.loads(base64.b64decode(signature_of(folder)["dsseEnvelope"]["payload"]))


def write(folder, document) -> None:
    (folder / signature.NAME).write_text(json.dumps(document), encoding="utf-8")


def sign_payload(folder, payload: bytes) -> None:
    """Put a payload of our own into the signature file, with a good signature."""
    document = signature_of(folder)
    made = Ed25519PrivateKey.from_private_bytes(b"k" * 32).sign(signature.encoded(payload))
    document["dsseEnvelope"] |= {
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": base64.b64encode(made).decode()}],
    }
    write(folder, document)


def test_what_was_signed_is_used(signed, keys):
    key = keys / "k.pub"
    checks = verify(signed, require_signature=key)
    assert all(c.passed for c in checks)
    assert (checks[0].file, checks[0].kind) == ("model.sig", "signed")
    for path in (signed, signed / "model.onnx", signed / "model.uint8-pack.pack"):
        assert load(path, require_signature=key).predict(np.zeros((2, 8))).shape == (2,)


def test_a_pickled_predictor_requires_it_too(signed, keys):
    opened = pickle.dumps(load(signed, require_signature=keys / "k.pub"))
    assert pickle.loads(opened).predict(np.zeros((2, 8))).shape == (2,)
    (signed / "model.sig").unlink()
    with pytest.raises(InvalidInput, match=r"has no model\.sig"):
        pickle.loads(opened)


def test_a_copy_without_what_stays_at_home(signed, keys):
    for name in ("evaluation.npz", "calibration.npz", "estimator.skops"):
        (signed / name).unlink()
    assert all(c.passed for c in verify(signed, require_signature=keys / "k.pub"))


def test_the_format(signed, keys):
    """What OpenSSF's own tool reads: read here without our code."""
    document, payload = signature_of(signed), payload_of(signed)
    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    hint = hashlib.sha256((keys / "k.pub").read_bytes()).hexdigest()
    assert document["verificationMaterial"] == {"publicKey": {"hint": hint}, "tlogEntries": []}
    assert document["dsseEnvelope"]["payloadType"] == "application/vnd.in-toto+json"
    assert payload["_type"] == "https://in-toto.io/Statement/v1"
    assert payload["predicateType"] == "https://model_signing/signature/v1.0"
    resources = payload["predicate"]["resources"]
    names = [r["name"] for r in resources]
    assert names == sorted(p.name for p in signed.iterdir() if p.name != "model.sig")
    digests = [hashlib.sha256((signed / n).read_bytes()) for n in names]
    assert [r["digest"] for r in resources] == [d.hexdigest() for d in digests]
    root = hashlib.sha256(b"".join(d.digest() for d in digests)).hexdigest()
    assert payload["subject"] == [{"name": "california-linear", "digest": {"sha256": root}}]
    raw = base64.b64decode(document["dsseEnvelope"]["payload"])
    encoded = b"DSSEv1 28 application/vnd.in-toto+json " + str(len(raw)).encode() + b" " + raw
    [entry] = document["dsseEnvelope"]["signatures"]
    secret = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    secret.public_key().verify(base64.b64decode(entry["sig"]), encoded)


def test_signing_again_gives_the_same_bytes(signed, keys):
    before = (signed / "model.sig").read_bytes()
    sign(signed, keys / "k.pem")
    assert (signed / "model.sig").read_bytes() == before


def refused(folder, key) -> str:
    """Return the one message of all that would use the bundle."""
    messages = set()
    for use in (verify, load):
        with pytest.raises(ToolkitError) as caught:
            use(folder, require_signature=key)
        assert caught.value.exit_code == 2
        messages.add(str(caught.value))
    [message] = messages
    assert "\n" not in message
    return message


def test_another_key(signed, keys):
    assert "model.sig: was made with another key" in refused(signed, keys / "other.pub")


def test_another_key_under_the_right_hint(signed, keys):
    right = signature_of(signed)["verificationMaterial"]
    sign(signed, keys / "other.pem")
    write(signed, signature_of(signed) | {"verificationMaterial": right})
    assert "the signature does not fit" in refused(signed, keys / "k.pub")


def test_no_signature(california, keys):
    assert "has no model.sig, and a signature is required" in refused(california, keys / "k.pub")


def test_a_changed_manifest(signed, keys):
    """With its files' hashes put right, as whoever exchanges a model would do."""
    path = signed / "manifest.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"relative": 0.0001', '"relative": 0.9'), encoding="utf-8")
    assert "manifest.json: is not the one that was signed" in refused(signed, keys / "k.pub")


def test_another_model_with_its_own_manifest(signed, named_bundle, keys):
    for name in ("manifest.json", "model.onnx", "golden.npz"):
        (signed / name).write_bytes((named_bundle / name).read_bytes())
    assert "manifest.json: is not the one that was signed" in refused(signed, keys / "k.pub")


@pytest.mark.parametrize("name", ["model.onnx", "golden.npz"])
def test_a_changed_file_is_found_by_its_hash(signed, keys, name):
    (signed / name).write_bytes((signed / name).read_bytes() + b"\0")
    with pytest.raises(CorruptArtifact, match=f"{name}: its SHA-256"):
        verify(signed, require_signature=keys / "k.pub")


@pytest.mark.parametrize("name", ["model.old.pack", "notes.txt", "folder"])
def test_an_unlisted_file(signed, keys, name):
    (signed / name).mkdir() if name == "folder" else (signed / name).write_bytes(b"old")
    with pytest.raises(CorruptArtifact, match=f"{name}: is not listed in manifest.json"):
        verify(signed, require_signature=keys / "k.pub")
    with pytest.raises(CorruptArtifact, match=f"{name}: is not listed in manifest.json"):
        sign(signed, keys / "k.pem")


def test_what_an_unfinished_write_left_is_nothing(signed, keys):
    (signed / ".model.onnx.k3jx").write_bytes(b"half")
    assert verify(signed, require_signature=keys / "k.pub")


def test_a_file_in_no_bundle(signed, keys, tmp_path):
    alone = tmp_path / "alone.onnx"
    alone.write_bytes((signed / "model.onnx").read_bytes())
    with pytest.raises(InvalidInput, match="lies in no model directory"):
        load(alone, require_signature=keys / "k.pub")


@pytest.mark.parametrize(
    ("change", "says"),
    {
        "media type": (lambda d: d.update(mediaType="text/plain"), "its mediaType is 'text/plain'"),
        "payload type": (
            lambda d: d["dsseEnvelope"].update(payloadType="x"),
            "its payloadType is 'x'",
        ),
        "no envelope": (lambda d: d.pop("dsseEnvelope"), "it lacks 'dsseEnvelope'"),
        "no signature": (lambda d: d["dsseEnvelope"].update(signatures=[]), "not enough values"),
        "two": (
            lambda d: d["dsseEnvelope"].update(signatures=d["dsseEnvelope"]["signatures"] * 2),
            "too many values",
        ),
        "no base64": (lambda d: d["dsseEnvelope"].update(payload="*"), "base64"),
        "a number": (lambda d: d["dsseEnvelope"].update(payload=7), "no signature of a model"),
        "a list": (lambda d: d.update(dsseEnvelope=[]), "no signature of a model"),
        "no key": (lambda d: d["verificationMaterial"].clear(), "it lacks 'publicKey'"),
    }.values(),
)
def test_a_damaged_signature(signed, keys, change, says):
    document = signature_of(signed)
    change(document)
    write(signed, document)
    message = refused(signed, keys / "k.pub")
    assert message.startswith(f"{signed / 'model.sig'}: is no signature of a model (")
    assert says in message


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"null", b"[]", b'"x"'])
def test_what_is_no_signature_at_all(signed, keys, content):
    (signed / "model.sig").write_bytes(content)
    assert "is no signature of a model" in refused(signed, keys / "k.pub")


def test_a_huge_signature_is_not_read(signed, keys):
    with (signed / "model.sig").open("r+b") as stream:
        stream.truncate(1 << 40)
    assert f"has {1 << 40} bytes" in refused(signed, keys / "k.pub")


def test_every_flipped_bit_of_a_signature_is_refused_or_of_no_meaning(signed, keys):
    """What is signed, and the signature, stay as they were wherever it is still taken."""
    path = signed / "model.sig"
    content = path.read_bytes()
    manifest = (signed / "manifest.json").read_bytes()
    key, before = signature.read_key(keys / "k.pub"), payload_of(signed)
    taken = 0
    for at in range(0, len(content), 3):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        try:
            signature.check(bytes(changed), str(path), manifest, json.loads(manifest), key)
        except CorruptArtifact:
            continue
        path.write_bytes(changed)
        assert payload_of(signed) == before
        taken += 1
    assert taken < 100  # white space and the names of fields that nobody needs


@pytest.mark.parametrize(
    ("change", "says"),
    {
        "type": (lambda p: p.update(_type="x"), "no signature of a model"),
        "predicate": (lambda p: p.update(predicateType="x"), "it signs 'x', no model"),
        "no subject": (lambda p: p.update(subject=[]), "no signature of a model"),
        "root": (lambda p: p["subject"][0].update(digest={"sha256": "00"}), "signs other files"),
        "fewer": (lambda p: p["predicate"]["resources"].pop(0), "signs other files"),
        "no resources": (lambda p: p["predicate"].pop("resources"), "it lacks 'resources'"),
        "other hash": (
            lambda p: p["predicate"]["resources"][0].update(digest="00"),
            "signs other files",
        ),
    }.values(),
)
def test_a_good_signature_of_something_else(signed, keys, change, says):
    payload = payload_of(signed)
    change(payload)
    sign_payload(signed, json.dumps(payload).encode())
    assert says in refused(signed, keys / "k.pub")


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"7", b"null"])
def test_a_good_signature_of_no_statement(signed, keys, payload):
    sign_payload(signed, payload)
    assert "is no signature of a model" in refused(signed, keys / "k.pub")


def test_a_payload_of_another_type_has_another_encoding():
    assert signature.encoded(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


def test_the_device_needs_no_library_for_it(signed, keys):
    """Verified where cryptography cannot be imported, as are scikit-learn and onnx."""
    code = (
        "import sys\n"
        "for name in ('cryptography', 'sklearn', 'onnx', 'scipy', 'pandas', 'click'):\n"
        "    sys.modules[name] = None\n"
        "from toolkit.runtime import load\n"
        "model = load(sys.argv[1], require_signature=sys.argv[2])\n"
        "print(model.predict([[0.0] * 8]).shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, signed, keys / "k.pub"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "(1,)"), done.stderr
