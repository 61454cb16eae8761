"""In every shipped profile every check can fire: what breaks one limit fails that check and no other.

issue 10, line 4
"""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from config.settings import Settings, load_settings, profiles
from tasks.safety.facts import Facts
from tasks.safety.table import CHECKS, run_checks
from tests.builders import FRIDAY
from tests.safety_days import make_champion, make_day, make_quotes, make_regime, make_trades

NAMES = [f"{letter}{number}" for number in range(1, 13) for letter in "ABCDE"]  # five sectors, by letter
HUNDRED_MILLION = 1e8

Plant = Callable[[Settings], Facts]


def a_day(settings: Settings, **changed: Any) -> Facts:
    """Return a clean day of any profile: a book of a million in which one per cent in A makes way for C."""
    plain: dict[str, Any] = {
        "holdings": {"A": 200.0, "B": 200.0},
        "cash_usd": 980_000.0,
        "trades": make_trades(("A", "SELL", 200, 50.0), ("C", "BUY", 200, 50.0)),
        "target": {"B": 0.01, "C": 0.0105},
    }
    return make_day(settings=settings, **(plain | changed))


def with_trades(column: str, value: object) -> Plant:
    return lambda settings: a_day(settings, trades=a_day(settings).trades.assign(**{column: value}))


def with_quotes(settings: Settings, **changed: Any) -> Facts:
    return a_day(settings, quotes=replace(a_day(settings).quotes, **changed))


def aims_at(settings: Settings, names: list[str], weight: float, **changed: Any) -> Facts:
    """Return a day that holds what it aims at and trades nothing."""
    quotes = make_quotes(names)
    day = a_day(
        settings,
        holdings=dict.fromkeys(names, weight * 1000000.0 / 50),
        cash_usd=1e6 * (1 - weight * len(names)),
        target=dict.fromkeys(names, weight),
        trades=make_trades(),
        scores=pd.DataFrame({"score": range(len(names))}, index=names),
        **changed,
    )
    return replace(day, quotes=replace(quotes, **{"cap_class": pd.Series("", names)} | changed))


def lines_beyond(limit: float, weight: float) -> int:
    """Return how many lines of this weight together weigh more than the limit."""
    return math.floor(limit / weight + 1e-9) + 1


def one_sector(settings: Settings) -> Facts:
    limits = settings.portfolio
    names = NAMES[: lines_beyond(limits.max_sector_frac, limits.max_position_frac)]
    day = aims_at(settings, names, limits.max_position_frac)
    return replace(day, quotes=replace(day.quotes, sector=pd.Series("Energy", names)))


def one_cap_class(settings: Settings) -> Facts:
    limits = settings.portfolio
    weight = min(limits.max_position_frac, 0.06)
    names = NAMES[: lines_beyond(limits.max_cap_class_frac["small"], weight)]
    day = aims_at(settings, names, weight)
    return replace(day, quotes=replace(day.quotes, cap_class=pd.Series("small", names)))


def beyond_the_bear(settings: Settings) -> Facts:
    weight = min(settings.portfolio.max_position_frac, 0.05)
    names = NAMES[: lines_beyond(settings.regime.exposure_cap["BEAR"], weight)]
    day = aims_at(settings, names, weight)
    return replace(day, regime=make_regime(state="BEAR", exposure_cap=1.0))


def below_its_stop(settings: Settings) -> Facts:
    """B is kept although it closed further below its high than the stop, which no shipped profile sets."""
    stops = dict.fromkeys(("CRASH", "BEAR", "NEUTRAL", "BULL"), 0.2)
    regime = settings.regime.model_copy(update={"stop_loss_frac": stops})
    fall = pd.Series(0.0, list("ABCDE"))
    fall["B"] = 0.21
    return with_quotes(settings.model_copy(update={"regime": regime}), fall=fall)


def a_large_sale(settings: Settings) -> Facts:
    """A line that is far beyond its limit is sold in one trade that is a share of the portfolio too large."""
    shares = settings.safety.max_trade_frac * 1e6 / 50 + 1
    return a_day(
        settings,
        holdings={"A": shares},
        cash_usd=1e6 - shares * 50,
        target={},
        trades=make_trades(("A", "SELL", int(shares), 50.0)),
    )


def a_volume_that_is_wrong_once(settings: Settings) -> Facts:
    """A session with a thousandfold volume has lifted the mean, so that liquidity lets half a usual day through."""
    weight = min(settings.portfolio.max_position_frac, settings.safety.max_trade_frac) * 0.99
    shares = int(weight * HUNDRED_MILLION / 50)
    usual = shares * 50 / (settings.safety.fat_finger_multiple * settings.trades.max_adv_frac) * 0.99
    day = a_day(
        settings,
        holdings={},
        cash_usd=HUNDRED_MILLION,
        target={"C": weight},
        trades=make_trades(("C", "BUY", shares, 50.0)),
    )
    mean = usual * (20 + 1000) / 21
    symbols = list("ABCDE")
    return replace(
        day,
        quotes=replace(
            day.quotes,
            adv_usd=pd.Series(mean, symbols),
            median_volume_usd=pd.Series(usual, symbols),
            cap_class=pd.Series("", symbols),
        ),
    )


def rotates(settings: Settings, *, old: int, beyond: float) -> Facts:
    """Return a day that sells lines of 9.5% of the portfolio, and buys more than `beyond` in lines that may just be."""
    size = min(settings.portfolio.max_position_frac, settings.safety.max_trade_frac)
    sold, bought = NAMES[:old], [f"{name}N" for name in NAMES[: lines_beyond(beyond, size)]]
    day = a_day(
        settings,
        holdings=dict.fromkeys(sold, 1900.0),
        cash_usd=1e6 - 95_000 * old,
        target=dict.fromkeys(bought, size),
        trades=make_trades(
            *((name, "SELL", 1900, 50.0) for name in sold),
            *((name, "BUY", int(size * 1e6 / 50), 50.0) for name in bought),
        ),
    )
    names = [*sold, *bought]
    alone = {"cap_class": pd.Series("", names), "sector": pd.Series(names, names)}
    return replace(day, quotes=replace(make_quotes(names), **alone))


def costs_that_nothing_is_left_for(settings: Settings) -> Facts:
    """The last dollar is spent on C, and three are due for it."""
    day = a_day(
        settings,
        holdings={"A": 19_980.0},
        cash_usd=1000.0,
        trades=make_trades(("C", "BUY", 20, 50.0)),
        target={"C": 0.001},
    )
    return replace(day, quotes=replace(day.quotes, cap_class=pd.Series("", list("ABCDE"))))


PLANTED: list[tuple[str, Plant, frozenset[str]]] = [
    ("data_freshness", lambda s: a_day(s, snapshot_session=FRIDAY - timedelta(days=1)), frozenset()),
    ("finite_scores", lambda s: a_day(s, scores=pd.DataFrame({"score": [0.1, 0.1]})), frozenset()),
    (
        "champion_age",
        lambda s: a_day(
            s,
            champion=make_champion(
                trained_through=FRIDAY - timedelta(days=s.models.max_age_days + 1),
            ),
        ),
        frozenset(),
    ),
    ("equity", lambda s: a_day(s, book=replace(a_day(s).book, equity_usd=1_000_001.0)), frozenset()),
    ("weights_sum", lambda s: a_day(s, target_cash=0.9), frozenset()),
    ("long_only", lambda s: a_day(s, target={"B": 0.01, "C": 0.0105, "D": -0.01}), frozenset()),
    (
        "position_limit",
        lambda s: a_day(s, target={"B": s.portfolio.max_position_frac + 1e-6, "C": 0.0105}),
        frozenset(),
    ),
    ("sector_limit", one_sector, frozenset()),
    ("cap_class_limit", one_cap_class, frozenset()),
    ("regime_cap", beyond_the_bear, frozenset()),
    ("stop_loss", below_its_stop, frozenset()),
    ("structure", lambda s: a_day(s, trades=a_day(s).trades.drop(columns="reason")), frozenset()),
    (
        "valid_prices",
        with_trades("price", -50.0),
        # no sum can be made of a price that is none, and none is near the last close
        frozenset(
            {
                "structure",
                "price_deviation",
                "fat_finger",
                "trade_size",
                "liquidity",
                "buys",
                "daily_notional",
                "cash",
                "towards_target",
                "after_agrees",
                "after_limits",
            }
        ),
    ),
    ("sub_penny", lambda s: a_day(s, trades=make_trades(("C", "BUY", 100, 50.005))), frozenset()),
    (
        "price_deviation",
        lambda s: a_day(
            s,
            trades=make_trades(("C", "BUY", 100, 50 * (1 + s.safety.max_price_deviation_frac) + 0.01)),
        ),
        frozenset(),
    ),
    ("fat_finger", a_volume_that_is_wrong_once, frozenset()),
    ("trade_size", a_large_sale, frozenset()),
    (
        "liquidity",
        lambda s: with_quotes(s, adv_usd=pd.Series(9_999 / s.trades.max_adv_frac, list("ABCDE"))),
        frozenset(),
    ),
    ("buys", lambda s: rotates(s, old=1, beyond=s.safety.max_buys_frac), frozenset()),
    ("costs", with_trades("slippage_est", 2501.0), frozenset()),
    (
        "daily_count",
        lambda s: a_day(
            s,
            holdings=dict.fromkeys(NAMES[: s.trades.max_trades + 1], 1.0),
            cash_usd=1e6,
            target={},
            trades=make_trades(*((name, "SELL", 1, 50.0) for name in NAMES[: s.trades.max_trades + 1])),
            quotes=make_quotes(NAMES),
        ),
        frozenset(),
    ),
    (
        "daily_notional",
        lambda s: rotates(s, old=10, beyond=s.safety.max_daily_notional_frac - 0.95),
        frozenset(),
    ),
    (
        "duplicates",
        lambda s: a_day(s, trades=make_trades(("A", "SELL", 100, 50.0), ("A", "SELL", 100, 50.0))),
        frozenset(),
    ),
    ("sells_are_held", lambda s: a_day(s, trades=make_trades(("D", "SELL", 1, 50.0))), frozenset()),
    ("cash", costs_that_nothing_is_left_for, frozenset()),
    ("new_positions", lambda s: a_day(s, regime=make_regime(allows_new_positions=False)), frozenset()),
    ("buyable", lambda s: a_day(s, quarantined=frozenset({"C"})), frozenset()),
    ("towards_target", lambda s: a_day(s, target={"B": 0.01, "C": 0.005}), frozenset()),
    ("after_agrees", lambda s: a_day(s, after=a_day(s).after.drop(index="CASH")), frozenset()),
    (
        "after_limits",
        # the sale that would have made room was cut, and the buy was not
        lambda s: replace(
            a_day(
                s,
                holdings={"A": s.regime.exposure_cap["BEAR"] * 1e6 / 50},
                cash_usd=(1 - s.regime.exposure_cap["BEAR"]) * 1e6,
                trades=make_trades(("C", "BUY", 100, 50.0)),
            ),
            regime=make_regime(state="BEAR", exposure_cap=s.regime.exposure_cap["BEAR"]),
        ),
        frozenset(),
    ),
]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return {name: load_settings(home=home, profile=name, environ={}).settings for name in profiles()}


@pytest.mark.parametrize("profile", profiles())
def test_the_clean_day_passes_every_check_in_every_profile(shipped, profile):
    assert [check for check in run_checks(a_day(shipped[profile])) if not check.passed] == []


@pytest.mark.parametrize("profile", profiles())
@pytest.mark.parametrize(("name", "plant", "besides"), PLANTED, ids=[name for name, _, _ in PLANTED])
def test_each_check_fires_by_itself_in_every_profile(shipped, profile, name, plant, besides):
    failed = {check.name for check in run_checks(plant(shipped[profile])) if not check.passed}

    assert failed == {name} | besides


def test_every_check_is_planted():
    informational = {"correlation"}  # pairs correlated beyond their limit are cut where the target is built

    assert [name for name, _, _ in PLANTED] == [name for name, _ in CHECKS if name not in informational]


def test_sales_alone_are_never_held_back_by_the_days_notional(shipped):
    settings = shipped["standard"]
    safety = settings.safety.model_copy(update={"max_daily_notional_frac": 0.5})
    day = rotates(settings.model_copy(update={"safety": safety}), old=10, beyond=-0.001)

    assert [check.name for check in run_checks(day) if not check.passed] == []
