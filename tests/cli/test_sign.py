"""Signing, and requiring a signature, as users do on both command lines."""

from __future__ import annotations

import json
import shutil

import pytest

TOOLKIT, EDGE = "toolkit", "toolkit.runtime"
MODEL = "california-linear"
ROW = "8.3252,41,6.984127,1.023810,322,2.555556,37.88,-122.23\n"


@pytest.fixture
def signed(california, run, keys):
    done = run("sign", MODEL, "--key", keys / "k.pem")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{MODEL}/model.sig: Ed25519, key ")
    return california


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("option", ["--key", "--require-signature"])
@pytest.mark.parametrize("module", [TOOLKIT, EDGE])
def test_verify(run, keys, module, option):
    done = run("verify", MODEL, option, keys / "k.pub", module=module)
    assert (done.returncode, done.stderr) == (0, "")
    first, *others = done.stdout.splitlines()
    assert first.startswith("ok     signed model.sig: Ed25519, key ")
    assert all(line.startswith("ok ") for line in others)
    found = json.loads(run("verify", MODEL, option, keys / "k.pub", "--json", module=module).stdout)
    assert (found["passed"], found["checks"][0]["kind"]) == (True, "signed")


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("module", [TOOLKIT, EDGE])
def test_a_signature_that_nobody_asked_about_is_told(run, module):
    done = run("verify", MODEL, module=module)
    assert done.returncode == 0
    assert done.stderr.startswith(f"{MODEL}/model.sig: not checked; ")
    assert "signed" not in done.stdout


USES = {
    "predict": ("predict", MODEL, "--input", "-"),
    "predict a pack": ("predict", f"{MODEL}/model.uint8-pack.pack", "--input", "-"),
    "verify": ("verify", MODEL),
    "inspect": ("inspect", MODEL),
    "inspect a file": ("inspect", f"{MODEL}/model.onnx"),
    "replay": ("replay", MODEL),
}


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    ("use", "module"),
    [(use, EDGE) for use in USES] + [(use, TOOLKIT) for use in USES if use != "replay"],
)
def test_only_what_the_key_signed(run, refused, keys, module, use):
    done = run(*USES[use], "--require-signature", keys / "k.pub", module=module, stdin=ROW)
    assert (done.returncode, done.stderr) == (0, "")
    text = refused(*USES[use], "--require-signature", keys / "other.pub", module=module, stdin=ROW)
    assert text.startswith(f"{MODEL}/model.sig: was made with another key")


@pytest.mark.usefixtures("california")
@pytest.mark.parametrize("module", [TOOLKIT, EDGE])
@pytest.mark.parametrize("use", ["predict", "verify", "inspect"])
def test_no_signature(refused, keys, module, use):
    text = refused(*USES[use], "--require-signature", keys / "k.pub", module=module, stdin=ROW)
    assert text == (
        f"{MODEL}: has no model.sig, and a signature is required; sign it with `toolkit sign`"
    )


@pytest.mark.usefixtures("california")
@pytest.mark.parametrize("use", USES)
def test_the_environment_of_an_image_may_require_it(run, refused, keys, use):
    key = {"TOOLKIT_REQUIRE_SIGNATURE": str(keys / "k.pub")}
    assert "a signature is required" in refused(*USES[use], module=EDGE, stdin=ROW, **key)
    empty = run(*USES[use], module=EDGE, stdin=ROW, TOOLKIT_REQUIRE_SIGNATURE="")
    assert empty.returncode == 0


def test_a_changed_file_and_an_unlisted_one(signed, refused, keys):
    (signed / "model.old.pack").write_bytes((signed / "model.uint8-pack.pack").read_bytes())
    text = refused("verify", MODEL, "--key", keys / "k.pub")
    assert text.startswith(f"{MODEL}/model.old.pack: is not listed in manifest.json")
    (signed / "model.old.pack").unlink()
    manifest = json.loads((signed / "manifest.json").read_text(encoding="utf-8"))
    manifest["name"] = "another"
    (signed / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    text = refused("verify", MODEL, "--key", keys / "k.pub", module=EDGE)
    assert text.startswith(f"{MODEL}/manifest.json: is not the one that was signed")


@pytest.mark.usefixtures("california")
@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("k.pem", "is a private key, which stays with whoever signs"),
        ("none.pub", "no such file"),
        ("text.pub", "holds no public key in PEM"),
    ],
)
def test_what_is_no_public_key(refused, keys, tmp_path, file, says):
    (tmp_path / "text.pub").write_text("hello", encoding="utf-8")
    path = tmp_path / file if file == "text.pub" else keys / file
    assert refused("verify", MODEL, "--key", path).startswith(f"{path}: {says}")


@pytest.mark.usefixtures("california")
class TestSigning:
    def test_json(self, run, keys):
        done = run("sign", MODEL, "--key", keys / "k.pem", "--json")
        found = json.loads(done.stdout)
        assert (found["signature"], found["algorithm"]) == (f"{MODEL}/model.sig", "Ed25519")
        assert len(found["key"]) == 64

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("public", "is no private key in PEM"),
            ("text", "is no private key in PEM"),
            ("rsa", "is a private key of RSA, not of Ed25519"),
            ("ed448", "is a private key of Ed448, not of Ed25519"),
            ("locked", "is encrypted; decrypt it for this command"),
            ("none", "no such file"),
        ],
    )
    def test_what_is_no_private_key(self, refused, keys, tmp_path, name, says):
        path = tmp_path / f"{name}.pem"
        if name != "none":
            path.write_bytes(_key_file(name, keys))
        text = refused("sign", MODEL, "--key", path)
        assert text.startswith(f"{path}: {says}")

    def test_what_verify_would_refuse_is_not_signed(self, refused, california, keys):
        path = california / "model.uint8-pack.pack"
        path.write_bytes(path.read_bytes()[:-1])
        assert "its SHA-256 is not" in refused("sign", MODEL, "--key", keys / "k.pem")

    def test_what_deviates_is_not_signed(self, refused, california, keys):
        path = california / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["files"]["model.uint8-pack.pack"]["tolerance"]["relative"] = 1e-9
        path.write_text(json.dumps(manifest), encoding="utf-8")
        text = refused("sign", MODEL, "--key", keys / "k.pem", code=1)
        assert "model.uint8-pack.pack does not reproduce the golden rows" in text
        assert text.endswith("not signed")


@pytest.mark.usefixtures("unproved")
def test_an_unproved_model_is_signed_only_as_such(refused, run, keys):
    assert "its proof failed" in refused("sign", MODEL, "--key", keys / "k.pem", code=1)
    done = run("sign", MODEL, "--key", keys / "k.pem", "--unproved")
    assert done.returncode == 0
    text = refused("verify", MODEL, "--key", keys / "k.pub", code=1, module=EDGE)
    assert "its proof failed" in text


def test_what_changes_a_model_removes_its_signature(signed, run):
    done = run("quantize", MODEL, "--method", "weight-uint8")
    assert done.returncode == 0
    assert (signed / "model.sig").exists()  # the last method, which made nothing: the same manifest
    assert "model.sig" not in done.stderr
    done = run("bench", MODEL)
    assert (
        f"warning: {MODEL}/model.sig: signed the model as it was; it is removed, "
        "sign the model again" in done.stderr
    )
    assert not (signed / "model.sig").exists()


def test_so_does_an_export_in_its_place(signed, run, estimators):
    done = run(
        "export",
        estimators / "own.skops",
        "--data",
        estimators / "rows.npz",
        "-o",
        MODEL,
        "--force",
    )
    assert done.returncode == 0
    assert f"{MODEL}/model.sig: signed the model as it was" in done.stderr
    assert not (signed / "model.sig").exists()


def test_without_the_library_signing_says_what_to_install(run, california, keys, tmp_path):
    (tmp_path / "blocked").mkdir()
    shutil.copy(keys / "k.pem", tmp_path / "key.pem")
    (tmp_path / "blocked" / "sitecustomize.py").write_text(
        "import sys\nsys.modules['cryptography'] = None\n", encoding="utf-8"
    )
    done = run("sign", MODEL, "--key", "key.pem", PYTHONPATH=str(tmp_path / "blocked"))
    assert done.returncode == 2
    assert "this needs cryptography" in done.stderr
    assert "pip install 'proven-onnx[sign]'" in done.stderr


def _key_file(name: str, keys) -> bytes:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, rsa

    if name == "public":
        return (keys / "k.pub").read_bytes()
    if name == "text":
        return b"hello"
    secret = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed448": ed448.Ed448PrivateKey.generate,
        "locked": ed25519.Ed25519PrivateKey.generate,
    }[name]()
    lock = s.BestAvailableEncryption(b"word") if name == "locked" else s.NoEncryption()
    return secret.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, lock)
