"""Ed25519 keys of approvers: create, open, sign, verify. The only module that knows the library. No disk.

A private key is encrypted with a passphrase in PKCS #8 PEM, which OpenSSL reads too. Public keys are 64 hex digits.
"""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

PrivateKey = Ed25519PrivateKey


def create_key() -> PrivateKey:
    """Return a new private key from the system's random numbers."""
    return Ed25519PrivateKey.generate()


def encrypted_pem(private: PrivateKey, passphrase: bytes) -> bytes:
    """Return the content of a key file."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


def is_encrypted(pem: bytes) -> bool:
    """Return whether the key file needs a passphrase."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem


def open_pem(pem: bytes, passphrase: bytes) -> PrivateKey:
    """Return the private key. Raises ValueError for a wrong passphrase, and for anything but an Ed25519 key."""
    try:
        private = load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the passphrase is wrong, or the file is not a private key") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError("it is not an Ed25519 key")  # noqa: TRY004 - the file's content is wrong, not its type
    return private


def public_key(private: PrivateKey) -> str:
    """Return the public key as 64 hex digits."""
    return private.public_key().public_bytes_raw().hex()


def sign(private: PrivateKey, message: bytes) -> str:
    """Return the signature as 128 hex digits."""
    return private.sign(message).hex()


def is_signed(key: str, signature: str, message: bytes) -> bool:
    """Return whether the signature is that of this public key and message."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
