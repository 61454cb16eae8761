"""File access of private keys: one encrypted file per person, outside every home, that nobody else may read.

A private key and its passphrase never reach a log, an error, a parameter of a flow, or another file.
"""

import os
import stat
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tasks.approval.keys import LOG2_COST, PrivateKey, create_key, encrypt_key, is_key_file, open_key
from tasks.core.atomic import make_folder, sync_folder
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.secret import read_secret

KEY_FILE, PASSPHRASE = "AFTERCLOSE_APPROVAL_KEY_FILE", "AFTERCLOSE_APPROVAL_PASSPHRASE"
LEAST_PASSPHRASE = 12
LARGEST_BYTES = 1 << 16
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OWNER_ONLY = 0o600
BY_OPTION = "with --key"  # how a person specifies the file at the command line

AskPassphrase = Callable[[], str]


def key_path(
    named: Path | None, home: Home, environ: Mapping[str, str] = os.environ, *, how: str = BY_OPTION
) -> Path:
    """Return the key file: the one named, that of AFTERCLOSE_APPROVAL_KEY_FILE, or the person's own.

    The last is ~/.config/afterclose/approval_key.pem, or below XDG_CONFIG_HOME. Raises ConfigError for a file inside
    the home: whoever may run the home could read it, and every backup would hold it. `how` it can be specified.
    """
    own = Path(environ.get("XDG_CONFIG_HOME") or "~/.config") / "afterclose" / "approval_key.pem"
    path = (named or Path(environ.get(KEY_FILE) or own)).expanduser().absolute()
    if path.resolve().is_relative_to(home.root.resolve()):
        raise ConfigError(
            f"{path} is inside the home that it protects.",
            remedy=f"Specify a file outside the home {how}.",
            path=str(path),
        )
    return path


def passphrase(ask: AskPassphrase, home: Home, environ: Mapping[str, str] = os.environ) -> bytes:
    """Return the passphrase of AFTERCLOSE_APPROVAL_PASSPHRASE (or …_FILE), else ask for it."""
    found = read_secret(PASSPHRASE, environ, outside=home.root, least_length=LEAST_PASSPHRASE)
    return ask().encode() if found is None else found


def write_new_key(path: Path, secret: bytes, *, log2_cost: int = LOG2_COST) -> PrivateKey:
    """Create the key file, encrypted, and return its key. Never replaces a file."""
    if len(secret.decode(errors="replace")) < LEAST_PASSPHRASE:
        raise ConfigError(
            f"The passphrase is shorter than {LEAST_PASSPHRASE} characters.",
            remedy="Choose a longer one: it protects the key if the file is copied.",
        )
    private = create_key()
    try:
        make_folder(path.parent)
        with open(path, "xb", opener=partial(os.open, mode=OWNER_ONLY)) as file:
            file.write(encrypt_key(private, secret, log2_cost=log2_cost))
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except FileExistsError:
        raise ConfigError(
            f"{path} already exists.", remedy="Use it, or choose another file with --key.", path=str(path)
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path} could not be written: {error.strerror}.",
            remedy="Choose another file with --key.",
            path=str(path),
        ) from None
    return private


def read_key(path: Path, secret: Callable[[], bytes], *, how: str = BY_OPTION) -> PrivateKey:
    """Return the private key. `secret` is called once the file was found sound; it returns the passphrase.

    Raises ConfigError for a file that is missing, a symbolic link, too large, readable by others, or of another kind.
    `how` another file can be specified.
    """
    content = _content(path, how)
    if not is_key_file(content):
        raise _unusable(
            path, "it is not an Afterclose key file", "Create one with `afterclose approvers key`."
        )
    try:
        return open_key(content, secret())
    except ValueError as error:
        raise _unusable(path, str(error), f"Try again, or specify another key file {how}.") from None


def _content(path: Path, how: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise _unusable(path, "it is not a regular file", f"Specify the key file {how}.")
            if found.st_mode & OTHERS:
                raise _unusable(path, "other users may read or change it", f"Run: chmod 600 {path}")
            content = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise _unusable(
            path, "it does not exist", f"Create it with `afterclose approvers key`, or specify another {how}."
        ) from None
    except OSError as error:
        what = f"it cannot be read ({error.strerror}); it may be a symbolic link"
        raise _unusable(path, what, f"Specify the key file {how}.") from None
    if len(content) > LARGEST_BYTES:
        raise _unusable(path, "it is too large for a key", f"Specify the key file {how}.")
    return content


def _unusable(path: Path, why: str, remedy: str) -> ConfigError:
    return ConfigError(f"The key file {path} cannot be used: {why}.", remedy=remedy, path=str(path))
