import pytest

from tasks.core.ids import sha256_of_bytes, sha256_of_file, sha256_of_record


def test_records_that_differ_only_in_key_order_hash_alike():
    assert sha256_of_record({"a": 1, "b": [2, 3]}) == sha256_of_record({"b": [2, 3], "a": 1})


def test_a_record_with_nan_has_no_hash():
    with pytest.raises(ValueError, match="not JSON compliant"):
        sha256_of_record({"limit": float("nan")})


def test_a_file_hashes_as_its_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"x" * 3_000_000)

    assert sha256_of_file(tmp_path / "f") == sha256_of_bytes(b"x" * 3_000_000)
