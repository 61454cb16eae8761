"""What was last announced about the kill switch, in `data/outbox/switch.json`.

Without the file, or if it is damaged, a switch that is on is announced again: better twice than never.
"""

import json
from dataclasses import asdict
from datetime import datetime

from tasks.core.atomic import replace_file
from tasks.core.homes.home import Home
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.reporting.notify.notices.switch import Announced
from tasks.reporting.notify.outbox.entry import DAMAGED
from tasks.reporting.notify.outbox.store import PRIVATE, make_private
from tasks.safety.kill_switch.switch_file import Switch

NAME = "switch.json"


def read_announced(home: Home) -> Announced | None:
    """Return what was announced; None if it is not known."""
    try:
        stored = parse_json(read_bytes(home.outbox / NAME))
        trips = tuple(str(trip) for trip in stored["trips"])
        return Announced(int(stored["number"]), trips, int(stored["events"]))
    except (OSError, *DAMAGED):
        return None


def first_look(switch: Switch, at: datetime) -> Announced:
    """Return the initial record: no active trip was announced, and the history is known.

    The count starts at the present second, so that ids of an outbox that was deleted do not come again.
    """
    return Announced(int(at.timestamp()), (), len(switch.events))


def write_announced(home: Home, announced: Announced) -> None:
    """Replace the record. Raises StorageError if it cannot be written."""
    make_private(home)
    with replace_file(home.outbox / NAME, mode=PRIVATE) as file:
        file.write(f"{json.dumps(asdict(announced))}\n".encode())
