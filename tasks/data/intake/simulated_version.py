"""Which version of the simulated market a lake holds. It never changes: a lake is not continued with another market."""

import logging
from dataclasses import replace

from config.settings import Settings
from tasks.core.errors import ConfigError
from tasks.core.homes.run import Run
from tasks.data.lake.head import Head
from tasks.data.schema.records import NEWEST_SIMULATION, SIMULATED

log = logging.getLogger(__name__)


def simulated_version(head: Head | None, settings: Settings) -> int | None:
    """Return the lake's version; for an empty lake the version in the settings, or the newest. None: not simulated.

    Raises ConfigError if data.simulated.version names another version than the lake's.
    """
    asked = settings.data.simulated.version
    if settings.data.providers != (SIMULATED,):
        return None
    held = head.simulated_version if head is not None and head.revision else None
    if held is not None and asked not in (None, held):
        raise ConfigError(
            f"This lake holds version {held} of the simulated market; version {asked} would be mixed into it.",
            remedy=f"Remove data.simulated.version from the settings, or set it to {held}. For version {asked} create "
            "another home (`afterclose init DIR --simulated`) and set it there.",
            key="data.simulated.version",
        )
    return held or asked or NEWEST_SIMULATION


def older_market(head: Head | None) -> str | None:
    """Return what a person should know about a lake with an older market; None for all others."""
    held = head.simulated_version if head is not None and head.revision else None
    if held is None or held >= NEWEST_SIMULATION:
        return None
    return f"holds version {held} of the simulated market, which it keeps; the newest is {NEWEST_SIMULATION}"


OLDER_REMEDY = "To get the newer market, create another home: afterclose init DIR --simulated"


def with_simulated_version(run: Run, head: Head | None) -> Run:
    """Return the run with the version set in its settings; log it if the lake holds an older market."""
    version = simulated_version(head, run.settings)
    if version is None:
        return run
    if older := older_market(head):
        log.warning("this lake %s. %s", older, OLDER_REMEDY)
    simulated = run.settings.data.simulated.model_copy(update={"version": version})
    data = run.settings.data.model_copy(update={"simulated": simulated})
    return replace(run, settings=run.settings.model_copy(update={"data": data}))
