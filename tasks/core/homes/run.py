"""The first argument of every stage: home, session, as-of instant and settings."""

import zlib
from dataclasses import dataclass
from datetime import datetime

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.core.sessions import Session


@dataclass(frozen=True)
class Run:
    """One run of a session. Runs with equal fields give equal results."""

    home: Home
    session: Session
    as_of: datetime
    settings: Settings

    def seed(self, purpose: str) -> int:
        """Return the seed for one purpose, derived from the setting `seed`."""
        return zlib.crc32(f"{self.settings.seed}/{purpose}".encode())
