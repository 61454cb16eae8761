"""Create a person's key, and manage who may approve."""

import re
from dataclasses import asdict
from pathlib import Path

from flows.operations.decisions.approval import ask_passphrase
from flows.terminal import Options, Result
from tasks.approval.approval_log import Approver
from tasks.approval.decisions import add_approver, list_approvers, revoke_approver
from tasks.approval.key_file import key_path, passphrase, read_key, write_new_key
from tasks.approval.keys import is_strong, public_key
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, named_home
from tasks.core.masking import mask_logs
from tasks.core.text import counted

PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")


def show_key(options: Options, key: Path | None) -> Result:
    """Print the public key of the person's key file, which is created if there is none. The home need not exist."""
    mask_logs()
    home = named_home(options.home)
    path, made, public = _own_key(home, key)
    document = {"key_file": str(path), "created": made, "public_key": public}
    created = f"Created {path}. Keep a copy of it, and remember the passphrase.\n" if made else ""
    return Result(document, f"{created}Public key: {public}")


def add(options: Options, name: str, *, by: str, reason: str, key: Path | None, public: str | None) -> Result:
    """Register a person with the public key given, or with that of the key file, which is created if needed."""
    mask_logs()
    home = find_home(options.home)
    if public is not None and key is not None:
        raise ConfigError("--key and --public-key are both given.", remedy="Give only one.")
    if public is not None and not PUBLIC_KEY.fullmatch(public):
        raise ConfigError(
            "The public key is not 64 hexadecimal digits in lower case.",
            remedy="Copy it from `afterclose approvers key`, run by that person.",
        )
    if public is not None and not is_strong(public):
        raise ConfigError(
            "The public key is weak: anybody could sign with it.",
            remedy="Copy it from `afterclose approvers key`, run by that person.",
        )
    created = ""
    if public is None:
        path, made, public = _own_key(home, key)
        created = f"Created {path}. Keep a copy of it, and remember the passphrase.\n" if made else ""
    approver = add_approver(home, name, public, by, reason, now())
    return Result(_document(home, (approver,)), f"{created}{name} may approve with the key {public}.")


def revoke(options: Options, name: str, *, by: str, reason: str) -> Result:
    """Make the person's key invalid, for approvals already signed with it too."""
    home = find_home(options.home)
    approver = revoke_approver(home, name, by, reason, now())
    return Result(_document(home, (approver,)), f"The key of {name} is revoked: {approver.key}.")


def list_all(options: Options) -> Result:
    """Return every approver, revoked ones too."""
    home = find_home(options.home)
    approvers = list_approvers(home)
    lines = [
        f"{one.name:<24} {one.key}  added {one.added_at[:10]} by {one.added_by}"
        + (f"; revoked {one.revoked_at[:10]} by {one.revoked_by}" if one.is_revoked else "")
        for one in approvers
    ]
    valid = sum(not one.is_revoked for one in approvers)
    head = (
        f"{counted(valid, 'person')} may approve in {home.root}."
        if valid
        else (f"Nobody may approve in {home.root} yet: afterclose approvers add NAME --by NAME --reason TEXT")
    )
    return Result(_document(home, approvers), "\n".join([head, *lines]))


def _own_key(home: Home, key: Path | None) -> tuple[Path, bool, str]:
    """Return the key file, whether it was created now, and its public key."""
    path = key_path(key, home)
    if path.exists() or path.is_symlink():
        private = read_key(path, lambda: passphrase(lambda: ask_passphrase(path), home))
        return path, False, public_key(private)
    secret = passphrase(lambda: ask_passphrase(path, confirm=True), home)
    return path, True, public_key(write_new_key(path, secret))


def _document(home: Home, approvers: tuple[Approver, ...]) -> dict[str, object]:
    return {"home": str(home.root), "approvers": [asdict(one) for one in approvers]}
