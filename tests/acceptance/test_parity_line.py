"""What a published day says about its backtest: equal where nothing was changed, different where one bar was."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tasks.backtest.build import known_companies
from tasks.backtest.parity.compare import compare_days
from tasks.backtest.parity.recorded import read_recorded
from tasks.backtest.scoring.store import read_revisions, read_world
from tasks.backtest.world import window_at
from tasks.core.homes.home import Home
from tasks.core.homes.opening import open_run
from tasks.data.task import refresh_market
from tests.homes import LAST_SESSION, SESSION_BEFORE, afterclose, copy_of, fill_as_proposed


@pytest.fixture(scope="module")
def second_day(begun_home_template, tmp_path_factory):
    """A home with two published days, the first of which was filled."""
    home = copy_of(begun_home_template, tmp_path_factory.mktemp("line") / "home")
    fill_as_proposed(home, SESSION_BEFORE)
    ended = afterclose("daily", "--date", str(LAST_SESSION), home=home)
    assert ended.returncode == 0, ended.stderr
    return home


def parity_of(home, session):
    return json.loads((home / "live" / str(session) / "monitoring_log.json").read_text())["parity"]


def test_the_first_day_compares_its_own_decision(begun_home_template):
    parity = parity_of(begun_home_template, SESSION_BEFORE)

    assert parity["state"] == "equal"
    assert [one["date"] for one in parity["sessions"]] == [str(SESSION_BEFORE)]
    assert parity["holds"]["positions"] > 0
    page = (begun_home_template / "live" / str(SESSION_BEFORE) / "report.html").read_text()
    assert "Equal to the backtest to the share and cent" in page
    assert "There are no earlier sessions yet" in page


def test_a_later_day_walks_the_days_before_it_from_their_fills(second_day):
    parity = parity_of(second_day, LAST_SESSION)

    assert parity["state"] == "equal"
    assert (parity["difference_shares"], parity["difference_cents"]) == (0, 0)
    today, before = parity["sessions"]
    assert (today["date"], before["date"]) == (str(LAST_SESSION), str(SESSION_BEFORE))
    assert today["fills"] > 0
    assert today["unproposed_shares"] == 0
    page = (second_day / "live" / str(LAST_SESSION) / "report.html").read_text()
    assert "Equal to the backtest to the share and cent, 2 sessions" in page


@pytest.fixture(scope="module")
def walked(second_day):
    """The world, the companies, the recorded days and the settings, to be compared again."""
    with open_run(home=second_day, day=str(LAST_SESSION), profile=None, doing="test", environ={}) as run:
        snapshot = refresh_market(run).snapshot
        settings = run.settings
    signals = json.loads((second_day / "live" / str(LAST_SESSION) / "signals.json").read_text())
    basis = signals["decided_from"]["basis"]
    following = np.busday_offset(np.datetime64(LAST_SESSION), 1, roll="forward").item()
    recorded = read_recorded(Home(second_day), following, sessions=20, basis=basis)
    world = read_world(snapshot, dividend_pay_sessions=15, window=300)
    companies = known_companies(read_revisions(snapshot, ("lives", "renames")), world.sessions)
    return world, companies, recorded, settings


def test_what_was_recorded_is_read_back_and_equal(walked):
    world, companies, recorded, settings = walked

    parity = compare_days(world, companies, recorded.days, settings)

    assert [day.session for day in recorded.days] == [SESSION_BEFORE, LAST_SESSION]
    assert parity.state == "equal"


@pytest.mark.parametrize(("held", "back"), [(True, 0), (True, 1), (True, 40), (False, 3), (False, 100)])
def test_one_altered_bar_shows(walked, held, back):
    world, companies, recorded, settings = walked
    row = world.row(np.datetime64(LAST_SESSION))
    today = recorded.days[-1]
    ids = dict(zip(companies.names.tolist(), companies.ids.tolist(), strict=True))
    own = {ids[symbol] for symbol in today.held}
    risk = np.isfinite(window_at(world, row, 253).raw_close).all(axis=0)
    column = next(c for c, name in enumerate(world.company.tolist()) if (name in own) == held and risk[c])
    raw, cents = world.raw_close.copy(), world.price_cents.copy()
    raw[row - back, column] *= 1.01
    cents[row - back, column] = round(raw[row - back, column] * 100)

    parity = compare_days(
        replace(world, raw_close=raw, price_cents=cents), companies, recorded.days, settings
    )

    assert parity.state == "different"
    changed = [one for one in parity.sessions if not one.is_equal]
    assert changed
    if held and back == 0:  # the day before held nothing yet
        assert any(one.equity_cents for one in changed)


def test_a_changed_file_of_a_day_shows(walked):
    world, companies, recorded, settings = walked
    before, today = recorded.days
    symbol, trade = next(iter(before.trades.items()))
    forged = replace(before, trades=before.trades | {symbol: trade._replace(shares=trade.shares + 1)})

    parity = compare_days(world, companies, [forged, today], settings)

    assert parity.state == "different"
    assert parity.sessions[1].shares == 1
    assert parity.sessions[1].cents == trade.price_cents
    assert parity.sessions[0].is_equal


def test_days_of_other_settings_are_not_compared(walked, second_day):
    recorded = read_recorded(Home(second_day), LAST_SESSION, sessions=20, basis="another")

    assert recorded.days == []
    assert recorded.skipped == [(SESSION_BEFORE, "settings or code have changed since")]


def test_a_damaged_day_is_skipped_with_its_reason(second_day, tmp_path):
    home = copy_of(second_day, tmp_path / "home")
    (home / "live" / str(SESSION_BEFORE) / "signals.json").write_text("{")

    recorded = read_recorded(Home(home), LAST_SESSION, sessions=20, basis="")

    assert recorded.days == []
    assert "cannot be read" in recorded.skipped[0][1]
