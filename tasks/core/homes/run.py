"""What every stage is handed first: which home, which session, what may be known, which settings."""

import zlib
from dataclasses import dataclass
from datetime import datetime

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.core.sessions import Session


@dataclass(frozen=True)
class Run:
    """One walk through a session. Two runs with equal fields do equal work."""

    home: Home
    session: Session
    as_of: datetime
    settings: Settings

    def seed(self, purpose: str) -> int:
        """Return the seed for one purpose: fixed by settings, distinct between purposes."""
        return zlib.crc32(f"{self.settings.seed}/{purpose}".encode())
