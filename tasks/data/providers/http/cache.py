"""Cache responses that change slowly."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from tasks.core.atomic import write_text
from tasks.core.clock import now
from tasks.core.json_text import parse_json
from tasks.core.reading import read_text

T = TypeVar("T")


def cached(file: Path, ask: Callable[[], T], *, max_age: timedelta, clock: Callable[[], datetime] = now) -> T:
    """Return the file's content if it is younger than `max_age`; otherwise request it and store it as JSON.

    A file that cannot be read counts as expired.
    """
    try:
        age = clock() - datetime.fromtimestamp(file.stat().st_mtime, UTC)
        if timedelta(0) <= age < max_age:
            known: T = parse_json(read_text(file))
            return known
    except (OSError, ValueError):
        pass
    answer = ask()
    write_text(file, json.dumps(answer))
    return answer
