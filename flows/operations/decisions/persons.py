"""Require a second person for what changes the books, where an approval requires two."""

from flows.terminal import Options
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import settings_of


def require_second(home: Home, options: Options, *, by: str, second: str, doing: str) -> None:
    """Raise ConfigError if two persons are required and only one is named."""
    persons = settings_of(home, options.profile).settings.approval.persons
    if persons > 1 and second.strip().casefold() in {"", by.strip().casefold()}:
        raise ConfigError(
            f"{doing} requires {persons} persons (approval.persons).",
            remedy="Name the other one: --second NAME. Nothing was changed.",
        )
