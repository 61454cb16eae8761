"""Read the keys of providers from the environment, their only source. Never writes or shows one."""

import os
from collections.abc import Mapping

from tasks.core.errors import ConfigError

IDENTITY = "EDGAR_IDENTITY"  # not a key: name and address of the client, in plain text
KEYS: Mapping[str, tuple[str, ...]] = {
    "alpaca": ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"),
    "tiingo": ("TIINGO_API_KEY",),
    "fred": ("FRED_API_KEY",),
    "edgar": (IDENTITY,),
}


def read_keys(provider: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the provider's keys by variable name; raise ConfigError where one is missing or malformed."""
    found = {name: environ.get(name, "") for name in KEYS.get(provider, ())}
    if missing := [name for name, value in found.items() if not value]:
        raise ConfigError(
            f"{provider} needs {' and '.join(missing)} in the environment.",
            remedy="Set what is missing as described in docs/providers.md; never write a key into a file of the home.",
            keys=missing,
        )
    # requests would refuse such a header with an error that quotes it
    if malformed := [name for name, value in found.items() if not _is_valid_header(name, value)]:
        raise ConfigError(
            f"{' and '.join(malformed)} cannot be used: a value contains a space, a line break or another invalid "
            "character.",
            remedy="Set it again, without extra characters.",
            keys=malformed,
        )
    return found


def _is_valid_header(name: str, value: str) -> bool:
    return value.isascii() and value.isprintable() and (name == IDENTITY or " " not in value)
