import numpy as np
import pytest

from tasks.backtest.accounting.overnight import Closing, Dividend, Split
from tasks.backtest.world import index_at, until, window_at
from tests.unit.backtest.stored import DAYS, flat, world


def column(made, symbol):
    return made.symbol.tolist().index(symbol)


def events(made, kind):
    return [(night.row, *event) for night in made.nights for event in getattr(night, kind)]


def values(dated, row):
    return [dated.names[code] for code in dated.codes[row]]


def test_companies_are_ordered_by_first_session_and_keep_their_place_through_a_rename():
    closes = {"B": flat(), "Z": flat(last=9), "A": flat(first=10), "C": flat(first=5)}

    made = world(closes, renames=[{"old": "Z", "new": "A", "session": 10}])

    assert made.company.tolist() == ["20240101~B", "20240101~Z", "20240106~C"]
    assert made.symbol.tolist() == ["B", "A", "C"]
    assert (made.close_cents[:, 1] == 10_00).all()


def test_prices_are_raw_in_cents_and_a_missing_bar_is_none():
    made = world({"A": {0: 10.004, 2: 12.0}}, sessions=3, opens={("A", 2): 11.0})

    assert made.close_cents[:, 0].tolist() == [1000, 0, 1200]
    assert made.open_cents[:, 0].tolist() == [1000, 0, 1100]
    assert made.price_cents[:, 0].tolist() == [1000, 1000, 1200]


def test_the_last_known_price_of_a_halted_company_is_per_current_share():
    made = world(
        {"A": {0: 90.0, 3: 30.0}, "B": flat()},
        sessions=4,
        actions=[{"symbol": "A", "session": 2, "dividend": 0.0, "split": 3.0, "factor": 3.0}],
    )

    assert made.price_cents[:, 0].tolist() == [90_00, 90_00, 30_00, 30_00]


def test_nights_have_splits_dividends_with_pay_dates_calendar_days_and_the_yield_known_before():
    made = world(
        {"A": flat()},
        actions=[
            {"symbol": "A", "session": 4, "dividend": 0.5, "split": 2.0, "factor": 2.1},
            {"symbol": "A", "session": 0, "dividend": 0.5, "split": 1.0, "factor": 1.1},
        ],
        riskfree=[{"session": 6, "yield_pct": 5.0}],
    )

    assert events(made, "splits") == [(4, *Split(0, 2.0))]
    assert events(made, "dividends") == [(4, *Dividend(0, 0.5, 7))]  # none on the day of the first bar
    assert made.nights[6].interest_rate == 0
    assert made.nights[7].interest_rate == 0.05
    assert [night.days for night in made.nights[:2]] == [0, 1]


def test_an_action_that_was_not_known_in_time_counts_from_when_it_was():
    late = {"symbol": "A", "session": 4, "dividend": 0.0, "split": 2.0, "factor": 2.0, "known": 6}

    made = world({"A": flat()}, actions=[late])

    assert events(made, "splits") == [(6, *Split(0, 2.0))]
    assert window_at(made, 5, 3).close[:, 0].tolist() == [10.0, 10.0, 10.0]
    assert window_at(made, 6, 4).close[:, 0].tolist() == [10.0, 20.0, 20.0, 20.0]


def test_actions_that_fall_on_one_session_are_one_split_and_one_dividend():
    late = {"symbol": "A", "session": 4, "dividend": 0.25, "split": 3.0, "factor": 3.1, "known": 6}
    own = {"symbol": "A", "session": 6, "dividend": 0.5, "split": 0.5, "factor": 0.52}

    night = world({"A": flat()}, actions=[late, own]).nights[6]

    assert night.splits == (Split(0, 1.5),)
    assert night.dividends == (Dividend(0, 0.75, 9),)


# O5
@pytest.mark.parametrize(
    ("delisting", "expected"),
    [
        ({"session": 9, "last_price": 7.5}, (11, 0, 7.5)),
        ({"session": 9, "last_price": None}, (11, 0, None)),
        ({"session": 9, "last_price": 0.0}, (11, 0, 0.0)),
        ({"session": 9, "last_price": 7.5, "known": 10}, (11, 0, 7.5)),
        ({"session": 9, "last_price": 7.5, "known": 14}, (15, 0, 7.5)),
    ],
)
def test_o5_a_listing_is_closed_two_sessions_after_its_last_bar_or_once_that_is_known(delisting, expected):
    made = world(
        {"A": flat(last=9), "B": flat()}, delistings=[{"symbol": "A", "kind": "merger", **delisting}]
    )

    assert events(made, "closings") == [expected]
    assert np.flatnonzero(made.has_ended[:, 0]).tolist() == list(range(expected[0], 30))
    assert not made.has_ended[:, 1].any()


def test_a_corrected_amount_counts_when_it_was_known_in_time():
    rows = [{"symbol": "A", "session": 9, "kind": "merger", "last_price": 7.0, "known": 9}]
    made = world(
        {"A": flat(last=9), "B": flat()},
        delistings=[
            *rows,
            {**rows[0], "last_price": 8.0, "known": 10},
            {**rows[0], "last_price": 9.0, "known": 20},
        ],
    )

    assert events(made, "closings") == [(11, *Closing(0, 8.0))]


def test_a_delisting_that_later_bars_contradict_is_ignored():
    made = world({"A": flat()}, delistings=[{"symbol": "A", "session": 9, "kind": "", "last_price": 7.0}])

    assert events(made, "closings") == []


def test_a_company_that_stops_without_a_record_is_closed_at_its_last_price_after_63_sessions():
    made = world({"A": flat(last=9), "B": flat(last=99)}, sessions=100)

    assert events(made, "closings") == [(73, *Closing(0, None))]


def test_sector_and_cap_class_are_those_known_on_the_session():
    listed = [
        {"symbol": "A", "available_date": 0, "sector": "Energy", "cap_class": "mid"},
        {"symbol": "A", "available_date": 8, "sector": "Utilities", "cap_class": ""},
        {"symbol": "A", "available_date": 3, "sector": "Late", "cap_class": "large", "known": 12},
    ]

    made = world({"A": flat(), "B": flat()}, listings=listed)

    assert [values(made.sector, row)[0] for row in (7, 8, 12)] == ["Energy", "Utilities", "Utilities"]
    assert [values(made.cap_class, row)[0] for row in (11, 12)] == ["mid", "large"]
    assert values(made.sector, 29)[1] == "Unknown"
    assert values(made.cap_class, 29)[1] == ""


def test_membership_ends_when_its_end_was_known():
    spells = [
        {"symbol": "A", "start": 12},
        {"symbol": "A", "start": 12, "end": 20, "known": 22},
        {"symbol": "B", "start": 12},
    ]

    made = world({"A": flat(), "B": flat()}, members=spells)

    assert np.flatnonzero(~made.is_member[10:, 0]).tolist() == list(range(12, 20))
    assert made.is_member[10:, 1].all()


def test_a_spell_under_a_symbol_without_bars_counts_from_when_its_rename_was_known():
    made = world(
        {"A": flat(), "B": flat()},
        members=[{"symbol": "OLD", "start": 12}, {"symbol": "B", "start": 12}],
        renames=[{"old": "OLD", "new": "A", "session": 20}],
    )

    assert np.flatnonzero(made.is_member[10:, 0]).tolist() == [0, 1, *range(10, 20)]


def test_a_late_rename_joins_nothing():
    made = world(
        {"OLD": flat(last=9), "NEW": flat(first=10)},
        renames=[{"old": "OLD", "new": "NEW", "session": 10, "known": 15}],
    )

    assert len(made.company) == 2


def test_a_finding_keeps_a_company_out_from_when_it_was_known():
    found = [
        {"symbol": "A", "session": 14, "rule": "spike", "severity": "quarantine"},
        {"symbol": "B", "session": 14, "rule": "spike", "severity": "quarantine", "known": 16},
        {"symbol": "B", "session": 20, "rule": "spike", "severity": "note"},
    ]

    made = world({"A": flat(), "B": flat()}, findings=found)

    assert np.flatnonzero(made.is_quarantined[:, 0]).tolist() == [14, 15, 16]
    assert np.flatnonzero(made.is_quarantined[:, 1]).tolist() == [16]
    assert np.flatnonzero(~made.is_member[10:, 0]).tolist() == [4, 5, 6]


def test_a_lost_session_is_known_by_its_own_close_or_never():
    found = [
        {"symbol": "A", "session": 14, "rule": "flat_bar", "severity": "stop"},
        {"symbol": "A", "session": 15, "rule": "flat_bar", "severity": "stop", "known": 16},
        {"symbol": "A", "session": 17, "rule": "flat_bar", "severity": "quarantine"},
    ]

    made = world({"A": flat(), "B": flat()}, findings=found)

    assert np.flatnonzero(made.is_lost).tolist() == [14]
    assert np.flatnonzero(made.is_quarantined[:, 0]).tolist() == [14, 17, 18, 19]
    assert until(made, 15).is_lost.tolist() == made.is_lost[:16].tolist()


def test_a_restated_bar_is_what_it_was_until_the_restatement_was_known():
    restated = {
        "symbol": "A",
        "session": 14,
        "open": 9.0,
        "high": 9.0,
        "low": 9.0,
        "close": 9.0,
        "volume": 1.0,
    }
    on_time = {**restated, "session": 16, "close": 8.0}

    made = world({"A": flat(), "B": flat()}, amendments=[{**restated, "known": 18}, on_time])

    assert made.raw_close[14:17, 0].tolist() == [10.0, 10.0, 8.0]
    assert window_at(made, 17, 4).raw_close[:, 0].tolist() == [10.0, 10.0, 8.0, 10.0]
    assert window_at(made, 18, 5).raw_close[:, 0].tolist() == [9.0, 10.0, 8.0, 10.0, 10.0]
    assert window_at(made, 18, 5).dollar_volume[0, 0] == 9.0
    assert window_at(made, 18, 99).raw_close.shape == (19, 2)


def test_restated_volumes_change_the_universe_from_when_they_were_known():
    thin = {"symbol": "A", "open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 1.0, "known": 25}
    restated = [{**thin, "session": day} for day in range(10, 22)]

    made = world({"A": flat(), "B": flat()}, amendments=restated)

    assert np.flatnonzero(~made.is_member[10:, 0]).tolist() == [15, 16, 17, 18, 19]


def test_the_world_of_an_earlier_session_has_no_later_row_company_or_event():
    made = world(
        {"A": flat(), "B": flat(first=10)},
        actions=[{"symbol": "A", "session": 20, "dividend": 1.0, "split": 1.0, "factor": 1.1}],
    )

    cut = until(made, 9)

    assert cut.sessions.tolist() == DAYS[:10].tolist()
    assert cut.company.tolist() == ["20240101~A"]
    assert cut.close_cents.shape == (10, 1)
    assert len(cut.nights) == 10
    assert cut.row(DAYS[9]) == 9
    with pytest.raises(KeyError):
        cut.row(DAYS[10])


def test_a_level_of_the_volatility_index_counts_from_when_it_was_known():
    levels = [{"name": "VIX", "session": day, "close": 15.0, "growth": 1.0} for day in (0, 1, 2, 4, 5)]
    late = {"name": "VIX", "session": 3, "close": 18.0, "growth": 1.2, "known": 5}
    corrected = {**late, "session": 2, "close": 16.0, "known": 6, "revision": 1}
    made = world({"A": flat()}, levels=[*levels, late, corrected])

    np.testing.assert_array_equal(index_at(made, 4), [15, 15, 15, np.nan, 15])
    np.testing.assert_array_equal(index_at(made, 5), [15, 15, 15, 18, 15, 15])
    np.testing.assert_array_equal(index_at(made, 6)[:4], [15, 15, 16, 18])
    np.testing.assert_array_equal(index_at(until(made, 4), 4), index_at(made, 4))
