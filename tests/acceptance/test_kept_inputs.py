"""Every file of the home that a day reads is kept for its replay, or is found again by its digest."""

import json
import os
import sys
from pathlib import Path

import pytest

from tasks.core.homes.home import Home
from tasks.core.homes.kept import read_parts
from tests.homes import LAST_SESSION, SESSION_BEFORE, fill_as_proposed, run_day

FOUND_AGAIN = (
    "data/lake/",  # by the snapshot's id
    "production/champion_model.",  # by its hash
    "production/versions/",
    "data/ledger",  # its two figures are kept
    "config.yaml",  # the settings are kept as resolved
)
OF_THE_RUN = (
    "data/work/",
    "data/home.json",
    "data/home.lock",
    "data/kill_switch.lock",
    "data/approval.lock",
    "data/portfolio.lock",
    "data/decisions/",
    "data/outbox",  # what is sent, never what is decided
    "live/plan_log.csv",  # appended to once the day is published
    "data/plan_anchor.json",
    "data/shadow/",  # the challenger's scores, once the day is published, which does not depend on them
    "production/challenger/",
)
_opened: list[str] = []
_watched: list[Path] = []


def _watch(event, arguments):
    if event == "open" and _watched and isinstance(arguments[0], str | bytes | Path):
        path = Path(os.fsdecode(arguments[0]))
        if _watched[0] in path.parents and path.is_file():
            _opened.append(path.relative_to(_watched[0]).as_posix())


sys.addaudithook(_watch)


@pytest.fixture
def watched(begun_home):
    """The home of a day that is about to run; what is opened in it is noted."""
    fill_as_proposed(begun_home, SESSION_BEFORE)
    _opened.clear()
    _watched.append(begun_home)
    yield begun_home
    _watched.clear()


def test_whatever_a_day_reads_of_its_home_is_kept(watched):
    run_day(watched, LAST_SESSION)
    _watched.clear()

    home = Home(watched)
    manifest = json.loads((home.day_folder(LAST_SESSION) / "manifest.json").read_bytes())
    kept = read_parts(home, manifest["inputs"]["kept"])
    others = {
        name
        for name in _opened
        if not name.startswith((*FOUND_AGAIN, *OF_THE_RUN, f"live/.{LAST_SESSION}", f"live/{LAST_SESSION}"))
        and ".partial" not in name
    }
    assert "live/current_positions.csv" in others
    assert others - set(kept) == set()
