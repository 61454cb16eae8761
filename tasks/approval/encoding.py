"""Encode approvals: the bytes that are signed, those of approval.json, and the text of a detached signature.

Each has one spelling. A file that differs from it in a single byte is refused, so that nothing can be hidden in an
approval: no second key of the same name, no white space, no unknown field.
"""

import base64
import binascii
import json

from pydantic import BaseModel, ValidationError

from tasks.approval.schema import Approval, Detached, Envelope, Signature, Statement, Unanswered
from tasks.core.ids import canonical_json, sha256_of_bytes

DOMAIN = b"afterclose approval 1\x00"  # a signature of something else is never one of an approval
PREFIX = "afterclose-approval-1."


def signed_bytes(envelope: Envelope, statement: Statement) -> bytes:
    """Return the bytes that an approver signs."""
    return DOMAIN + canonical_json({"envelope": _plain(envelope), "statement": _plain(statement)}).encode()


def envelope_sha256(envelope: Envelope) -> str:
    """Return the digest by which people compare envelopes."""
    return sha256_of_bytes(canonical_json(_plain(envelope)).encode())


def render_approval(approval: Approval) -> bytes:
    """Return the content of approval.json: sorted, indented, ASCII."""
    return (json.dumps(_plain(approval), sort_keys=True, indent=2, ensure_ascii=True) + "\n").encode()


def parse_approval(content: bytes) -> Approval:
    """Return the approval. Raises ValueError unless the bytes are exactly those that `render_approval` makes of it."""
    try:
        approval = Approval.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(_where(error)) from None
    if render_approval(approval) != content:
        raise ValueError("it is not in the form in which approvals are written")
    return approval


def render_unanswered(unanswered: Unanswered) -> bytes:
    """Return the content of no_answer.json, in the form of approval.json."""
    return (json.dumps(_plain(unanswered), sort_keys=True, indent=2, ensure_ascii=True) + "\n").encode()


def parse_unanswered(content: bytes) -> Unanswered:
    """Return the record. Raises ValueError unless the bytes are exactly those that `render_unanswered` makes of it."""
    try:
        unanswered = Unanswered.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(_where(error)) from None
    if render_unanswered(unanswered) != content:
        raise ValueError("it is not in the form in which it is written")
    return unanswered


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


def _plain(record: BaseModel) -> object:
    return record.model_dump(mode="json")


def _where(error: ValidationError) -> str:
    """Name the first bad field, without its value: the file may be hostile."""
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])[:60]
    return f"{ascii(field)[1:-1]}: {first['type']}" if field else str(first["type"])
