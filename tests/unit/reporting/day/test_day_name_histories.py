"""A name's last year: closes in today's terms, and what published days said of it."""

from dataclasses import replace

import numpy as np

from tasks.core.homes.home import Home
from tasks.reporting.day.name_histories import name_histories, read_recorded_days
from tests.approval_days import make_home, publish
from tests.builders import FRIDAY, make_panel, make_run
from tests.homes import SESSION_BEFORE
from tests.parity_records import make_compared


def test_closes_end_at_the_last_raw_close_and_days_give_holdings_and_ranks():
    panel = make_panel(sessions=30, symbols=3)
    panel = replace(panel, raw_close=panel.raw_close * 2.0)
    day = replace(
        make_compared(FRIDAY).day, held={"S000": 5.0}, scores={"S000": 0.3, "S001": 0.1, "S002": 0.2}
    )

    found = name_histories(panel, [day], ["S000", "S001", "GONE"])

    assert set(found) == {"S000", "S001"}
    np.testing.assert_allclose(found["S000"].close[-1], panel.raw_close[-1, 0])
    np.testing.assert_allclose(found["S000"].close / panel.close[:, 0], 2.0)
    assert found["S000"].held == (FRIDAY,)
    assert found["S001"].held == ()
    assert found["S000"].percentiles == {FRIDAY: 1.0}
    assert found["S001"].percentiles == {FRIDAY: 0.0}


def test_only_earlier_days_that_can_be_read_count(tmp_path):
    run = make_home(tmp_path / "home")
    before = make_run(run.home.root, SESSION_BEFORE)

    assert read_recorded_days(run.home, FRIDAY) == ()
    folder = publish(before)
    assert [day.session for day in read_recorded_days(run.home, FRIDAY)] == [SESSION_BEFORE]
    (folder / "signals.json").write_text("{")
    assert read_recorded_days(Home(run.home.root), FRIDAY) == ()
