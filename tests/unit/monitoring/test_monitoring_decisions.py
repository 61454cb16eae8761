"""The decision ledger: what people changed, and what each change earned against the proposal."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

from tasks.data.panel.companies import company_index
from tasks.models.training.inference import estimate
from tasks.monitoring.decisions.changes import changes_of
from tasks.monitoring.decisions.outcomes import HORIZON_SESSIONS, Prices, interval_of, outcome_of, totals_of
from tasks.monitoring.decisions.schema import Change, DecidedDay, Line
from tests.builders import make_panel

DAY = date(2024, 5, 1)
PROPOSED = (Line("AAA", 100, 20.0, 4.0), Line("BBB", -50, 40.0, 6.0))


def decided(approved=None, *, rejected=False):
    return DecidedDay(DAY, PROPOSED, approved, rejected, "Ann Lee", "odd prices")


def kinds(day):
    return {(one.symbol, one.kind, one.shares, round(one.cost_usd, 6)) for one in changes_of(day)}


def test_a_day_that_is_approved_as_proposed_has_no_change():
    assert kinds(decided(PROPOSED)) == set()


def test_struck_halved_raised_and_added_lines_are_changes_with_the_costs_that_they_avoid_or_add():
    approved = (Line("AAA", 50, 20.0, 0.0), Line("CCC", 10, 100.0, 0.0))

    assert kinds(decided(approved)) == {
        ("AAA", "reduced", -50, -2.0),
        ("BBB", "struck", 50, -6.0),
        ("CCC", "added", 10, 2.5),  # at the 25 bp of the day's other lines
    }
    assert ("AAA", "increased", 100, 4.0) in kinds(decided((Line("AAA", 200, 20.0, 0.0), PROPOSED[1])))


def test_a_sale_is_reduced_or_increased_by_its_size():
    sales = (Line("AAA", -100, 20.0, 4.0), Line("BBB", -50, 40.0, 6.0))
    approved = (Line("AAA", -50, 20.0, 0.0), Line("BBB", -100, 40.0, 0.0))

    assert kinds(replace(decided(approved), proposed=sales)) == {
        ("AAA", "reduced", 50, -2.0),
        ("BBB", "increased", -50, 6.0),
    }


def test_without_an_approval_every_line_is_a_decision_of_who_rejected_or_of_nobody():
    assert {one.kind for one in changes_of(decided(rejected=True))} == {"rejected"}
    assert {one.kind for one in changes_of(decided())} == {"lapsed"}
    assert [(one.person, one.reason) for one in changes_of(decided(rejected=True))] == [
        ("Ann Lee", "odd prices")
    ] * 2


@pytest.fixture(scope="module")
def panel():
    return make_panel(sessions=100, symbols=12)


def change(panel, row, shares=-10.0, symbol="S003", cost=-1.5):
    wanted = max(-shares, 0.0)
    return Change(panel.sessions[row].item(), symbol, "struck", "Ann", "", wanted, wanted + shares, cost)


def splits_of(*rows):
    symbols, sessions, ratios = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame({"symbol": symbols, "session": pd.to_datetime(list(sessions)), "split": ratios})


NO_RENAMES = pd.DataFrame({"session": pd.to_datetime([]), "old": [], "new": []})


def prices(panel, *splits, lives=None, renames=NO_RENAMES):
    """Return the prices; without `lives` every symbol of the panel has been one company's from the beginning."""
    if lives is None:
        lives = [(symbol, panel.sessions[0]) for symbol in panel.symbols]
    listed = pd.DataFrame(lives, columns=["symbol", "first"]).astype({"first": "datetime64[ns]"})
    return Prices(panel, splits_of(*splits), company_index(listed, renames))


def outcome(change, panel):
    return outcome_of(change, prices(panel))


def test_a_struck_purchase_earns_what_it_would_have_lost_from_the_next_open_and_its_costs(panel):
    found = outcome(change(panel, 50), panel)

    bought, worth = panel.open[51, 3], panel.close[51 + HORIZON_SESSIONS - 1, 3]
    assert found.price == pytest.approx(bought)
    assert found.earned_usd == pytest.approx(-10 * (worth - bought) + 1.5)
    assert (found.sessions, found.measured_on) == (21, panel.sessions[71].item())
    assert found.notional_usd == pytest.approx(10 * bought)


def test_a_young_decision_is_measured_until_today(panel):
    found = outcome(change(panel, 95), panel)

    assert (found.sessions, found.measured_on) == (4, panel.sessions[-1].item())


def test_raw_prices_give_the_money_and_total_returns_the_growth(panel):
    split = replace(panel, raw_close=panel.raw_close * 7)

    assert outcome(change(split, 50), split).price == pytest.approx(7 * panel.open[51, 3])


@pytest.mark.parametrize("ex_row", [51, 52, 60, 75])
def test_a_split_after_the_decision_changes_nothing_of_what_it_earned(panel, ex_row):
    """Two for one from this row on: raw prices are halved, the total returns go on."""
    raw = panel.raw_close.copy()
    raw[ex_row:, 3] /= 2
    after = replace(panel, raw_close=raw)
    splits = (("S003", panel.sessions[ex_row], 2.0), ("S004", panel.sessions[51], 3.0))

    found = outcome_of(change(after, 50), prices(after, *splits))

    assert found.earned_usd == pytest.approx(outcome(change(panel, 50), panel).earned_usd)
    assert found.price == pytest.approx(panel.open[51, 3] / (2 if ex_row == 51 else 1))


def test_a_split_until_the_decision_is_in_its_shares_already(panel):
    split = ("S003", panel.sessions[50], 2.0)

    assert outcome_of(change(panel, 50), prices(panel, split)) == outcome(change(panel, 50), panel)


@pytest.mark.parametrize("rename_row", [51, 52, 60, 90])
def test_a_company_that_changed_its_symbol_after_the_decision_is_followed_with_its_splits(panel, rename_row):
    moved = pd.DataFrame({"session": [panel.sessions[rename_row]], "old": ["WAS"], "new": ["S003"]}).astype(
        {"session": "datetime64[ns]"}
    )
    lives = [("WAS", panel.sessions[0]), ("S003", panel.sessions[rename_row])]
    others = [(symbol, panel.sessions[0]) for symbol in panel.symbols if symbol != "S003"]
    split = ("S003", panel.sessions[51], 2.0)
    known = prices(panel, split, lives=[*lives, *others], renames=moved)

    found = outcome_of(change(panel, 50, symbol="WAS"), known)

    same = outcome_of(change(panel, 50), prices(panel, split))
    assert (found.earned_usd, found.price, found.sessions) == (same.earned_usd, same.price, same.sessions)
    assert found.change.symbol == "WAS"
    (total, _) = totals_of([found], known)
    assert total.earned_usd == pytest.approx(found.earned_usd)


def test_a_reused_symbol_is_the_company_that_had_it_on_the_session(panel):
    """S004 was another company's until it was delisted; that one has no prices in the panel any more."""
    lives = [(symbol, panel.sessions[0]) for symbol in panel.symbols]
    lives.append(("S004", panel.sessions[70]))
    known = prices(panel, lives=lives)

    assert outcome_of(change(panel, 50, symbol="S004"), known).earned_usd is None
    assert outcome_of(change(panel, 75, symbol="S004"), known).earned_usd is not None


def test_a_name_that_stopped_trading_keeps_its_last_price_and_one_without_an_open_has_none(panel):
    close, opened = panel.close.copy(), panel.open.copy()
    close[60:, 3] = np.nan
    opened[51, 4] = np.nan
    gone = replace(panel, close=close, open=opened)

    assert outcome(change(gone, 50), gone).earned_usd == pytest.approx(
        -10 * (panel.close[59, 3] - panel.open[51, 3]) + 1.5
    )
    assert outcome(change(gone, 50, symbol="S004"), gone).earned_usd is None
    assert outcome(change(panel, 99), panel).earned_usd is None
    assert outcome(change(panel, 50, symbol="ZZZ"), panel).earned_usd is None


def totals(changes, panel):
    return totals_of([outcome(each, panel) for each in changes], prices(panel))


def test_totals_are_the_sums_of_what_the_changes_earned(panel):
    struck = [change(panel, row, symbol=symbol) for row in (10, 11, 40) for symbol in ("S003", "S004")]
    added = replace(change(panel, 40, shares=7.0), kind="added")

    found = totals([*struck, added], panel)

    assert [(one.kind, one.changes, one.sessions) for one in found] == [
        ("struck", 6, 3),
        ("added", 1, 1),
        ("all", 7, 3),
    ]
    earned = [outcome(each, panel).earned_usd for each in (*struck, added)]
    assert [one.earned_usd for one in found] == pytest.approx([sum(earned[:-1]), earned[-1], sum(earned)])
    assert all(one.low_usd < one.earned_usd < one.high_usd for one in found)


def test_the_interval_is_that_of_daily_sums_and_lies_around_what_was_earned_after_costs(panel):
    (found, _) = totals([change(panel, 50, cost=-1.5), change(panel, 51, cost=-2.5)], panel)

    path = np.array([panel.open[51, 3], *panel.close[51:73, 3]])
    daily = -10 * np.diff(path)[:21]
    daily = np.concatenate([daily, [0.0]])
    second = np.array([panel.open[52, 3], *panel.close[52:73, 3]])
    daily[1:] += -10 * np.diff(second)
    mean = estimate(daily, overlap=1)
    assert (found.low_usd, found.high_usd) == pytest.approx((22 * mean.low + 4.0, 22 * mean.high + 4.0))


def test_the_interval_of_fewer_than_ten_sessions_is_withheld(panel):
    short, enough = totals([change(panel, 90)], panel), totals([change(panel, 89)], panel)

    assert (short[0].low_usd, short[0].high_usd) == (None, None)
    assert enough[0].low_usd is not None


def test_what_has_no_price_is_not_counted_as_nothing(panel):
    missing = change(panel, 10, symbol="ZZZ")

    assert totals([missing], panel) == ()
    assert totals([missing, change(panel, 10)], panel)[0].changes == 1


def walks(number, sessions, names, *, drift=0.0, autocorrelation=0.0):
    """Return what one dollar in each name earns by session: noise that half of all names share."""
    rng = np.random.default_rng(sessions * 10 + names)
    noise = rng.normal(size=(number, sessions, names)) + rng.normal(size=(number, sessions, 1))
    if autocorrelation:
        noise = lfilter([1.0], [1.0, -autocorrelation], noise, axis=1)
    return noise + drift


def decided_noise(days, every, **noise):
    """Return the daily sums of decisions about three random names every few sessions, each held for 21 sessions."""
    names, number = 6, 1000
    sizes = np.zeros((number, days + HORIZON_SESSIONS, names))
    rng = np.random.default_rng(days)
    for day in range(0, days, every):
        sizes[:, day : day + HORIZON_SESSIONS] += rng.exponential(1, (number, 1, names)) * rng.choice(
            [-1, 0, 1], (number, 1, names), p=[0.2, 0.6, 0.2]
        )
    return (sizes[:, :-1] * walks(number, days + HORIZON_SESSIONS - 1, names, **noise)).sum(axis=2)


@pytest.mark.parametrize("days", [1, 10, 21, 42, 63, 126])
@pytest.mark.parametrize("every", [1, 5])
@pytest.mark.parametrize("autocorrelation", [0.0, 0.2])
def test_decisions_without_skill_are_outside_of_their_interval_in_at_most_eight_percent_of_months(
    days, every, autocorrelation
):
    found = [interval_of(daily) for daily in decided_noise(days, every, autocorrelation=autocorrelation)]

    assert 0.02 <= np.mean([low > 0 or high < 0 for low, high in found]) <= 0.08


def test_decisions_that_earn_three_true_errors_are_found_in_more_than_half_of_months():
    daily = decided_noise(21, 1)
    skilled = daily + 3 * daily.sum(axis=1).std() / daily.shape[1]

    assert np.mean([interval_of(each)[0] > 0 for each in skilled]) > 0.5
