"""Ed25519 keys of approvers: create, encrypt, open, sign, verify. The only module that knows the library. No disk.

A key file is a line with the parameters of scrypt, then PKCS #8 PEM encrypted with what scrypt makes of the passphrase:
PKCS #8 alone would stretch it by 2,048 rounds, which a graphics card undoes. Public keys are 64 hex digits.
"""

import os
import re

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

PrivateKey = Ed25519PrivateKey

LOG2_COST = 17  # 128 MB and a few tenths of a second for each attempt
GREATEST_LOG2_COST = 20  # a hostile file must not exhaust the memory
FIELD = 2**255 - 19
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
WEAK = {0, 1, FIELD - 1, ORDER_8, FIELD - ORDER_8}  # y of the points of small order
HEADER = re.compile(rb"afterclose approval key, scrypt ([0-9]{1,2}) ([0-9a-f]{32})\n")


def create_key() -> PrivateKey:
    """Return a new private key from the system's random numbers."""
    return Ed25519PrivateKey.generate()


def encrypt_key(private: PrivateKey, passphrase: bytes, *, log2_cost: int = LOG2_COST) -> bytes:
    """Return the content of a key file."""
    salt = os.urandom(16)
    password = _stretched(passphrase, salt, log2_cost)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    return f"afterclose approval key, scrypt {log2_cost} {salt.hex()}\n".encode() + pem


def is_key_file(content: bytes) -> bool:
    """Return whether the content begins as a key file does."""
    header = HEADER.match(content)
    return header is not None and 0 < int(header[1]) <= GREATEST_LOG2_COST


def open_key(content: bytes, passphrase: bytes) -> PrivateKey:
    """Return the private key. Raises ValueError for a wrong passphrase, and for anything but an Ed25519 key file."""
    header = HEADER.match(content)
    if header is None or not is_key_file(content):
        raise ValueError("it is not an Afterclose key file")
    password = _stretched(passphrase, bytes.fromhex(header[2].decode()), int(header[1]))
    try:
        private = load_pem_private_key(content[header.end() :], password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the passphrase is wrong, or the file is damaged") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("it is not an Ed25519 key")  # noqa: TRY004 - the file's content is wrong, not its type
    return private


def public_key(private: PrivateKey) -> str:
    """Return the public key as 64 hex digits."""
    return private.public_key().public_bytes_raw().hex()


def sign(private: PrivateKey, message: bytes) -> str:
    """Return the signature as 128 hex digits."""
    return private.sign(message).hex()


def is_strong(key: str) -> bool:
    """Return whether no signature can be made without the private key: not so for points of small order."""
    y = int.from_bytes(bytes.fromhex(key), "little") & (2**255 - 1)
    return y < FIELD and y not in WEAK


def is_signed(key: str, signature: str, message: bytes) -> bool:
    """Return whether the signature is that of this public key and message; False for every key that is not strong."""
    try:
        if not is_strong(key):
            return False
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _stretched(passphrase: bytes, salt: bytes, log2_cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**log2_cost, r=8, p=1).derive(passphrase).hex().encode()
