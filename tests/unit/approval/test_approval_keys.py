"""Keys of approvers."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tasks.approval.keys import (
    create_key,
    encrypt_key,
    is_key_file,
    is_signed,
    is_strong,
    open_key,
    public_key,
    sign,
)

# RFC 8032, section 7.1, test 2
PRIVATE = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNATURE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


# the private key with the passphrase "right"
KEY_FILE = b"""\
afterclose approval key, scrypt 4 3aab61fe164ab955abaab46b771201ca
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGjMF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBCV/9RkQTMcaShe+vxg
foI8AgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQzkANFeddqRfclbuY
97bvwwRACXbffnSxgzmOnOu5z88Q3FOr1gvHzW6rQaAJc2+oAQz7zgnSTKp60ONb
dbxXYWO5ioELXsSji25t7oklOOZwTQ==
-----END ENCRYPTED PRIVATE KEY-----
"""


def test_signatures_are_those_of_the_standard():
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(PRIVATE))

    assert public_key(private) == PUBLIC
    assert sign(private, b"\x72") == SIGNATURE
    assert is_signed(PUBLIC, SIGNATURE, b"\x72")
    assert not is_signed(PUBLIC, SIGNATURE, b"\x73")


@pytest.mark.parametrize("bit", range(0, 512, 7))
def test_a_changed_bit_of_a_signature_is_not_a_signature(bit):
    changed = bytearray.fromhex(SIGNATURE)
    changed[bit // 8] ^= 1 << bit % 8

    assert not is_signed(PUBLIC, changed.hex(), b"\x72")


def test_a_signature_whose_scalar_is_not_reduced_is_refused():
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(bytes.fromhex(SIGNATURE)[32:], "little") + order
    other = bytes.fromhex(SIGNATURE)[:32] + scalar.to_bytes(32, "little")

    assert not is_signed(PUBLIC, other.hex(), b"\x72")


def test_text_that_is_not_a_key_or_signature_signs_nothing():
    assert not is_signed("00", SIGNATURE, b"\x72")
    assert not is_signed("zz" * 32, SIGNATURE, b"\x72")
    assert not is_signed(PUBLIC, "00", b"\x72")


def test_a_key_file_opens_with_its_passphrase_only():
    private = create_key()
    content = encrypt_key(private, b"right", log2_cost=4)

    assert public_key(open_key(content, b"right")) == public_key(private)
    assert private.private_bytes_raw() not in content
    for wrong in (b"wrong", b""):
        with pytest.raises(ValueError, match="passphrase is wrong"):
            open_key(content, wrong)


def test_a_key_file_that_was_written_earlier_can_still_be_opened():
    assert public_key(open_key(KEY_FILE, b"right")) == PUBLIC


def test_equal_passphrases_give_different_files():
    private = create_key()

    assert encrypt_key(private, b"p", log2_cost=4) != encrypt_key(private, b"p", log2_cost=4)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"afterclose approval key, scrypt 21 " + b"0" * 32 + b"\n",
        b"afterclose approval key, scrypt 99 " + b"0" * 32 + b"\n",
        b"afterclose approval key, scrypt 0 " + b"0" * 32 + b"\n",
        b"afterclose approval key, scrypt 4 00\n",
    ],
)
def test_a_file_with_another_header_or_an_enormous_cost_is_not_opened(header):
    pem = encrypt_key(create_key(), b"p", log2_cost=4).split(b"\n", 1)[1]

    assert not is_key_file(header + pem)
    with pytest.raises(ValueError, match="not an Afterclose key file"):
        open_key(header + pem, b"p")


def test_a_key_file_may_have_the_greatest_cost():
    assert is_key_file(b"afterclose approval key, scrypt 20 " + b"0" * 32 + b"\n")


def test_a_key_of_another_kind_is_refused():
    other = encrypt_key(X25519PrivateKey.generate(), b"p", log2_cost=4)

    with pytest.raises(ValueError, match="not an Ed25519 key"):
        open_key(other, b"p")


IDENTITY, ORDER_4, ORDER_2 = f"01{'0' * 62}", "0" * 64, f"ec{'f' * 60}7f"
ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
OTHER_ORDER_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
NOT_REDUCED = f"ee{'f' * 60}7f"  # the identity, plus the size of the field
ORDER_4_NOT_REDUCED = f"ed{'f' * 60}7f"


@pytest.mark.parametrize(
    "key", [IDENTITY, ORDER_4, ORDER_2, ORDER_8, OTHER_ORDER_8, NOT_REDUCED, ORDER_4_NOT_REDUCED]
)
@pytest.mark.parametrize("sign_bit", [0, 0x80])
def test_a_key_that_needs_no_secret_signs_nothing(key, sign_bit):
    weak = bytes.fromhex(key)[:-1] + bytes([bytes.fromhex(key)[-1] | sign_bit])

    assert not is_strong(weak.hex())
    assert not is_signed(weak.hex(), IDENTITY + "0" * 64, b"any message")


def test_the_library_takes_a_signature_that_nobody_made():
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(IDENTITY)).verify(
        bytes.fromhex(IDENTITY + "0" * 64), b"any message"
    )


def test_a_key_of_a_person_is_strong():
    assert is_strong(PUBLIC)
