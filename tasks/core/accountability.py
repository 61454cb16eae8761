"""Require that a person who decides something is named and gives a reason: both are logged."""

from tasks.core.errors import ConfigError


def require_name_and_reason(what: str, *, by: str, reason: str) -> None:
    """Raise ConfigError where one of them is empty or blank. `what` begins the sentence: "Rejecting a day"."""
    if not by.strip() or not reason.strip():
        raise ConfigError(
            f"{what} requires a name and a reason.", remedy="Give both --by NAME and --reason TEXT."
        )
