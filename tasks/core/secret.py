"""Read a secret from the environment, or from a file named there. Never writes or logs it."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from tasks.core.errors import ConfigError
from tasks.core.reading import read_text

LEAST_LENGTH = 32
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_secret(
    name: str, environ: Mapping[str, str] = os.environ, *, outside: Path, least_length: int = LEAST_LENGTH
) -> bytes | None:
    """Return the secret in the variable, or in the file that NAME_FILE names; None if neither is set.

    Raises ConfigError if other users may read the file or if it is inside `outside`, the home it protects.
    """
    named = environ.get(f"{name}_FILE", "")
    if environ.get(name) and named:
        raise ConfigError(f"{name} and {name}_FILE are both set.", remedy="Unset one of them.", keys=[name])
    secret = _in_file(Path(named), f"{name}_FILE", outside) if named else environ.get(name, "")
    if not secret:
        return None
    if len(secret) < least_length:
        raise ConfigError(
            f"{name} is shorter than {least_length} characters.",
            remedy="Create a longer one, for example with `openssl rand -hex 32`.",
            keys=[name],
        )
    return secret.encode()


def _in_file(path: Path, name: str, outside: Path) -> str:
    try:
        mode = path.stat().st_mode
        secret = read_text(path).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}, named by {name}, cannot be read ({type(error).__name__}).",
            remedy="Correct the path or the file's permissions.",
            path=str(path),
        ) from None
    if mode & OTHERS:
        raise ConfigError(
            f"{path} can be read or written by other users.", remedy=f"Run: chmod 600 {path}", path=str(path)
        )
    if path.resolve().is_relative_to(outside.resolve()):
        raise ConfigError(
            f"{path} is inside the home that it protects.", remedy="Move it out of the home.", path=str(path)
        )
    if not secret:
        raise ConfigError(f"{path} is empty.", remedy="Write the key into it.", path=str(path))
    return secret
