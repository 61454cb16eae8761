"""Parse JSON from untrusted sources."""

import json
from typing import Any


def parse_json(content: str | bytes) -> Any:
    """Return the parsed value. Raises ValueError for invalid JSON and for nesting too deep to parse."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
