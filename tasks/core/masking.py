"""Mask the values of secrets in output, logs and stored messages.

Secrets are read from the environment only. Their values are replaced by *** in any text, such as a provider's response
or a library's error message. A key of a broker or provider is masked wherever it occurs. A short secret that a person
chose, such as the password `short`, is masked only where it is a whole word: hidden inside `shorter` it would make a
message unreadable, and reveal its own letters.
"""

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

VARIABLES = (
    "APCA_API_KEY_ID",
    "APCA_API_SECRET_KEY",
    "TIINGO_API_KEY",
    "FRED_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AFTERCLOSE_APPROVAL_PASSPHRASE",
    "AFTERCLOSE_AUDIT_KEY",
    "AFTERCLOSE_REVIEW_PASSWORD",
    "AFTERCLOSE_SLACK_WEBHOOK_URL",
    "AFTERCLOSE_SMTP_PASSWORD",
    "AFTERCLOSE_WEBHOOK_SECRET",
    "PREFECT_API_KEY",
)
CHOSEN = frozenset(  # by a person, or in a store that one runs oneself; all others are made by a service
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AFTERCLOSE_APPROVAL_PASSPHRASE",
        "AFTERCLOSE_AUDIT_KEY",
        "AFTERCLOSE_REVIEW_PASSWORD",
        "AFTERCLOSE_SMTP_PASSWORD",
        "AFTERCLOSE_WEBHOOK_SECRET",
    }
)
LONG = 12  # characters: as long a value is not part of an ordinary word
SHORTEST = 4  # a shorter value is not a secret, and would match ordinary words
MASK = "***"
BEFORE = r"(?:(?<!\w)|(?<=\\[bfnrt])|(?<=%[0-9A-Fa-f]{2})|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"  # also an escape
AFTER = r"(?!\w)"


def masked(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the text with the value of every secret masked, URL-encoded and JSON-escaped forms included."""
    everywhere = {environ.get(name, "").strip() for name in VARIABLES if name not in CHOSEN}
    values = everywhere | {environ.get(name, "").strip() for name in CHOSEN}
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST:
            for form in {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}:
                if value not in everywhere and _may_be_part_of_a_word(form):
                    text = re.sub(f"{BEFORE}{re.escape(form)}{AFTER}", MASK, text)
                else:
                    text = text.replace(form, MASK)
    return text


def masked_value(value: object) -> object:
    """Return plain data with every text in it masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {key: masked_value(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [masked_value(inside) for inside in value]
    return tuple(masked_value(inside) for inside in value) if type(value) is tuple else value


def mask_logs() -> None:
    """Mask secrets in every further log record of this process, whichever logger or handler it uses."""
    before = logging.getLogRecordFactory()
    if getattr(before, "masks_secrets", False):
        return

    def masking_factory(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = before(*arguments, **named)
        message = record.getMessage() if record.args else str(record.msg)
        hidden = masked(message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return record

    masking_factory.masks_secrets = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(masking_factory)


def _may_be_part_of_a_word(form: str) -> bool:
    """Return whether the text is short, and only letters or only digits: anything else is no part of a word."""
    return len(form) < LONG and (form.isalpha() or form.isdigit())
