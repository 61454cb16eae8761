"""The id of an order: computed from what was approved, so that a rerun can only find its order, never place another."""

import hashlib
import re
from datetime import date

from tasks.core.ids import canonical_json

DIGITS = 32  # of the hash: 128 bits; an id has 44 characters, and the strictest broker known takes 128
FORM = re.compile(rf"ac-[0-9]{{8}}-[0-9a-f]{{{DIGITS}}}")


def order_id(account: str, session: date, approval_sha256: str, *, row: int, part: int) -> str:
    """Return the id, such as `ac-20240614-` and 32 hexadecimal digits. The date is for human readers."""
    named = canonical_json([account, session.isoformat(), approval_sha256, row, part])
    return f"ac-{session:%Y%m%d}-{hashlib.sha256(named.encode()).hexdigest()[:DIGITS]}"


def is_order_id(text: str) -> bool:
    """Return whether the id has the form of `order_id`: of this home or another."""
    return FORM.fullmatch(text) is not None
