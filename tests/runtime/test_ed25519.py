"""The verifier against RFC 8032's vectors, forgeries, and the library that signs."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import InvalidInput
from toolkit.runtime.ed25519 import ORDER, PRIME, is_signed, read_public_key, to_pem

# RFC 8032, section 7.1, TEST 1 to 3 and TEST SHA(abc): key, message, signature.
VECTORS = {
    "empty": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "one byte": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "two bytes": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
        "4dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "SHA(abc)": (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3"
        "feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c664"
        "31e0303dca179c138ac17ad9bef1177331a704",
    ),
}
KEY, MESSAGE, SIGNATURE = (bytes.fromhex(text) for text in VECTORS["two bytes"])
S = int.from_bytes(SIGNATURE[32:], "little")
# Encodings of points of small order, by their y: those that RFC 8032 decodes, and two that are
# above the prime.
SMALL = {
    "neutral": (1).to_bytes(32, "little"),
    "order 2": (PRIME - 1).to_bytes(32, "little"),
    "order 4": bytes(32),
    "order 8": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "order 4, above the prime": PRIME.to_bytes(32, "little"),
    "neutral, above the prime": (PRIME + 1).to_bytes(32, "little"),
}


def flipped(content: bytes, bit: int) -> bytes:
    out = bytearray(content)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_rfc(name):
    key, message, signature = map(bytes.fromhex, VECTORS[name])
    assert is_signed(signature, message, key)
    assert not is_signed(signature, message + b"\0", key)


@pytest.mark.parametrize("part", ["signature", "key", "message"])
def test_every_flipped_bit_is_found(part):
    parts = {"signature": SIGNATURE, "message": MESSAGE, "key": KEY}
    for bit in range(8 * len(parts[part])):
        assert not is_signed(**parts | {part: flipped(parts[part], bit)}), bit


@pytest.mark.parametrize("times", [1, 2, 7, 15])
def test_s_beyond_the_order_is_no_second_signature(times):
    """Equal modulo the order, so that a loose verifier would take it."""
    other = (S + times * ORDER).to_bytes(32, "little")
    assert not is_signed(SIGNATURE[:32] + other, MESSAGE, KEY)


@pytest.mark.parametrize(
    "forged",
    {
        "empty": b"",
        "short": SIGNATURE[:-1],
        "long": SIGNATURE + b"\0",
        "zeros": bytes(64),
        "ones": b"\xff" * 64,
        "no R": bytes(32) + SIGNATURE[32:],
        "no S": SIGNATURE[:32] + bytes(32),
        "S is the order": SIGNATURE[:32] + ORDER.to_bytes(32, "little"),
        "halves swapped": SIGNATURE[32:] + SIGNATURE[:32],
    }.items(),
    ids=lambda item: item[0],
)
def test_forgeries(forged):
    assert not is_signed(forged[1], MESSAGE, KEY)


@pytest.mark.parametrize("key", SMALL)
@pytest.mark.parametrize("r", SMALL)
def test_keys_of_small_order_sign_nothing(key, r):
    """With S = 0 and a small R they would sign every eighth message, or all."""
    for number in range(16):
        assert not is_signed(SMALL[r] + bytes(32), bytes([number]), SMALL[key])


@pytest.mark.parametrize(
    "key",
    [
        b"",
        KEY[:-1],
        KEY + b"\0",
        b"\xff" * 32,
        (2).to_bytes(32, "little"),
        b"\1" + bytes(30) + b"\x80",
    ],
    ids=["empty", "short", "long", "above the prime", "not on the curve", "minus zero"],
)
def test_what_is_no_key(key):
    assert not is_signed(SIGNATURE, MESSAGE, key)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300), st.integers(0, 511))
def test_it_agrees_with_the_library_that_signs(seed, message, bit):
    secret = Ed25519PrivateKey.from_private_bytes(seed)
    key = secret.public_key().public_bytes_raw()
    signature = secret.sign(message)
    assert is_signed(signature, message, key)
    assert not is_signed(flipped(signature, bit), message, key)
    pem = secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert to_pem(key) == pem
    assert read_public_key(pem, "key.pem") == key


PEM = to_pem(KEY).decode()


@pytest.mark.parametrize(
    "text",
    [PEM, PEM.strip(), PEM.replace("\n", "\r\n"), f"\n{PEM}\n\n"],
    ids=["as written", "no newline", "CRLF", "blank lines"],
)
def test_forms_of_a_key_file(text):
    assert read_public_key(text.encode(), "key.pem") == KEY


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no public key in PEM"),
        (b"\xff\xfe\0", "holds no public key in PEM"),
        (KEY, "holds no public key in PEM"),
        (PEM.replace("PUBLIC", "PRIVATE").encode(), "is a private key"),
        (PEM.replace("MCow", "MC*w").encode(), "is a damaged public key"),
        (PEM.replace("MCow", "MCo").encode(), "is a damaged public key"),
        (PEM.replace("MCow", "MCox").encode(), "is no Ed25519 public key"),
        (PEM.replace("MCow", "").encode(), "is no Ed25519 public key"),
        (to_pem(b"\xff" * 32), "is no Ed25519 public key"),
        (to_pem(KEY + KEY), "is no Ed25519 public key"),
    ],
)
def test_what_is_no_key_file(content, says):
    with pytest.raises(InvalidInput, match=f"^key.pem: {says}"):
        read_public_key(content, "key.pem")
