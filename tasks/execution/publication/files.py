"""Write execution.json and execution.html into the directory of the approved day, each atomically."""

import json
from collections.abc import Mapping

from tasks.core.atomic import replace_file
from tasks.core.homes.home import Home
from tasks.core.sessions import Session

DOCUMENT, PAGE = "execution.json", "execution.html"


def write_execution(home: Home, session: Session, document: Mapping[str, object]) -> None:
    """Replace execution.json. From the first one on, the day is decided: it is neither rewritten nor rejected."""
    _write(home, session, DOCUMENT, f"{json.dumps(document, indent=2, allow_nan=False)}\n".encode())


def write_page(home: Home, session: Session, page: bytes) -> None:
    """Replace execution.html."""
    _write(home, session, PAGE, page)


def _write(home: Home, session: Session, name: str, content: bytes) -> None:
    """Replace one file of the day's directory."""
    with replace_file(home.day_folder(session) / name) as file:
        file.write(content)
