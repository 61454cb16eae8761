"""Key files on disk."""

import os
import stat

import pytest

from tasks.approval.key_file import key_path, passphrase, read_key, write_new_key
from tasks.approval.keys import encrypt_key, public_key
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tests.approval_days import PASSPHRASE, cheap_key


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def secret():
    return PASSPHRASE.encode()


def never():
    raise AssertionError("a passphrase was asked for")


def test_a_key_file_is_created_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "new" / "key.pem"

    private = write_new_key(path, secret(), log2_cost=4)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_key(read_key(path, secret)) == public_key(private)
    with pytest.raises(ConfigError, match="already exists"):
        write_new_key(path, secret(), log2_cost=4)
    assert public_key(read_key(path, secret)) == public_key(private)


def test_a_short_passphrase_creates_no_key(tmp_path):
    with pytest.raises(ConfigError, match="shorter than 12"):
        write_new_key(tmp_path / "key.pem", b"eleven char", log2_cost=4)

    assert list(tmp_path.iterdir()) == []
    assert write_new_key(tmp_path / "key.pem", b"twelve chars", log2_cost=4)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_fault_115_a_key_file_that_others_may_touch_is_refused_before_the_passphrase_is_asked_for(
    tmp_path, mode
):
    path = cheap_key(tmp_path / "key.pem")
    path.chmod(mode)

    with pytest.raises(ConfigError, match="other users may read or change it"):
        read_key(path, never)


def test_a_missing_linked_empty_large_or_foreign_file_is_refused(tmp_path):
    good = cheap_key(tmp_path / "key.pem")
    (tmp_path / "link.pem").symlink_to(good)
    contents = {
        "empty": b"",
        "large": good.read_bytes() + b" " * (1 << 16),
        "plain": b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
        "bytes": bytes(range(256)),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "folder").mkdir(0o700)

    for name in ("missing", "link.pem", "folder", *contents):
        with pytest.raises(ConfigError, match="cannot be used"):
            read_key(tmp_path / name, never)


def test_a_key_file_of_64_kib_is_read_and_a_larger_one_is_not(tmp_path):
    path = cheap_key(tmp_path / "key.pem")
    path.write_bytes(path.read_bytes().ljust(1 << 16))
    assert read_key(path, secret)

    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ConfigError, match="too large"):
        read_key(path, never)


def test_a_pipe_is_not_a_key_file_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "key.pem", 0o600)

    with pytest.raises(ConfigError, match="not a regular file"):
        read_key(tmp_path / "key.pem", never)


def test_a_damaged_key_file_is_refused(tmp_path):
    path = cheap_key(tmp_path / "key.pem")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2][::-1], *lines[3:]]))

    with pytest.raises(ConfigError, match="passphrase is wrong, or the file is damaged"):
        read_key(path, secret)


def test_a_key_file_of_an_enormous_cost_is_refused_without_trying(tmp_path):
    path = cheap_key(tmp_path / "key.pem")
    path.write_bytes(path.read_bytes().replace(b"scrypt 4 ", b"scrypt 40 "))

    with pytest.raises(ConfigError, match="not an Afterclose key file"):
        read_key(path, never)


def test_the_key_file_is_the_one_named_then_that_of_the_environment_then_ones_own(tmp_path, home):
    environ = {"AFTERCLOSE_APPROVAL_KEY_FILE": "/e/key.pem", "XDG_CONFIG_HOME": "/x"}

    assert str(key_path(tmp_path / "k.pem", home, environ)) == str(tmp_path / "k.pem")
    assert str(key_path(None, home, environ)) == "/e/key.pem"
    assert str(key_path(None, home, {"XDG_CONFIG_HOME": "/x"})) == "/x/afterclose/approval_key.pem"


def test_a_key_file_in_the_home_is_refused_through_a_link_too(tmp_path, home):
    (tmp_path / "link").symlink_to(home.root)

    for path in (home.root / "key.pem", tmp_path / "link" / "key.pem"):
        with pytest.raises(ConfigError, match="inside the home"):
            key_path(path, home, {})


def test_the_passphrase_of_the_environment_is_used_without_asking(tmp_path, home):
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    file.chmod(0o600)

    assert passphrase(never, home, {"AFTERCLOSE_APPROVAL_PASSPHRASE": PASSPHRASE}) == secret()
    assert passphrase(never, home, {"AFTERCLOSE_APPROVAL_PASSPHRASE_FILE": str(file)}) == secret()
    assert passphrase(lambda: "typed", home, {}) == b"typed"


@pytest.mark.parametrize("cost", [1, 4, 10])
def test_a_key_file_states_its_cost(tmp_path, cost):
    path = tmp_path / "key.pem"
    private = write_new_key(path, secret(), log2_cost=cost)
    assert f"scrypt {cost} ".encode() in path.read_bytes()
    assert encrypt_key(private, secret(), log2_cost=cost) != path.read_bytes()

    assert public_key(read_key(path, secret)) == public_key(private)
