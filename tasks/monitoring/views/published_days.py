"""Read the published days of a home for the views, by the rules of an approval: every file agrees with its manifest."""

from datetime import date
from pathlib import Path

from tasks.approval.day import published_day
from tasks.approval.store import read_day
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.ids import sha256_of_bytes
from tasks.core.reading import read_bytes
from tasks.core.sessions import session_on
from tasks.monitoring.views.chunks import ReadDay
from tasks.monitoring.views.day_rows import rows_of_day, unreadable_row

DAMAGED = (ValueError, KeyError, TypeError, AttributeError)


def manifests_of_days(home: Home) -> dict[date, str]:
    """Return the digest of the manifest of each day in live/; "" for a directory without a readable one."""
    return {day: _digest_of(home.day_folder(day) / MANIFEST) for day in home.days()}


def read_published(home: Home, day: date) -> ReadDay:
    """Return the rows of the day; only its row in `days`, with the problem, where its files cannot be read."""
    digest = ""
    try:
        _, manifest, files = read_day(home, session_on(day), revision=0)  # as proposed
        digest = sha256_of_bytes(manifest)
        return ReadDay(rows_of_day(published_day(day, manifest, files)), is_sound=True)
    except AftercloseError as error:
        problem = error.what
    except DAMAGED as error:
        problem = f"{day}: a field is missing or is not as this release writes it ({type(error).__name__})."
    return ReadDay({"days": [unreadable_row(day, digest, problem)]}, is_sound=False)


def _digest_of(manifest: Path) -> str:
    try:
        return sha256_of_bytes(read_bytes(manifest))
    except OSError:
        return ""
