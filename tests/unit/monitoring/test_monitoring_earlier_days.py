"""What earlier days recorded: scores to be measured, realized skill, and reasons to train again."""

import json
from datetime import date

import pytest

from tasks.models.schema import Statistic
from tasks.monitoring.account import account_figures
from tasks.monitoring.earlier_days import account_history, logged_skill, scored_days
from tasks.monitoring.retraining import retraining_reasons
from tasks.monitoring.task import live_record
from tasks.portfolio.schema import Book
from tasks.safety.equity_history import read_equity_history
from tasks.selection.schema import LiveDay
from tests.builders import FRIDAY, make_run, make_settings
from tests.champions import put_into_production
from tests.monitored_days import make_days

MONDAY = date(2024, 6, 17)
SETTINGS = make_settings()


def book(equity_usd, **amounts):
    return Book(FRIDAY, (), equity_usd, equity_usd, **amounts)


@pytest.fixture
def home(tmp_path):
    return make_days(tmp_path / "home", sessions=3, symbols=12)


def test_the_skill_in_the_logs_is_read_by_session_and_only_of_days_before(home):
    known = logged_skill(home, FRIDAY)

    assert list(known) == [date(2024, 6, 12), date(2024, 6, 13)]
    assert known[date(2024, 6, 13)].quantiles == (-0.02, -0.01, 0.0, 0.01, 0.02)
    assert len(logged_skill(home, MONDAY)) == 3


def test_the_record_that_the_week_judges_its_champion_by_is_that_of_the_logs(home):
    run = make_run(home.root, MONDAY)

    days = live_record(run)

    assert [day.session for day in days] == [date(2024, 6, 12), date(2024, 6, 13), FRIDAY]
    assert days[0] == LiveDay(date(2024, 6, 12), "lightgbm", 0.06, 0.05, 0.01, 500)


def test_days_without_known_skill_are_measured_with_the_statistic_of_their_champion(home):
    (day,) = scored_days(home, MONDAY, [date(2024, 6, 12), FRIDAY])

    assert day.session == date(2024, 6, 13)
    assert day.statistic == Statistic("next_open", 5, ("sector",))
    assert (day.expected, day.expected_error, day.expected_sessions) == (0.05, 0.01, 500)
    assert day.expected_accuracy == 0.53
    assert len(day.scores) == 12


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"health": null}', b'{"health": {"realised": [{}]}}']
)
def test_a_log_that_cannot_be_read_is_left_out(home, content):
    (home.day_folder(FRIDAY) / "monitoring_log.json").write_bytes(content)

    assert len(logged_skill(home, MONDAY)) == 2
    assert len(list(scored_days(home, MONDAY, []))) == 2


def test_the_account_ends_with_what_is_held_today(home):
    """Today's row of the history, if there is one, is of an earlier run of the day."""
    history = read_equity_history(home.performance_file)

    levels, regimes = account_history(home, book(1_100_000.0, receivable_usd=500.0), "BEAR")

    assert levels == pytest.approx([*history.equity_usd[:2], 1_100_500.0])
    assert regimes == ["BULL", "BULL", "BEAR"]


def test_a_deposit_today_is_not_a_gain_of_the_account(home):
    flow = 250_000.0
    without, _ = account_history(home, book(1_100_000.0), "BULL")

    levels, _ = account_history(home, book(1_100_000.0 + flow, net_flows_usd=flow), "BULL")

    assert levels == pytest.approx(without)


def test_a_loss_of_today_is_in_the_drawdown_of_today(home):
    calm, fallen = (
        account_figures(*account_history(home, book(equity), "BULL")).drawdown for equity in (2e6, 5e5)
    )

    assert calm == 0
    assert fallen < -0.4


def test_without_a_history_the_account_is_what_is_held_today(tmp_path):
    home = make_days(tmp_path / "home", sessions=1)
    home.performance_file.unlink()

    levels, regimes = account_history(home, book(1_000_000.0), "BULL")

    assert (levels.tolist(), regimes) == ([1_000_000.0], ["BULL"])


def test_alerts_since_the_selection_are_reasons_to_train_again(home):
    assert retraining_reasons(home, SETTINGS, FRIDAY) == ("There is no champion yet.",)
    put_into_production(home, session=date(2024, 6, 12))

    assert retraining_reasons(home, SETTINGS, FRIDAY) == ("2024-06-14, skill_63: It fell.",)


def test_an_alert_before_the_selection_has_had_its_answer(home):
    put_into_production(home, session=FRIDAY)

    assert retraining_reasons(home, SETTINGS, FRIDAY) == ()
    assert retraining_reasons(home, SETTINGS, date(2024, 6, 21)) == (
        "schedule: the champion was selected 7 days ago, on 2024-06-14.",
    )


def test_an_alert_that_training_does_not_answer_is_not_a_reason(home):
    put_into_production(home, session=date(2024, 6, 12))
    path = home.day_folder(FRIDAY) / "monitoring_log.json"
    log = json.loads(path.read_bytes())
    path.write_text(json.dumps({**log, "alerts": [{**log["alerts"][0], "retrain": False}]}))

    assert retraining_reasons(home, SETTINGS, FRIDAY) == ()


def test_a_day_that_cannot_be_read_is_a_reason(home):
    put_into_production(home, session=date(2024, 6, 12))
    (home.day_folder(FRIDAY) / "monitoring_log.json").write_bytes(b"")

    (reason,) = retraining_reasons(home, SETTINGS, FRIDAY)
    assert "the state of the champion is unknown" in reason
