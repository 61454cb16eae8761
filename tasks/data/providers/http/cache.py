"""Remember answers that change slowly, so that nobody is asked for them every day."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from tasks.core.atomic import write_text
from tasks.core.clock import now
from tasks.core.json_text import parse_json

T = TypeVar("T")


def remembered(
    file: Path, ask: Callable[[], T], *, for_: timedelta, clock: Callable[[], datetime] = now
) -> T:
    """Return what the file holds while it is younger than `for_`; otherwise ask, and write the answer (plain JSON).

    A file that cannot be read counts as too old.
    """
    try:
        age = clock() - datetime.fromtimestamp(file.stat().st_mtime, UTC)
        if timedelta(0) <= age < for_:
            known: T = parse_json(file.read_text())
            return known
    except (OSError, ValueError):
        pass
    answer = ask()
    write_text(file, json.dumps(answer))
    return answer
