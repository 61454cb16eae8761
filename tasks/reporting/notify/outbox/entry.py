"""One message to one recipient by one channel, as it waits in the outbox, and when it is tried again. Pure."""

import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tasks.core.ids import sha256_of_record
from tasks.core.json_text import parse_json
from tasks.core.text import instant_text

FORMAT = "afterclose outbox 1"
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)
DAMAGED = (ValueError, KeyError, TypeError, AttributeError, OverflowError)
ENTRY_ID = re.compile(r"[0-9a-f]{32}")


class Channel(StrEnum):
    """A way of notification."""

    EMAIL = "email"
    SLACK = "slack"
    WEBHOOK = "webhook"


@dataclass(frozen=True)
class Entry:
    """A message that waits. `content` is ASCII: a mail, or a JSON body. No secret is in it."""

    entry_id: str
    channel: Channel
    recipient: str  # an address, or the channel's name
    kind: str
    subject: str
    content: str
    queued_at: datetime
    attempts: int
    next_at: datetime
    error: str  # of the last attempt; "" before the first


def entry_id(*, home: str, kind: str, key: str, channel: Channel, recipient: str) -> str:
    """Return the id of a notice for one recipient: the same whenever the notice is made again."""
    return sha256_of_record([home, kind, key, str(channel), recipient])[:32]


def after_failure(entry: Entry, error: str, at: datetime) -> Entry:
    """Return the entry after a failed attempt; each wait is twice the one before."""
    wait = min(FIRST_RETRY * 2 ** min(entry.attempts, 20), LONGEST_RETRY)
    return replace(entry, attempts=entry.attempts + 1, next_at=at + wait, error=error)


def encode(entry: Entry) -> bytes:
    """Write the entry as the content of its file."""
    stored = asdict(entry) | {
        "queued_at": instant_text(entry.queued_at),
        "next_at": instant_text(entry.next_at),
    }
    return f"{json.dumps({'format': FORMAT} | stored, indent=1)}\n".encode()


def decode(content: bytes) -> Entry:
    """Parse the content of a file. Raises one of DAMAGED for any other content."""
    stored = parse_json(content)
    if stored.pop("format") != FORMAT:
        raise ValueError("not an entry of the outbox")
    entry = Entry(
        **stored
        | {
            "channel": Channel(stored["channel"]),
            "queued_at": _parse_instant(stored["queued_at"]),
            "next_at": _parse_instant(stored["next_at"]),
        }
    )
    _check(entry)
    return entry


def _check(entry: Entry) -> None:
    """Raise one of DAMAGED for a field that a delivery would fail on."""
    texts = (entry.entry_id, entry.recipient, entry.kind, entry.subject, entry.content, entry.error)
    if not all(isinstance(text, str) for text in texts) or type(entry.attempts) is not int:
        raise TypeError("a field has the wrong type")
    if not ENTRY_ID.fullmatch(entry.entry_id) or entry.attempts < 0:
        raise ValueError("the id or the number of attempts is impossible")
    entry.content.encode("ascii" if entry.channel is Channel.EMAIL else "utf-8")


def _parse_instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.utcoffset() is None:
        raise ValueError("a time has no offset")
    return at.astimezone(UTC)
