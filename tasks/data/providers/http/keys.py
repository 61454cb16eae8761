"""Read the keys of providers from the environment, their only place. Never writes or says one."""

import os
from collections.abc import Mapping

from tasks.core.errors import ConfigError

IDENTITY = "EDGAR_IDENTITY"  # no key: who asks, and where to write to, in plain words
KEYS: Mapping[str, tuple[str, ...]] = {
    "alpaca": ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"),
    "tiingo": ("TIINGO_API_KEY",),
    "fred": ("FRED_API_KEY",),
    "edgar": (IDENTITY,),
}


def read_keys(provider: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the provider's keys by the names of their variables; raise where one is missing or cannot be a key."""
    found = {name: environ.get(name, "") for name in KEYS.get(provider, ())}
    if missing := [name for name, value in found.items() if not value]:
        raise ConfigError(
            f"{provider} needs {' and '.join(missing)} in the environment.",
            remedy="Set it as docs/providers.md says; never write a key into a file of the home.",
            keys=missing,
        )
    # requests would refuse such a header with an error that quotes it
    if odd := [name for name, value in found.items() if not _may_be_a_header(name, value)]:
        raise ConfigError(
            f"{' and '.join(odd)} cannot be used: it holds a space, a line end or another character that none has.",
            remedy="Set it again, without what was pasted along with it.",
            keys=odd,
        )
    return found


def _may_be_a_header(name: str, value: str) -> bool:
    return value.isascii() and value.isprintable() and (name == IDENTITY or " " not in value)
