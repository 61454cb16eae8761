"""One message to one recipient by one channel, as it waits in the outbox, and when it is tried again. Pure."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tasks.core.ids import sha256_of_record
from tasks.core.json_text import parse_json

FORMAT = "afterclose outbox 1"
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=4)
DAMAGED = (ValueError, KeyError, TypeError, AttributeError)


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
    stored = asdict(entry) | {"queued_at": _instant(entry.queued_at), "next_at": _instant(entry.next_at)}
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
            "queued_at": datetime.fromisoformat(stored["queued_at"]),
            "next_at": datetime.fromisoformat(stored["next_at"]),
        }
    )
    texts = (entry.entry_id, entry.recipient, entry.kind, entry.subject, entry.content, entry.error)
    if not all(isinstance(text, str) for text in texts) or not isinstance(entry.attempts, int):
        raise TypeError("a field has the wrong type")
    return entry


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
