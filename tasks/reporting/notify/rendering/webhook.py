"""Write a notice for a program, and sign it. Pure; docs/notifications.md shows how to verify the signature."""

import hashlib
import hmac
import json

from tasks.reporting.notify.rendering.text import as_text
from tasks.reporting.notify.schema import Notice
from tasks.reporting.notify.wording import plain, subject_line

FORMAT = "afterclose notice 1"
SIGNATURE, TIMESTAMP, IDENTITY = "Afterclose-Signature", "Afterclose-Timestamp", "Afterclose-Id"


def render_webhook(notice: Notice, *, title: str, notice_id: str) -> str:
    """Return the JSON body, ASCII only. Amounts in `data` are text, exact to the cent."""
    return json.dumps(
        {
            "format": FORMAT,
            "id": notice_id,
            "kind": str(notice.kind),
            "tone": str(notice.tone),
            "session": None if notice.session is None else notice.session.isoformat(),
            "is_simulated": notice.is_simulated,
            "title": plain(title),
            "subject": subject_line(notice, title),
            "text": as_text(notice),
            "data": notice.data,
        },
        sort_keys=True,
        allow_nan=False,
    )


def signed_headers(body: bytes, *, notice_id: str, key: bytes, timestamp: int) -> dict[str, str]:
    """Return the headers of one attempt. The signature covers the timestamp, so that an old request is not replayed."""
    return {
        "Content-Type": "application/json",
        IDENTITY: notice_id,
        TIMESTAMP: str(timestamp),
        SIGNATURE: f"v1={signature(body, key=key, timestamp=timestamp)}",
    }


def signature(body: bytes, *, key: bytes, timestamp: int) -> str:
    """Return HMAC-SHA256 over the timestamp, a full stop and the body, in hexadecimal."""
    return hmac.new(key, str(timestamp).encode() + b"." + body, hashlib.sha256).hexdigest()
