"""The market of the paper account, read from a lake."""

import shutil

import numpy as np
import pytest

from tasks.backtest.build import known_companies
from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, read_revisions, read_world
from tasks.core.errors import DataError
from tasks.core.sessions import session_after
from tasks.execution.brokers.paper.market import Bar, DividendEvent
from tasks.execution.brokers.paper.stored_market import StoredMarket
from tasks.execution.brokers.paper.world_market import Range, WorldMarket
from tests.builders import FRIDAY
from tests.deliveries import days_of, make_delivery, refresh, small_run

SESSIONS = 120
NAMES = [f"S{n:02d}" for n in range(6)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Return a run, the delivery, the session before the last refresh, and the snapshot of the last session."""
    folder, delivery = tmp_path_factory.mktemp("lake"), make_delivery(sessions=SESSIONS)
    before = days_of(delivery)[-3]
    with pytest.MonkeyPatch.context() as patch:
        refresh(patch, folder, delivery, before)
        early = StoredMarket(folder / "data" / "lake", small_run(folder).settings)
        assert early.last_session() == before
        early.last_cents(before, "S00")  # it has read the lake
        market = refresh(patch, folder, delivery, FRIDAY)
    return small_run(folder), delivery, early, market.snapshot


@pytest.fixture
def stored(lake):
    return StoredMarket(lake[0].home.lake, lake[0].settings)


def bar_of(delivery, session, symbol):
    rows = delivery.bars[
        (delivery.bars["symbol"] == symbol) & (delivery.bars["session"] == np.datetime64(session))
    ]
    (row,) = rows.to_dict("records")
    return Bar(*(round(row[name] * 100) for name in ("open", "high", "low", "close")))


def test_bars_and_closes_are_those_of_the_lake_in_cents(lake, stored):
    delivery = lake[1]
    for session in (days_of(delivery)[-20], FRIDAY):
        for name in NAMES:
            assert stored.bar(session, name) == bar_of(delivery, session, name)
            assert stored.last_cents(session, name) == bar_of(delivery, session, name).close_cents
            assert stored.is_known(session, name)
            assert not stored.has_ended(session, name)
    assert stored.bar(FRIDAY, "NOSUCH") is None
    assert not stored.is_known(FRIDAY, "NOSUCH")
    assert stored.last_cents(FRIDAY, "NOSUCH") == 0


def test_a_night_has_the_actions_of_its_session(lake, stored):
    days = days_of(lake[1])
    split, dividend = days[SESSIONS // 2], days[SESSIONS // 3]

    assert stored.night(split, NAMES).splits == {"S01": 2.0}
    assert stored.night(split, ["S00"]).splits == {}
    assert stored.night(dividend, NAMES).dividends == {"S00": DividendEvent(0.5, DIVIDEND_PAY_SESSIONS)}
    night = stored.night(days[-1], NAMES)
    assert night.interest_rate == pytest.approx(0.04 + (SESSIONS - 2) / 100 / 100)
    assert night.days == (days[-1] - days[-2]).days
    assert night.last_cents["S03"] == bar_of(lake[1], days[-2], "S03").close_cents


def test_a_short_window_gives_what_the_whole_history_gives(lake, stored):
    run, _, _, snapshot = lake
    world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS)
    companies = known_companies(read_revisions(snapshot, ("lives", "renames")), world.sessions)
    whole = WorldMarket(world, companies, lambda _: {name: Range(1.0, 1.0) for name in NAMES}, run.settings)

    for row in (SESSIONS - 3, SESSIONS - 1):
        session = world.sessions[row].item()
        assert stored.night(session, NAMES) == whole.night(session, NAMES)
        for name in NAMES:
            price = stored.bar(session, name).open_cents
            for is_sale in (False, True):
                cost = stored.cost_cents(session, name, 700, price, is_sale=is_sale)
                assert cost == whole.cost_cents(session, name, 700, price, is_sale=is_sale) > 0


def test_a_refresh_is_seen_by_the_same_object(lake):
    _, delivery, early, _ = lake
    assert early.last_session() == FRIDAY
    assert early.bar(FRIDAY, "S00") == bar_of(delivery, FRIDAY, "S00")


def test_an_earlier_session_is_read_when_it_is_asked_for(lake, stored):
    delivery = lake[1]
    stored.bar(FRIDAY, "S00")
    long_before = days_of(delivery)[10]
    assert stored.bar(long_before, "S00") == bar_of(delivery, long_before, "S00")


def test_costs_of_a_fill_need_no_second_read(lake, tmp_path):
    run, delivery = lake[0], lake[1]
    copied = shutil.copytree(run.home.lake, tmp_path / "lake")
    stored = StoredMarket(copied, run.settings)
    stored.bar(FRIDAY, "S00")
    shutil.rmtree(copied)

    costs = stored.costs_after(
        days_of(delivery)[-2], ["S00"], np.array([700]), np.array([100_00]), is_sale=True
    )

    assert costs[0] > 0


def test_a_session_that_is_not_stored_is_an_error(stored):
    with pytest.raises(DataError, match="The lake has no bars for"):
        stored.bar(session_after(FRIDAY), "S00")


def test_the_first_session_of_a_lake_has_no_night_and_no_costs(lake, stored):
    first = days_of(lake[1])[0]
    missing = f"does not include the session before {first}"
    with pytest.raises(DataError, match=missing):
        stored.night(first, NAMES)
    with pytest.raises(DataError, match=missing):
        stored.cost_cents(first, "S00", 700, 100_00, is_sale=True)


@pytest.mark.parametrize(
    ("unknown", "words"),
    [(["NOSUCH"], "NOSUCH on .* this symbol"), (["NOSUCH", "NONE"], "NOSUCH, NONE on .* these symbols")],
)
def test_costs_of_a_name_without_data_are_an_error(unknown, words, stored):
    count = len(unknown) + 1

    with pytest.raises(DataError, match=rf"The costs of trading {words}\.") as refused:
        stored.costs_after(FRIDAY, ["S00", *unknown], np.full(count, 7), np.full(count, 1_00), is_sale=False)

    assert "cannot be estimated: the lake lacks data for" in str(refused.value)


def test_there_is_no_session_without_a_lake(tmp_path, lake):
    assert StoredMarket(tmp_path / "nothing", lake[0].settings).last_session() is None
