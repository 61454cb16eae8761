"""Compare recorded days with a backtest over the same sessions, on data rebuilt from the lake.

The backtest starts each session from the recorded positions: between two days they are carried overnight (splits,
dividends, ended listings), and any remaining difference from the next record counts as fills. Each decision is computed
by the functions of a backtest, with the recorded scores and regime; prices, quotes, risk, weights, sizes and costs are
computed again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from config.settings import Settings
from tasks.backtest.accounting.account import Account
from tasks.backtest.accounting.money import Shares
from tasks.backtest.accounting.overnight import pass_night
from tasks.backtest.parity.schema import (
    Holds,
    LineDifference,
    Parity,
    RecordedDay,
    RestatedBar,
    SessionParity,
    Trade,
)
from tasks.backtest.session_decision import SessionDecision, Signals
from tasks.backtest.session_inputs import SessionInputs
from tasks.backtest.start import columns_of
from tasks.backtest.world import World, window_at
from tasks.data.panel.companies import CompanyIndex
from tasks.portfolio.quotes import WINDOW
from tasks.portfolio.stops import stop_window
from tasks.regime.exposure import allowances
from tasks.trades.decision import Decision
from tasks.trades.plan import cash_after_cents, shares_after


def compare_days(
    world: World,
    companies: CompanyIndex,
    days: Sequence[RecordedDay],
    settings: Settings,
    *,
    skipped: Sequence[tuple[date, str]] = (),
    recorded_sha256: str = "",
) -> Parity:
    """Return the comparison of these days, oldest first; the last one is today."""
    rows = [world.row(np.datetime64(day.session)) for day in days]
    columns = [
        columns_of(world, companies, {*day.held, *day.trades, *day.scores, *day.weights}, day.session)
        for day in days
    ]
    scores = np.full(world.close_cents.shape, np.nan)
    for row, day, column_of in zip(rows, days, columns, strict=True):
        for symbol, score in day.scores.items():
            if symbol in column_of:
                scores[row, column_of[symbol]] = score
    seen = replace(world, is_member=np.isfinite(scores))
    inputs = SessionInputs(seen, settings)
    left_out = list(skipped)
    compared: list[SessionParity] = []
    holds, before = None, None
    for row, day, column_of in zip(rows, days, columns, strict=True):
        held = _shares(day, column_of, len(world.company))
        if held is None:
            left_out.append((day.session, "it holds fractional shares, or a symbol that is not in the lake"))
            before = None
            continue
        decision = SessionDecision(seen, _signals(day, scores, row, settings), settings, inputs).decide(
            row, Account(held, day.cash_cents), reductions_only=day.reductions_only
        )
        fills, unproposed = (0, 0) if before is None else _fills(world, before, row, held)
        compared.append(
            SessionParity(
                day.session,
                _lines(day, decision, world, column_of),
                _equity_difference(world, row, day, held),
                fills,
                unproposed,
                data_differs=day.data not in {"", data_of(world, row, settings)},
            )
        )
        holds = None if decision is None else _holds(decision)
        before = row, held, _proposed(day, column_of, len(world.company))
    return Parity(
        sessions=tuple(reversed(compared)),
        skipped=tuple(sorted(left_out, reverse=True)),
        restated=_restated(world, min(rows)),
        holds=holds,
        recorded_sha256=recorded_sha256,
    )


def sessions_read(settings: Settings) -> int:
    """Return how many sessions of bars a decision reads."""
    return max(settings.risk.window_sessions + 1, WINDOW, stop_window(settings.regime).sessions)


def data_of(world: World, row: int, settings: Settings) -> str:
    """Return the hash of the bars that a decision on the row reads, as known at its close.

    It does not depend on the first session of the world, nor on companies without a bar in the window.
    """
    window = window_at(world, row, sessions_read(settings))
    has_bar = np.isfinite(window.raw_close).any(axis=0)
    digest = hashlib.sha256("\n".join(world.company[has_bar].tolist()).encode())
    for values in (window.raw_close, window.dollar_volume):
        seen = values[:, has_bar]
        digest.update(np.where(np.isfinite(seen), seen, -1.0).tobytes())  # one kind of missing
    return digest.hexdigest()


def _shares(day: RecordedDay, column_of: Mapping[str, int], companies: int) -> Shares | None:
    shares = np.zeros(companies, dtype=np.int64)
    for symbol, held in day.held.items():
        if symbol not in column_of or held != int(held):
            return None
        shares[column_of[symbol]] = int(held)
    return shares


def _signals(day: RecordedDay, scores: NDArray[np.float64], row: int, settings: Settings) -> Signals:
    allowed = allowances(np.array([day.state]), np.array([day.volatility_pct]), settings.regime)
    sessions = len(scores)

    def on_row(value: float) -> NDArray[np.float64]:
        values = np.zeros(sessions)
        values[row] = value
        return values

    return Signals(
        scores=scores,
        exposure_cap=on_row(allowed.exposure_cap[0]),
        allows_new_positions=on_row(allowed.allows_new_positions[0]).astype(bool),
        ranks=day.ranks,
        score_to_return=on_row(day.score_to_return),
        optimizer=day.optimizer,
        size_multiplier=on_row(allowed.size_multiplier[0]),
        max_buys_frac=on_row(allowed.max_buys_frac[0]),
        stop_loss_frac=on_row(allowed.stop_loss_frac[0]),
    )


def _fills(world: World, before: tuple[int, Shares, Shares], row: int, held: Shares) -> tuple[int, int]:
    """Return the number of names filled since the earlier row, and the shares filled that it had not proposed."""
    earlier, shares, proposed = before
    account = Account(shares, 0)
    for night in world.nights[earlier + 1 : row + 1]:
        account, _ = pass_night(account, night, price_cents=world.price_cents[night.row - 1])
    filled = held - account.shares
    explained = np.clip(filled, np.minimum(proposed, 0), np.maximum(proposed, 0))
    return int(np.count_nonzero(filled)), int(np.abs(filled - explained).sum())


def _proposed(day: RecordedDay, column_of: Mapping[str, int], companies: int) -> Shares:
    proposed = np.zeros(companies, dtype=np.int64)
    for symbol, trade in day.trades.items():
        if symbol in column_of:
            proposed[column_of[symbol]] = trade.shares if trade.side == "BUY" else -trade.shares
    return proposed


def _equity_difference(world: World, row: int, day: RecordedDay, held: Shares) -> int:
    recorded = sum(round(shares * day.price_cents[symbol]) for symbol, shares in day.held.items())
    return recorded - int((held * world.price_cents[row]).sum())


def _lines(
    day: RecordedDay, decision: Decision | None, world: World, column_of: Mapping[str, int]
) -> tuple[LineDifference, ...]:
    trades, weights = ({}, {}) if decision is None else _decided(decision, world)
    symbol_of = {str(world.company[column]): symbol for symbol, column in column_of.items()}
    ours = {name: symbol_of.get(name, name) for name in {*trades, *weights}}
    trades = {ours[name]: trade for name, trade in trades.items()}
    weights = {ours[name]: weight for name, weight in weights.items()}
    found = []
    for symbol in sorted({*day.trades, *trades, *day.weights, *weights}):
        line = LineDifference(
            symbol,
            day.trades.get(symbol),
            trades.get(symbol),
            day.weights.get(symbol, ""),
            weights.get(symbol, ""),
        )
        if line.day != line.backtest or line.day_weight != line.backtest_weight:
            found.append(line)
    return tuple(found)


def _decided(decision: Decision, world: World) -> tuple[dict[str, Trade], dict[str, str]]:
    """Return trades and printed target weights by company id."""
    lines, plan = decision.lines, decision.plan
    names = world.company[decision.places].tolist()
    trades = {
        names[line]: Trade(
            "SELL" if plan.sells[line] else "BUY",
            int(plan.sells[line] + plan.buys[line]),
            int(lines.price_cents[line]),
            int(plan.commission_cents[line] + plan.slippage_cents[line]),
        )
        for line in np.flatnonzero(plan.sells + plan.buys).tolist()
    }
    return trades, printed_weights(zip(names, lines.weight.tolist(), strict=True))


def printed_weights(weights: "zip[tuple[str, float]] | Sequence[tuple[str, float]]") -> dict[str, str]:
    """Return weights as portfolio_weights.csv has them, without zeros."""
    printed = {name: f"{weight:.10f}" for name, weight in weights}
    return {name: text for name, text in printed.items() if float(text)}


def _holds(decision: Decision) -> Holds:
    shares = shares_after(decision.lines, decision.plan)
    value = int((shares * decision.lines.price_cents).sum())
    return Holds(int(np.count_nonzero(shares)), value, cash_after_cents(decision.lines, decision.plan))


def _restated(world: World, first: int) -> tuple[RestatedBar, ...]:
    """Return the bars of these sessions that were corrected later, as known today."""
    late = world.restated_bars
    return tuple(
        RestatedBar(
            world.sessions[row].astype("datetime64[D]").item(),
            world.sessions[known].astype("datetime64[D]").item(),
            str(world.symbol[company]),
            float(entry[0]),
            float(world.raw_close[row, company]),
        )
        for known, row, company, entry in zip(
            late.known_row.tolist(), late.row.tolist(), late.company.tolist(), late.entries, strict=True
        )
        if row >= first
    )
