"""Actions that prices show, deny, or explain in part; each at session 25 of one name among twenty quiet ones."""

import numpy as np
import pandas as pd
import pytest

from tasks.data.gates.action_checks import check_actions
from tasks.data.gates.price_moves import BarHistory
from tests.deliveries import typed

NAMES, SESSIONS, EX, NAME = 20, 40, 25, 4


def make_bars(*, price: float, factor: float, seed: int = 0) -> BarHistory:
    """Return quiet random walks at $100; from the ex-date on the name trades at `price` times its level."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (SESSIONS, NAMES)), axis=0))
    close[EX:, NAME] *= price
    actions = np.ones_like(close)
    actions[EX, NAME] = factor
    day, code = np.meshgrid(np.arange(SESSIONS), np.arange(NAMES))
    flat, nothing = close.T.ravel(), np.zeros(close.size, dtype=bool)
    prices = dict.fromkeys(("open", "high", "low", "close"), flat)
    return BarHistory(
        code=code.ravel(),
        day=day.ravel(),
        **prices,
        volume=np.full(flat.size, 1e6),
        factor=actions.T.ravel(),
        was_set_aside=nothing,
        is_new=~nothing,
    )


def check(*, dividend: float = 0.0, split: float = 1.0, price: float) -> tuple[pd.DataFrame, list[str], str]:
    close = make_bars(price=price, factor=1.0).close[NAME * SESSIONS + EX]
    bars = make_bars(price=price, factor=split * (1 + dividend / close))
    row = [("S04", pd.Timestamp("2024-06-10"), dividend, split)]
    acts = typed("actions", pd.DataFrame(row, columns=["symbol", "session", "dividend", "split"]))
    confirmed = check_actions(bars, acts, np.array([NAME * SESSIONS + EX]))
    reported = confirmed.findings
    return (
        confirmed.actions,
        reported["rule"].tolist(),
        " ".join(reported["evidence"] + "; " + reported["action"]),
    )


@pytest.mark.parametrize(
    "case",
    [
        {"split": 2.0, "price": 0.5},
        {"split": 0.1, "price": 10.0},
        {"dividend": 4.0, "price": 0.96},
        {"dividend": 0.5, "price": 1.0},
    ],
    ids=["split", "reverse split", "dividend", "too small to be seen"],
)
def test_an_action_that_prices_show_is_applied_without_a_finding(case):
    actions, rules, _ = check(**case)

    assert len(actions) == 1
    assert rules == []


@pytest.mark.parametrize("case", [{"split": 2.0}, {"split": 1.05}, {"dividend": 12.0}])
def test_fault_006_an_action_that_prices_deny_is_not_applied(case):
    actions, rules, reported = check(**case, price=1.0)

    assert actions.empty
    assert rules == ["unconfirmed_action"]
    assert "action not applied" in reported


@pytest.mark.parametrize(
    "case", [{"split": 0.5, "price": 0.5}, {"split": 2.0, "price": 2.0}, {"split": 1.5, "price": 1.4}]
)
def test_a_split_against_whose_direction_the_price_moved_is_not_applied(case):
    actions, rules, reported = check(**case)

    assert actions.empty
    assert rules == ["unconfirmed_action"]
    assert "action not applied" in reported


@pytest.mark.parametrize("split", [1.5, 2.0, 0.5])
def test_a_split_on_a_day_of_great_news_is_applied(split):
    assert len(check(split=split, price=1.15 / split)[0]) == 1


@pytest.mark.parametrize(
    ("case", "left"),
    [
        ({"dividend": 12.0, "split": 4.0, "price": 0.25}, {"dividend": 0.0, "split": 4.0}),
        ({"dividend": 17.0, "split": 1.25, "price": 0.8}, {"dividend": 0.0, "split": 1.25}),
        ({"dividend": 30.0, "split": 2.0, "price": 0.7}, {"dividend": 30.0, "split": 1.0}),
    ],
    ids=["ratio as dividend", "booked twice", "split that was none"],
)
def test_of_two_claims_only_the_one_that_explains_the_price_is_applied(case, left):
    actions, rules, reported = check(**case)

    assert actions[["dividend", "split"]].iloc[0].to_dict() == left
    assert "double_counted_action" in rules
    assert "alone explains the price" in reported


def test_a_split_and_a_dividend_that_both_took_place_stand():
    actions, rules, _ = check(dividend=25.0, split=2.0, price=0.25)

    assert actions[["dividend", "split"]].iloc[0].to_dict() == {"dividend": 25.0, "split": 2.0}
    assert rules == ["large_dividend"]


def test_a_split_with_an_unannounced_spin_off_is_applied_and_reported():
    actions, rules, reported = check(split=1 / 7, price=4.2)

    assert len(actions) == 1
    assert rules == ["incomplete_action"]
    assert "remains unexplained at the open" in reported


@pytest.mark.parametrize(
    ("case", "rule"),
    [
        ({"dividend": 50.0, "price": 0.5}, "large_dividend"),
        ({"dividend": 7.0, "price": 0.93}, "large_dividend"),
        ({"split": 1.238, "price": 1 / 1.238}, "odd_split"),
    ],
)
def test_what_is_likely_a_spin_off_is_applied_and_noted(case, rule):
    actions, rules, _ = check(**case)

    assert len(actions) == 1
    assert rules == [rule]


def test_an_action_without_a_bar_near_is_left_alone():
    acts = typed(
        "actions",
        pd.DataFrame(
            [("S04", pd.Timestamp("2024-06-10"), 9.0, 1.0)],
            columns=["symbol", "session", "dividend", "split"],
        ),
    )

    confirmed = check_actions(make_bars(price=1.0, factor=1.0), acts, np.array([-1]))

    assert len(confirmed.actions) == 1
    assert confirmed.findings.empty
