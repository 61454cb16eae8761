"""The tickets of real days: the parts sum to each trade, equal days are equal, and nothing later is known."""

import csv
import json
from datetime import date

import pytest
import yaml

from tasks.core.homes.home import Home
from tasks.features.sets import SETS
from tasks.trades.tickets import task
from tasks.trades.tickets.contributions import OTHERS
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

SECOND = date(2024, 6, 17)
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
    assert off["notes"] == ["Settings or code have changed since: what that moves is part of constraints."]
    assert traded_cents(home, SECOND) == traded_cents(learner_days, SECOND)


def test_a_new_champion_is_named_as_part_of_score(learner_days, tmp_path):
    home = copy_of(learner_days, tmp_path / "home")
    names = SETS[make_settings().models.features]
    promote_learner(Home(home), "quadratic_ridge", names, session=LAST_SESSION)

    run_day(home, SECOND)

    tickets = tickets_of(home, SECOND)
    assert tickets["notes"] == [
        "The champion changed from lightgbm to quadratic_ridge: what that moves is part of score."
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
