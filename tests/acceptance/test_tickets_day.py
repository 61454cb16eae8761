"""The tickets of real days: the parts sum to each trade, equal days are equal, and nothing later is known."""

import csv
import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import yaml

from tasks.core.homes.home import Home
from tasks.features.sets import SETS
from tasks.trades.tickets import task
from tasks.trades.tickets.comparison import compare
from tasks.trades.tickets.contributions import OTHERS
from tasks.trades.tickets.situation import FIELDS, decided_shares
from tests.builders import make_settings
from tests.champions import promote_learner
from tests.homes import (
    LAST_SESSION,
    SESSION_BEFORE,
    afterclose,
    copy_of,
    day_bytes,
    fill_at_the_close,
    run_day,
)

pytestmark = pytest.mark.slice

SECOND, THIRD = date(2024, 6, 17), date(2024, 6, 20)
CAUSES = {"score", "drift", "risk", "regime", "constraints", "cash", "cost"}


@pytest.fixture(scope="module")
def two_days(trained_home_template, tmp_path_factory):
    """Return a home whose first day was filled at its prices, with the second one published."""
    home = copy_of(trained_home_template, tmp_path_factory.mktemp("tickets") / "home")
    run_day(home, LAST_SESSION)
    fill_at_the_close(home, LAST_SESSION)
    run_day(home, SECOND)
    return home


def tickets_of(home, session):
    return json.loads((home / "live" / str(session) / "tickets.json").read_text())


def traded_cents(home, session):
    with (home / "live" / str(session) / "trades.csv").open(newline="") as file:
        return [
            (row["symbol"], round(float(row["notional"]) * 100) * (1 if row["side"] == "BUY" else -1))
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("session", [LAST_SESSION, SECOND])
def test_the_parts_of_each_trade_sum_to_it_to_the_cent(two_days, session):
    tickets = tickets_of(two_days, session)["tickets"]

    assert [(one["symbol"], sum(one["parts_cents"].values())) for one in tickets] == traded_cents(
        two_days, session
    )
    assert all(set(one["parts_cents"]) == CAUSES for one in tickets)


def test_a_first_day_says_so_and_the_next_names_the_day_it_is_compared_with(two_days):
    first, second = tickets_of(two_days, LAST_SESSION), tickets_of(two_days, SECOND)

    assert first["compared_with"] is None
    assert first["notes"] == ["No day was published before: the whole target counts as new."]
    assert first["tickets"]
    assert second["tickets"]
    assert second["compared_with"] == str(LAST_SESSION)
    assert second["notes"] == []


def test_the_same_day_again_and_with_later_data_in_the_lake_has_the_same_bytes(two_days, tmp_path):
    later = copy_of(two_days, tmp_path / "later")
    refreshed = afterclose("refresh", "--date", "2024-07-05", home=later)
    before = day_bytes(two_days, SECOND)

    run_day(two_days, SECOND)
    run_day(later, SECOND)

    assert refreshed.returncode == 0, refreshed.stderr
    assert day_bytes(two_days, SECOND) == before
    assert day_bytes(later, SECOND) == before


@pytest.fixture(scope="module")
def learner_days(trained_home_template, tmp_path_factory):
    """Return a home whose champion learns, with two published days; the second with another exposure cap."""
    home = copy_of(trained_home_template, tmp_path_factory.mktemp("learner") / "home")
    names = SETS[make_settings().models.features]
    promote_learner(Home(home), "lightgbm", names, session=SESSION_BEFORE)
    run_day(home, LAST_SESSION)
    fill_at_the_close(home, LAST_SESSION)
    run_day(home, SECOND)
    return home


def test_a_learner_states_what_moved_each_score_today_and_before(learner_days):
    first, second = (tickets_of(learner_days, session)["tickets"] for session in (LAST_SESSION, SECOND))

    assert first
    assert second
    assert all(one["contributions"] for one in (*first, *second))
    assert all(part["previous"] is None for one in first for part in one["contributions"])
    assert any(part["previous"] is not None for one in second for part in one["contributions"])


def test_the_contributions_before_are_those_that_the_day_before_stated(learner_days):
    """Both are of one model, so a name that is traded on both days has the same figures for the first."""
    then = {
        (one["symbol"], part["feature"]): part["value"]
        for one in tickets_of(learner_days, LAST_SESSION)["tickets"]
        for part in one["contributions"]
        if part["feature"] != OTHERS
    }
    now = {
        (one["symbol"], part["feature"]): part["previous"]
        for one in tickets_of(learner_days, SECOND)["tickets"]
        for part in one["contributions"]
    }
    both = then.keys() & now.keys()

    assert len(both) > 10
    assert {key: now[key] for key in both} == pytest.approx({key: then[key] for key in both}, abs=1e-9)


def compared(home, session, monkeypatch):
    """Run the day and return its symbols, and what its trades were explained from."""
    seen = []

    def recorded(today, earlier):
        seen.append((today.arrays.symbols, compare(today, earlier)))
        return seen[-1][-1]

    monkeypatch.setattr(task, "compare", recorded)
    run_day(home, session)
    return seen[0]


def test_the_earlier_situation_is_the_one_that_the_earlier_day_decided_from(
    learner_days, tmp_path, monkeypatch
):
    names_then, first = compared(copy_of(learner_days, tmp_path / "first"), LAST_SESSION, monkeypatch)
    names_now, second = compared(copy_of(learner_days, tmp_path / "second"), SECOND, monkeypatch)
    place = names_now.get_indexer(names_then)
    then, found = first.now, second.before

    assert (place >= 0).all()
    assert (then.view, then.trade_rules) == (found.view, found.trade_rules)
    assert replace(then.trading, trade_date=found.trading.trade_date) == found.trading
    of_names = [field for fields in FIELDS.values() for field in fields.get("names", ())]
    for field in (*of_names, "score", "is_scored"):
        np.testing.assert_array_equal(getattr(then.names, field), getattr(found.names, field)[place], field)
    np.testing.assert_allclose(
        then.risk.among(np.arange(len(place))), found.risk.among(place), rtol=1e-9, atol=0
    )


def test_a_trade_is_due_to_scores_exactly_as_far_as_the_earlier_scores_would_change_it(
    learner_days, tmp_path, monkeypatch
):
    """Decide again with the scores of the session before and all else of today."""
    home = copy_of(learner_days, tmp_path / "home")
    fill_at_the_close(home, SECOND)
    run_day(home, date(2024, 6, 18))  # nothing is traded
    symbols, comparison = compared(home, THIRD, monkeypatch)
    now, then = comparison.now, comparison.before
    rescored = replace(
        now,
        view=replace(now.view, score_to_return=then.view.score_to_return),
        names=replace(now.names, score=then.names.score, is_scored=then.names.is_scored),
    )
    shares = decided_shares(rescored, comparison.held, rules=comparison.rules)
    cents = shares * np.round(np.nan_to_num(now.names.price) * 100).astype(np.int64)
    without = dict(zip(symbols, cents.tolist(), strict=True))

    tickets = tickets_of(home, THIRD)["tickets"]

    for one in tickets:
        assert one["parts_cents"]["score"] == one["usd_cents"] - without[one["symbol"]]
    assert any(without[one["symbol"]] == 0 for one in tickets)  # there would be no such trade
    assert any(without[one["symbol"]] != 0 for one in tickets)


def test_survival_is_counted_for_each_trade_and_turned_off_by_the_setting(learner_days, tmp_path):
    home = copy_of(learner_days, tmp_path / "home")
    settings = yaml.safe_load((home / "config.yaml").read_text())
    (home / "config.yaml").write_text(yaml.safe_dump(settings | {"trades": {"survival_runs": 0}}))
    counted = tickets_of(learner_days, SECOND)["tickets"]

    run_day(home, SECOND)

    assert all(one["survival"]["runs"] == 40 for one in counted)
    assert all(0 <= one["survival"]["persisted"] <= 40 for one in counted)
    assert len({one["survival"]["persisted"] for one in counted}) > 1
    for one in counted:
        assert one["survival"]["is_fragile"] == (one["survival"]["persisted"] < 0.6 * 40)
    off = tickets_of(home, SECOND)
    assert all(one["survival"] is None for one in off["tickets"])
    assert off["notes"] == ["Settings or code have changed since: their effect is part of constraints."]
    assert traded_cents(home, SECOND) == traded_cents(learner_days, SECOND)


def test_a_new_champion_is_named_as_part_of_score(learner_days, tmp_path):
    home = copy_of(learner_days, tmp_path / "home")
    names = SETS[make_settings().models.features]
    promote_learner(Home(home), "quadratic_ridge", names, session=LAST_SESSION)

    run_day(home, SECOND)

    tickets = tickets_of(home, SECOND)
    assert tickets["notes"] == [
        "The champion changed from lightgbm to quadratic_ridge: its effect is part of score."
    ]
    assert [(one["symbol"], sum(one["parts_cents"].values())) for one in tickets["tickets"]] == traded_cents(
        home, SECOND
    )


def test_a_defect_of_the_explanation_does_not_cost_the_day(two_days, tmp_path, monkeypatch):
    home = copy_of(two_days, tmp_path / "home")
    trades = traded_cents(home, SECOND)

    def broken(*_arguments):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(task, "split_trades", broken)
    run_day(home, SECOND)

    tickets = tickets_of(home, SECOND)
    assert traded_cents(home, SECOND) == trades
    assert tickets["tickets"] == []
    assert tickets["notes"] == ["The trades could not be explained: a defect (ZeroDivisionError)."]
    assert b"a defect (ZeroDivisionError)" in (home / "live" / str(SECOND) / "report.html").read_bytes()


def test_a_previous_day_that_cannot_be_read_is_named_and_the_trades_are_the_same(two_days, tmp_path):
    home = copy_of(two_days, tmp_path / "home")
    (home / "live" / str(LAST_SESSION) / "signals.json").write_text("{")
    trades = traded_cents(home, SECOND)

    run_day(home, SECOND)

    tickets = tickets_of(home, SECOND)
    assert traded_cents(home, SECOND) == trades
    assert tickets["compared_with"] is None
    assert tickets["notes"] == [f"The day of {LAST_SESSION} cannot be read (JSONDecodeError)."]
    assert [(one["symbol"], one["usd_cents"]) for one in tickets["tickets"]] == trades
