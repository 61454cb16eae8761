"""Encode approvals: the bytes that are signed, those of approval.json, and the text of a detached signature.

Each has one spelling. A file that differs from it in a single byte is refused, so that nothing can be hidden in an
approval: no second key of the same name, no white space, no unknown field.
"""

import base64
import binascii
import json
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tasks.approval.schema import Approval, Detached, Envelope, Signature, Statement, Unanswered
from tasks.core.ids import canonical_json, sha256_of_bytes

DOMAIN = b"afterclose approval 1\x00"  # a signature of something else is never one of an approval
PREFIX = "afterclose-approval-1."
PROBLEMS = {"missing": "is missing", "extra_forbidden": "is not a known field"}
Written = TypeVar("Written", Approval, Unanswered)


def signed_bytes(envelope: Envelope, statement: Statement) -> bytes:
    """Return the bytes that an approver signs."""
    return DOMAIN + canonical_json({"envelope": _plain(envelope), "statement": _plain(statement)}).encode()


def envelope_sha256(envelope: Envelope) -> str:
    """Return the digest by which people compare envelopes."""
    return sha256_of_bytes(canonical_json(_plain(envelope)).encode())


def render_record(approval: Written) -> bytes:
    """Return the content of approval.json, or of no_answer.json: sorted, indented, ASCII."""
    return (json.dumps(_plain(approval), sort_keys=True, indent=2, ensure_ascii=True) + "\n").encode()


def parse_approval(content: bytes) -> Approval:
    """Return the approval. Raises ValueError unless the bytes are exactly those that `render_record` makes of it."""
    return _parsed(content, Approval)


def parse_unanswered(content: bytes) -> Unanswered:
    """Return the record of no_answer.json, like `parse_approval`."""
    return _parsed(content, Unanswered)


def render_detached(envelope: Envelope, signature: Signature) -> str:
    """Return the signature as one line of text, for a form or a message. It holds no secret."""
    record = Detached(envelope_sha256=envelope_sha256(envelope), signature=signature)
    return PREFIX + base64.urlsafe_b64encode(canonical_json(_plain(record)).encode()).decode()


def parse_detached(text: str) -> Detached:
    """Return the signature in the text. Raises ValueError for anything that `render_detached` does not write."""
    line = text.strip()
    try:
        content = base64.urlsafe_b64decode(line.removeprefix(PREFIX).encode())
        record = Detached.model_validate_json(content)
    except (binascii.Error, ValidationError, UnicodeEncodeError):
        raise ValueError("it is not a signature that `afterclose approve` printed") from None
    if PREFIX + base64.urlsafe_b64encode(canonical_json(_plain(record)).encode()).decode() != line:
        raise ValueError("it was changed after `afterclose approve` printed it")
    return record


def _parsed(content: bytes, kind: type[Written]) -> Written:
    try:
        record = kind.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(_where(error)) from None
    if render_record(record) != content:
        raise ValueError("it is not in its canonical form")
    return record


def _plain(record: BaseModel) -> object:
    return record.model_dump(mode="json")


def _where(error: ValidationError) -> str:
    """State what is wrong with the first bad field, without its value: the file may be hostile."""
    first = error.errors(include_input=False, include_url=False)[0]
    field = ascii(".".join(str(part) for part in first["loc"])[:60])[1:-1]
    if not field:
        return "it is not valid JSON" if first["type"] == "json_invalid" else "it is not a JSON object"
    return f"{field} {PROBLEMS.get(first['type'], 'has a value that is not allowed')}"
