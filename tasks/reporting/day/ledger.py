"""Format the day's figures once, for both the CSV files and the report, and check that they agree.

Both read these frames, so that figures in report and files are equal. If the figures in the stages' records differ from
them by more than a cent, nothing is published.
"""

import pandas as pd

from tasks.core.errors import SafetyError
from tasks.portfolio.schema import CASH, Portfolio
from tasks.reporting.day.cells import fixed
from tasks.reporting.day.inputs import Frames, Records
from tasks.trades.schema import TRADE_COLUMNS, Trades
from tasks.trades.tickets.schema import Tickets

Places = dict[str, int | None]  # None: as many decimals as the number has, at most six

TRADE_PLACES: Places = {
    "shares": None,
    "price": 4,
    "notional": 2,
    "weight_change": 8,
    "commission_est": 2,
    "slippage_est": 2,
}
WEIGHT_PLACES: Places = {"weight": 10, "current_weight": 10, "shares": None, "price": 4, "score": 8}
WEIGHT_COLUMNS = ("symbol", "weight", "current_weight", "shares", "price", "sector", "score")

SOLD = ("SELL", "SELL_SHORT")
CENT = 0.01
WEIGHT_TOLERANCE = 1e-6


def printed_trades(trades: pd.DataFrame) -> pd.DataFrame:
    """Return the trades in their order, with every number as formatted in trades.csv."""
    return _printed(trades.loc[:, list(TRADE_COLUMNS)].reset_index(drop=True), TRADE_PLACES)


def printed_weights(weights: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the target portfolio, heaviest first and CASH last, with the shares held once the trades are filled.

    CASH counts dollars as shares at a price of 1, as the positions file does.
    """
    shares = after["shares"].reindex(weights.index).fillna(0.0)
    lines = weights.assign(shares=shares, symbol=weights.index.astype(str)).reset_index(drop=True)
    lines["is_cash"] = lines["symbol"] == CASH
    lines.loc[lines["is_cash"], "price"] = 1.0
    lines.loc[lines["is_cash"], "score"] = float("nan")
    ordered = lines.sort_values(["is_cash", "weight", "symbol"], ascending=[True, False, True])
    return _printed(ordered.loc[:, list(WEIGHT_COLUMNS)].reset_index(drop=True), WEIGHT_PLACES)


def printed_number(value: float, places: int | None) -> str:
    """Format a number as in the files; empty if it is not a number."""
    if places is not None:
        return fixed(value, places)
    text = fixed(value, 6)
    return text.rstrip("0").rstrip(".") if "." in text else text


def refuse_disagreement(records: Records, frames: Frames) -> None:
    """Raise SafetyError when a record's total is not the sum of its lines."""
    wrong = [
        *_trade_disagreements(records.trades, frames.trades),
        *_book_disagreements(records.portfolio, records.trades, frames),
        *_ticket_disagreements(records.tickets, frames.trades),
    ]
    if wrong:
        raise SafetyError(
            f"The report would not agree with the ledger: {'; '.join(wrong)}.",
            remedy="Nothing was published. This is a defect: run again with --debug and report it.",
            disagreements=wrong,
        )


def is_sale(side: pd.Series) -> pd.Series:
    """Return which sides are sales."""
    return side.isin(SOLD)


def _trade_disagreements(trades: Trades, lines: pd.DataFrame) -> list[str]:
    sold = is_sale(lines["side"])
    costs = lines["commission_est"] + lines["slippage_est"]
    wrong = []
    off = (lines["shares"] * lines["price"] - lines["notional"]).abs() > CENT
    if off.any():
        wrong.append(f"shares × price is not the notional of {', '.join(lines['symbol'][off])}")
    for name, total, said in (
        ("buys", lines["notional"][~sold].sum(), trades.buy_notional_usd),
        ("sells", lines["notional"][sold].sum(), trades.sell_notional_usd),
        ("costs", costs.sum(), trades.cost_usd),
    ):
        if not abs(total - said) <= CENT:
            wrong.append(f"{name} sum to {total:.2f}, but the record has {said:.2f}")
    return wrong


def _book_disagreements(portfolio: Portfolio, trades: Trades, frames: Frames) -> list[str]:
    wrong = []
    total = frames.weights["weight"].sum()
    if not abs(total - 1) <= WEIGHT_TOLERANCE:
        wrong.append(f"weights sum to {total:.8f}")
    expected = portfolio.book.cash_usd + trades.sell_notional_usd - trades.buy_notional_usd - trades.cost_usd
    if not abs(expected - trades.cash_after_usd) <= CENT:
        wrong.append(
            f"cash after the trades is {trades.cash_after_usd:.2f}, but the lines give {expected:.2f}"
        )
    held = pd.Series({line.symbol: line.shares for line in portfolio.book.holdings}, dtype=float)
    sign = 1.0 - 2.0 * is_sale(frames.trades["side"])
    traded = (frames.trades["shares"] * sign).groupby(frames.trades["symbol"]).sum()
    left = frames.after["shares"].drop(CASH, errors="ignore")
    off = held.add(traded, fill_value=0.0).sub(left, fill_value=0.0).abs() > 1e-6
    if off.any():
        wrong.append(
            f"shares after the trades are not the shares held plus those traded for {', '.join(off.index[off])}"
        )
    return wrong


def _ticket_disagreements(tickets: Tickets, lines: pd.DataFrame) -> list[str]:
    """Compare the tickets with the trades; a day that could not be explained has none."""
    explained = {ticket.symbol: ticket.usd_cents for ticket in tickets.tickets}
    signed = (lines["notional"] * (1.0 - 2.0 * is_sale(lines["side"])) * 100).round()
    traded = {str(symbol): int(cents) for symbol, cents in zip(lines["symbol"], signed, strict=True)}
    if not explained or explained == traded:
        return []
    off = sorted(name for name in {*explained, *traded} if explained.get(name) != traded.get(name))
    return [f"the parts of {', '.join(off)} do not sum to the trade"]


def _printed(frame: pd.DataFrame, places: Places) -> pd.DataFrame:
    printed = {
        column: [
            float(text) if (text := printed_number(value, count)) else float("nan") for value in frame[column]
        ]
        for column, count in places.items()
    }
    return frame.assign(**printed)
