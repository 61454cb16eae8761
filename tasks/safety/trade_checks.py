"""Checks of the trades, one by one and together. They never change, drop or resize a trade."""

import math

import numpy as np
import pandas as pd

from tasks.core.text import dollars, percent
from tasks.safety.facts import BUY, SELL, SIDES, Facts
from tasks.safety.outcome import Outcome, at_most, none_of
from tasks.trades.schema import TRADE_COLUMNS

CENT = 0.01
CASH_TOLERANCE_USD = 0.005
PENNY_RULE_FROM_USD = 1.0  # Regulation NMS, rule 612: whole cents from one dollar on, four decimals below
ROUNDING = 1e-6


def structure(facts: Facts) -> Outcome:
    """Every row has its columns, a known side, whole positive shares, and a notional of shares × price."""
    missing = [f"column {name} is missing" for name in TRADE_COLUMNS if name not in facts.trades.columns]
    if missing:
        return none_of(missing, limit="complete rows")
    trades = facts.trades
    shares = trades["shares"].astype(float)
    odd = {
        "unknown side": ~trades["side"].isin(SIDES),
        "shares are not whole and positive": ~(
            (shares > 0) & (shares == np.floor(shares)) & np.isfinite(shares)
        ),
        "notional is not shares × price": ~((trades["notional"] - facts.notional).abs() <= CENT),
        "no symbol": trades["symbol"].astype(str).str.strip() == "",
    }
    return none_of(
        [f"{_names(trades, rows)}: {why}" for why, rows in odd.items() if rows.any()], limit="complete rows"
    )


def valid_prices(facts: Facts) -> Outcome:
    """Every price is a positive, finite number."""
    price = facts.trades["price"].astype(float)
    return _lines(facts, ~((price > 0) & np.isfinite(price)), limit="positive and finite")


def sub_penny(facts: Facts) -> Outcome:
    """No price is finer than the exchange's tick size."""
    price = facts.trades["price"].astype(float)
    steps = price.to_numpy() * np.where(price >= PENNY_RULE_FROM_USD, 100.0, 10_000.0)
    is_whole = np.isclose(steps, np.round(steps), rtol=0, atol=ROUNDING) & np.isfinite(steps)
    return _lines(facts, pd.Series(~is_whole, price.index), limit="whole cents")


def price_deviation(facts: Facts) -> Outcome:
    """No price is far from the last close. A name without one is not bought, and is sold near its last known price."""
    symbol = facts.trades["symbol"]
    last = _by_trade(facts.quotes.last_close, symbol)
    last = last.fillna(_by_trade(facts.held_price, symbol).where(facts.is_sale))
    deviation = (facts.trades["price"] / last - 1).abs()
    limit = facts.settings.safety.max_price_deviation_frac
    return _lines(facts, ~(deviation <= limit + ROUNDING), limit=f"≤ {percent(limit, 2)} off the last close")


def fat_finger(facts: Facts) -> Outcome:
    """No trade exceeds a multiple of the volume limit applied to the median daily volume: catches typing errors.

    The check `liquidity` uses the mean, which a single bar with a thousandfold volume inflates; the median does not
    change. Mistyped prices are detected by `price_deviation`. A name with a median volume of 0 may only be sold.
    """
    settings = facts.settings
    usual = _by_trade(facts.quotes.median_volume_usd, facts.trades["symbol"])
    bound = settings.safety.fat_finger_multiple * (settings.trades.max_adv_frac * usual)
    is_within = (facts.notional <= bound) | (~(usual > 0) & facts.is_sale & (facts.notional > 0))
    share = percent(settings.trades.max_adv_frac, 2)
    limit = f"≤ {settings.safety.fat_finger_multiple:g} × {share} of a median session's volume"
    return _lines(facts, ~is_within, limit=limit)


def trade_size(facts: Facts) -> Outcome:
    """No trade is a larger fraction of the portfolio than allowed."""
    size = facts.notional / facts.equity_usd
    largest = _largest(size)
    limit = facts.settings.safety.max_trade_frac
    return at_most(largest, limit, detail=_names(facts.trades, ~(size <= limit)))


def liquidity(facts: Facts) -> Outcome:
    """No trade is a larger fraction of the average daily volume than allowed.

    A name without volume is not bought, but may be sold.
    """
    volume = _by_trade(facts.quotes.adv_usd, facts.trades["symbol"])
    unknown = ~(volume > 0)
    share = (facts.notional / volume.mask(unknown)).mask(unknown & facts.is_sale, 0.0)
    limit = facts.settings.trades.max_adv_frac
    return at_most(_largest(share), limit, tolerance=ROUNDING, detail=_names(facts.trades, ~(share <= limit)))


def buys(facts: Facts) -> Outcome:
    """All buys together stay within the day's limit; an empty portfolio has a separate limit.

    Turnover is something else: half the sum of buys and sells, divided by equity.
    """
    safety = facts.settings.safety
    limit = safety.max_buys_frac if (facts.held > 0).any() else safety.max_entry_buys_frac
    bought = float(facts.notional[~facts.is_sale].sum(skipna=False)) / facts.equity_usd
    return at_most(bought, limit, detail="buys of one day")


def costs(facts: Facts) -> Outcome:
    """The sum of estimated costs stays within its limit, and no cost is negative or NaN."""
    lines = facts.trades[["commission_est", "slippage_est"]].to_numpy(dtype=float)
    limit = facts.settings.safety.max_cost_frac
    outcome = at_most(float(lines.sum()) / facts.equity_usd, limit, detail="estimated costs of the day")
    if (lines < 0).any():
        return outcome._replace(passed=False, detail="a cost is negative")
    return outcome


def daily_count(facts: Facts) -> Outcome:
    """The number of trades stays within the day's limit."""
    limit = facts.settings.trades.max_trades
    return Outcome(len(facts.trades) <= limit, str(len(facts.trades)), f"≤ {limit}")


def daily_notional(facts: Facts) -> Outcome:
    """Buys and sells together stay within a multiple of the portfolio, unless nothing is bought."""
    traded = float(facts.notional.sum(skipna=False)) / facts.equity_usd
    outcome = at_most(
        traded, facts.settings.safety.max_daily_notional_frac, detail="buys and sells of one day"
    )
    only_sells = bool(facts.is_sale.all()) and math.isfinite(traded)  # sales are never limited
    return outcome._replace(passed=True, detail="") if only_sells else outcome


def duplicates(facts: Facts) -> Outcome:
    """No symbol has more than one trade."""
    return _lines(facts, facts.trades["symbol"].duplicated(keep=False), limit="one trade per symbol")


def sells_are_held(facts: Facts) -> Outcome:
    """No sale exceeds the shares held."""
    sold = facts.trades[facts.is_sale].groupby("symbol")["shares"].sum()
    held = facts.held.reindex(sold.index).fillna(0.0)
    over = [
        f"{symbol}: {sold[symbol]:g} sold, {held[symbol]:g} held"
        for symbol in sold.index[~(sold <= held + ROUNDING)]
    ]
    return none_of(over, limit="≤ shares held")


def cash(facts: Facts) -> Outcome:
    """Cash and the proceeds of sales cover all buys and costs."""
    left = facts.cash_after_usd
    passed = is_covered(left, facts.book.cash_usd, buys=BUY in facts.trades["side"].to_list())
    return Outcome(
        passed, f"{dollars(left)} left", "≥ 0", "" if passed else "buys exceed the cash after sells"
    )


def is_covered(left_usd: float, cash_usd: float, *, buys: bool) -> bool:
    """Return whether the trades leave no negative cash, or sell only and lower it. `cash_usd` is that before them."""
    return left_usd >= -CASH_TOLERANCE_USD or (cash_usd <= left_usd and not buys)


def new_positions(facts: Facts) -> Outcome:
    """No new position is opened where the regime allows none."""
    is_allowed = facts.regime.allows_new_positions and facts.regime.state != "CRASH"
    opened = (facts.trades["side"] != SELL) & ~facts.trades["symbol"].isin(facts.held.index[facts.held > 0])
    limit = "allowed" if is_allowed else f"none in {facts.regime.state}"
    return _lines(facts, opened & (not is_allowed), limit=limit)


def buyable(facts: Facts) -> Outcome:
    """Only members of the universe outside quarantine are bought."""
    can_buy = facts.trades["symbol"].isin(facts.quotes.members) & ~facts.trades["symbol"].isin(
        facts.quarantined
    )
    return _lines(facts, (facts.trades["side"] != SELL) & ~can_buy, limit="members, not in quarantine")


def _by_trade(values: pd.Series, symbols: pd.Series) -> pd.Series:
    """Return the value of each trade's symbol, as floats even for no trades (unlike `map`)."""
    return pd.Series(values.reindex(symbols).to_numpy(dtype=float), symbols.index)


def _lines(facts: Facts, rows: pd.Series, *, limit: str) -> Outcome:
    return none_of([str(symbol) for symbol in facts.trades.loc[rows.astype(bool), "symbol"]], limit=limit)


def _names(trades: pd.DataFrame, rows: pd.Series) -> str:
    return ", ".join(trades.loc[rows.astype(bool), "symbol"].astype(str))


def _largest(values: pd.Series) -> float:
    """Return the largest value; NaN if any is NaN, 0 for no trades."""
    largest = float(np.max(values.to_numpy(dtype=float), initial=0.0))
    return largest if math.isfinite(largest) else float("nan")
