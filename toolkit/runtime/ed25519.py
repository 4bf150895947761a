"""Verifying Ed25519 signatures (RFC 8032, section 5.1) with integers of Python alone.

Nothing here is secret, so that nothing need take constant time; signing, which must, is left to
the `cryptography` library (`toolkit.bundle.signing`). A verification takes a few milliseconds.
"""

from __future__ import annotations

from toolkit.errors import InvalidInput

# Points of the curve -x² + y² = 1 + d x² y² as (X, Y, Z, T): x = X / Z, y = Y / Z, T = X Y / Z.
Point = tuple[int, int, int, int]

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the base point
D = -121665 * pow(121666, -1, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
NEUTRAL: Point = (0, 1, 1, 0)

KEY_BYTES, SIGNATURE_BYTES = 32, 64
# A SubjectPublicKeyInfo of Ed25519 (RFC 8410) is these bytes and the key.
_PREFIX = bytes.fromhex("302a300506032b6570032100")
_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"


def is_signed(signature: bytes, message: bytes, key: bytes) -> bool:
    """Tell whether `signature` (64 bytes) of `message` was made with the secret of `key` (32).

    As strict as RFC 8032 is: S below the group's order, coordinates below the prime, and the
    equation without the cofactor, so that no signature can be turned into another of the same
    message. A key of small order, under which one signature fits many messages, fits none here.
    """
    from hashlib import sha512

    public = _decode(key)
    if public is None or len(signature) != SIGNATURE_BYTES or _is_neutral(_times_8(public)):
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    challenge = sha512(signature[:32] + key + message).digest()
    k = int.from_bytes(challenge, "little") % ORDER
    x, y, z, t = public
    return _encode(_sum_of_products(s, _BASE, k, (-x, y, z, -t))) == signature[:32]


def read_public_key(content: bytes, origin: str) -> bytes:
    """Return the 32 bytes of a public key in PEM, as `openssl pkey -pubout` writes it.

    Raises InvalidInput where it is another key, or none.
    """
    import base64

    lines = [line.strip() for line in content.decode("utf-8", "replace").strip().splitlines()]
    if "PRIVATE KEY-----" in (lines[0] if lines else ""):
        raise InvalidInput(
            f"{origin}: is a private key, which stays with whoever signs; give the public one "
            "(openssl pkey -in KEY -pubout)"
        )
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise InvalidInput(
            f"{origin}: holds no public key in PEM; make one with openssl pkey -in KEY -pubout"
        )
    try:
        der = base64.b64decode("".join(lines[1:-1]), validate=True)
    except ValueError as error:  # binascii.Error is one
        raise InvalidInput(f"{origin}: is a damaged public key ({error}); copy it again") from None
    key = der.removeprefix(_PREFIX)
    if len(der) != len(_PREFIX) + KEY_BYTES or len(key) != KEY_BYTES or _decode(key) is None:
        raise InvalidInput(
            f"{origin}: is no Ed25519 public key; make one with openssl genpkey -algorithm "
            "ed25519 and openssl pkey -pubout"
        )
    return key


def to_pem(key: bytes) -> bytes:
    """Return a public key as `openssl pkey -pubout` writes it."""
    import base64

    body = base64.b64encode(_PREFIX + key).decode()
    return f"{_BEGIN}\n{body}\n{_END}\n".encode()


def _decode(encoded: bytes) -> Point | None:
    """Return the point that 32 bytes stand for, None where they stand for none (5.1.3)."""
    if len(encoded) != KEY_BYTES:
        return None
    number = int.from_bytes(encoded, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= PRIME:
        return None
    u, v = (y * y - 1) % PRIME, (D * y * y + 1) % PRIME
    x = u * pow(v, 3, PRIME) * pow(u * pow(v, 7, PRIME), (PRIME - 5) // 8, PRIME) % PRIME
    if (v * x * x - u) % PRIME:
        x = x * ROOT_OF_MINUS_ONE % PRIME
        if (v * x * x - u) % PRIME:
            return None
    if x == 0 and sign:
        return None
    if x % 2 != sign:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def _encode(point: Point) -> bytes:
    inverse = pow(point[2], -1, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x % 2) << 255).to_bytes(KEY_BYTES, "little")


def _add(p: Point, q: Point) -> Point:
    """Return the sum (5.1.4), which holds for equal points too."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % PRIME
    b = (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c = 2 * p[3] * q[3] * D % PRIME
    d = 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def _sum_of_products(s: int, p: Point, k: int, q: Point) -> Point:
    """Return s·p + k·q; both factors in one walk over their bits."""
    choice = (NEUTRAL, p, q, _add(p, q))
    total = NEUTRAL
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):
        total = _add(total, total)
        at = (s >> bit & 1) + 2 * (k >> bit & 1)
        if at:
            total = _add(total, choice[at])
    return total


def _times_8(point: Point) -> Point:
    for _ in range(3):
        point = _add(point, point)
    return point


def _is_neutral(point: Point) -> bool:
    return point[0] % PRIME == 0 and (point[1] - point[2]) % PRIME == 0


_BASE = _decode(b"\x58" + b"\x66" * 31) or NEUTRAL  # y = 4/5, x even
