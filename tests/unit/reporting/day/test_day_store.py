"""The last published day is read for the report; one that cannot be read is named."""

from tasks.core.homes.setup import set_up
from tasks.reporting.day.store import read_previous_day
from tests.approval_days import publish
from tests.builders import make_run
from tests.homes import SESSION_BEFORE


def test_the_previous_day_has_its_weights_and_ranks(tmp_path):
    run = make_run(tmp_path)
    set_up(run.home)
    assert read_previous_day(run) is None

    folder = publish(make_run(tmp_path, SESSION_BEFORE))
    day = read_previous_day(run)

    assert day is not None
    assert (day.session, day.problem, day.ranks) == (SESSION_BEFORE, "", {"AAPL": 2, "MSFT": 1})
    assert day.unusual == {}
    (folder / "monitoring_log.json").write_bytes(b'{"unusual": {"limit beta": 4}}')
    later = read_previous_day(run)
    assert later is not None
    assert later.unusual == {"limit beta": 4}
    assert later.fingerprint != day.fingerprint
    (folder / "signals.json").write_bytes(b'{"scores": []}')
    damaged = read_previous_day(run)
    assert damaged is not None
    assert "cannot be read" in damaged.problem
