"""Keep the values of secrets out of everything that is said, logged or stored as a message.

Secrets live in the environment and nowhere else. Whatever text holds the value of one, a provider's answer or a
library's complaint among them, has it replaced by *** before a person, a log or a file gets it.
"""

import json
import logging
import os
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
    "AFTERCLOSE_AUDIT_KEY",
    "PREFECT_API_KEY",
)
SHORTEST = 4  # a shorter value is no secret, and would be found in every other word
MASK = "***"


def masked(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the text with the value of every secret replaced, also as it is written in addresses and in JSON."""
    values = {environ.get(name, "").strip() for name in VARIABLES}
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST:
            for form in {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}:
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
    """From now on no log record of this process holds a secret, whoever writes it and wherever it goes."""
    before = logging.getLogRecordFactory()
    if getattr(before, "masks_secrets", False):
        return

    def made(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = before(*arguments, **named)
        said = record.getMessage() if record.args else str(record.msg)
        hidden = masked(said)
        if hidden != said:
            record.msg, record.args = hidden, ()
        return record

    made.masks_secrets = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(made)
