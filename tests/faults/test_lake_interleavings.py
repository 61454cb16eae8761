"""Whatever is interleaved with a refresh, a reader sees the lake as it was or as it became (D1)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core.errors import TransientError
from tasks.core.homes.opening import open_run
from tasks.data import task
from tests.builders import FRIDAY
from tests.deliveries import Served, days_of, make_delivery
from tests.homes import blank

pytestmark = pytest.mark.slice

ROOT = Path(__file__).parents[2]


def outcomes(folder, *, seed, count):
    """Run the program; return what went wrong, and its last line."""
    program = [sys.executable, "-m", "tests.faults.interleavings", str(folder), str(seed), str(count)]
    reported = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert reported.returncode == 0, reported.stderr
    *wrong, last = (json.loads(line) for line in reported.stdout.splitlines())
    return wrong, last


def test_random_interleavings_of_refresh_death_restatement_and_read_show_old_or_new(tmp_path):
    wrong, last = outcomes(tmp_path, seed=0, count=3)

    assert wrong == []
    assert last == {"interleavings": 3, "states": 7}  # each state looks different: a mixture would be seen


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(1, 7))
def test_3000_random_interleavings_show_old_or_new(seed, tmp_path):
    wrong, last = outcomes(tmp_path, seed=seed, count=500)

    assert wrong == []
    assert last["interleavings"] == 500


def test_of_two_refreshes_at_once_one_works_and_the_other_says_so(tmp_path, monkeypatch):
    blank(tmp_path)
    delivery = make_delivery()
    reported = []

    class Meanwhile(Served):
        def fetch(self, **asked):
            try:
                refresh()
            except TransientError as error:
                reported.append(str(error))
            return super().fetch(**asked)

    def refresh():
        with open_run(home=tmp_path, day=str(FRIDAY), doing="refresh", environ={}) as run:
            return task.refresh_market(run)

    monkeypatch.setattr(task, "make_provider", lambda _run: Meanwhile(delivery))
    market = refresh()

    assert market.new_bars == len(delivery.bars) // len(days_of(delivery))
    (said,) = reported
    assert "in use by process" in said
    assert "(refresh)" in said
