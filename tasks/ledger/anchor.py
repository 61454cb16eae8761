"""Record outside the database how long the ledger is, so that a missing, shortened or swapped one is detected.

The anchor holds the number of entries and the last digest, and is written after every commit. The home's marker holds
the same for the opening entries, and is written once, when the ledger begins. Entries after those recorded are
accepted: a crash may occur between the commit and the anchor update.
"""

from dataclasses import dataclass
from typing import Any

from tasks.core.atomic import write_text
from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import note_in_marker, noted_in_marker
from tasks.core.ids import canonical_json
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes

LEDGER = "ledger"  # its record in the marker


@dataclass(frozen=True)
class Anchor:
    """What was noted of the ledger's end."""

    entries: int
    digest: str


def is_begun(home: Home) -> bool:
    """Return whether this home has a ledger: then its file must exist, with the entries that were noted."""
    return noted_opening(home) is not None


def noted_opening(home: Home) -> Anchor | None:
    """Return the end of the ledger when it began; None if it has not begun."""
    record = noted_in_marker(home, LEDGER)
    if record is None:
        return None
    try:
        return _anchor(record)
    except (ValueError, KeyError, TypeError) as error:
        raise SafetyError(
            f"{home.marker_file} is damaged: its record of the ledger cannot be read.",
            remedy="Restore it from a backup (`afterclose data restore`): without this record, a lost ledger would go "
            "undetected.",
            path=str(home.marker_file),
        ) from error


def note_opening(home: Home, end: Anchor) -> None:
    """Note in the marker that the home has a ledger. The caller holds the home's lock."""
    note_in_marker(home, LEDGER, _record(end))


def forget_begun(home: Home) -> None:
    """Remove the note, so that a new ledger can begin. The caller holds the home's lock."""
    note_in_marker(home, LEDGER, None)


def read_anchor(home: Home) -> Anchor | None:
    """Return the anchor; None if there is no file. Raises SafetyError for a damaged one."""
    try:
        return _anchor(parse_json(read_bytes(home.ledger_anchor)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SafetyError(
            f"{home.ledger_anchor} cannot be read ({type(error).__name__}).",
            remedy="Restore it from a backup (`afterclose data restore`): without this record, missing entries would "
            "go undetected.",
            path=str(home.ledger_anchor),
        ) from error


def write_anchor(home: Home, end: Anchor) -> None:
    """Note the number of entries and the last digest."""
    write_text(home.ledger_anchor, canonical_json(_record(end)) + "\n")


def _record(end: Anchor) -> dict[str, object]:
    return {"entries": end.entries, "hash": end.digest}


def _anchor(record: Any) -> Anchor:
    end = Anchor(record["entries"], record["hash"])
    if type(end.entries) is not int or not isinstance(end.digest, str):
        raise TypeError("not the end of a ledger")
    return end
