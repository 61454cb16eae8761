"""Say which session a training without a date means: the last closed one, or the last that was imported.

A day is never run on what happens to be the last import: for trading, old data is stale data.
"""

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.data.lake.head import read_head
from tasks.data.lake.location import lake_of


def training_day(home: Home, settings: Settings) -> str | None:
    """Return the last session in the lake where data comes by import; None, the last closed one, elsewhere."""
    if settings.data.provider != "files":
        return None
    head = read_head(lake_of(home, settings))
    return str(head.last_session) if head and head.last_session else None
