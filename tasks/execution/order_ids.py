"""The id of an order: computed from what was approved, so that a rerun can only find its order, never place another."""

import hashlib
from datetime import date

from tasks.core.ids import canonical_json

LONGEST = 48  # characters; the strictest broker known takes 128
DIGITS = 32  # of the hash: 128 bits


def order_id(account: str, session: date, approval_sha256: str, *, row: int, part: int) -> str:
    """Return the id, such as `ac-20240614-` and 32 hexadecimal digits. The date is there for a person to read."""
    named = canonical_json([account, session.isoformat(), approval_sha256, row, part])
    return f"ac-{session:%Y%m%d}-{hashlib.sha256(named.encode()).hexdigest()[:DIGITS]}"
