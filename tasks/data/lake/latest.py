"""Choose the session for training without a date: the last closed one, or the last imported one.

A daily run never falls back to the last import, because old data must not be traded on.
"""

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.data.lake.head import read_head
from tasks.data.lake.storage.location import lake_of


def training_day(home: Home, settings: Settings) -> str | None:
    """Return the last session in the lake where data is imported; None (the last closed session) elsewhere."""
    if settings.data.provider != "files":
        return None
    head = read_head(lake_of(home, settings))
    return str(head.last_session) if head and head.last_session else None
