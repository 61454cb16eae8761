"""One realistic evening for the report's tests: a book of a million, some twenty trades, findings, hostile names.

Everything adds up: trades follow from weights, cash from trades. `make_inputs` builds it without a disk.
"""

import json
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.core.artifacts import ArtifactRef, save_frame
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import sessions_ending
from tasks.data.schema.records import Finding, Market, SnapshotRef
from tasks.models.schema import Champion, Scores, Statistic
from tasks.portfolio.schema import CASH, Book, Holding, LadderStep, Portfolio
from tasks.regime.schema import Regime, State
from tasks.reporting.day.executed import ExecutedDay, executed_day
from tasks.reporting.day.history import COLUMNS
from tasks.reporting.day.inputs import Backdrop, DayInputs, Frames, PreviousDay, Records
from tasks.reporting.day.name_histories import NameHistory
from tasks.risk.covariance import Shrinkage
from tasks.risk.schema import RiskModel
from tasks.risk.tail import portfolio_risk
from tasks.safety.schema import Check, Checks
from tasks.trades.schema import TRADE_COLUMNS, Dropped, Trades
from tasks.trades.tickets.schema import CAUSES, Contribution, Part, Survival, Ticket, Tickets
from tests.builders import FRIDAY, make_run
from tests.parity_records import make_compared

HOSTILE_SCRIPT = "<script>alert(1)</script>"
HOSTILE_FORMULA = '=HYPERLINK("//evil","x")'
HOSTILE_BIDI = "Safe\u202egro.live"

# symbol, name, sector, size, price, shares held, target weight
LINES = [
    ("ALDR", "Alder Semiconductor", "Information Technology", "large", 184.22, 420, 0.091),
    ("BRKW", "Breakwater Holdings", "Financials", "large", 71.05, 900, 0.076),
    ("CNDR", "Condor Aerospace", "Industrials", "large", 133.40, 0, 0.068),
    ("DLTA", "Delta Pharma", "Health Care", "large", 96.11, 610, 0.064),
    ("EVRG", "Evergreen Utilities", "Utilities", "large", 58.37, 0, 0.055),
    ("FRST", HOSTILE_SCRIPT, "Consumer Staples", "large", 44.90, 1300, 0.052),
    ("GLCR", "Glacier Software", "Information Technology", "large", 312.08, 90, 0.049),
    ("HRBR", HOSTILE_FORMULA, "Energy", "large", 88.63, 0, 0.047),
    ("IRON", "Ironbridge Steel & Sons", "Materials", "mid", 27.45, 2100, 0.045),
    ("JNPR", "Juniper Retail", "Consumer Discretionary", "large", 149.95, 250, 0.043),
    ("KSTL", "Kestrel Networks", "Information Technology", "mid", 63.28, 0, 0.041),
    ("LMNA", HOSTILE_BIDI, "Health Care", "large", 205.74, 0, 0.040),
    ("MRDN", "Meridian Rail", "Industrials", "large", 118.06, 330, 0.038),
    ("NRTH", "Northgate Bank", "Financials", "mid", 39.52, 0, 0.036),
    ("OPAL", "Opal Media", "Communication Services", "large", 77.19, 500, 0.034),
    ("PRSM", "Prism Optics", "Information Technology", "mid", 141.33, 0, 0.032),
    ("QRTZ", "Quartz Mining", "Materials", "mid", 19.87, 1500, 0.030),
    ("RVLT", "Revolt Motors", "Consumer Discretionary", "large", 231.60, 0, 0.028),
    ("SUMT", "Summit Health", "Health Care", "mid", 82.44, 300, 0.026),
    ("TRRA", "Terra Foods", "Consumer Staples", "small", 33.71, 0, 0.012),
    ("UMBR", "Umbra Insurance", "Financials", "large", 102.90, 410, 0.0),
    ("VSTA", "Vista Telecom", "Communication Services", "large", 24.18, 2600, 0.0),
    ("WLLW", "Willow Apparel", "Consumer Discretionary", "mid", 55.83, 480, 0.0),
    ("XNTH", "Xanthe Chemicals", "Materials", "mid", 47.02, 700, 0.0),
]
CASH_USD = 214_380.55
UNIVERSE = 480


def make_inputs(
    home: Path = Path("/nowhere"),
    *,
    day: date = FRIDAY,
    state: State = "BULL",
    rows: int = 180,
    previous: bool = True,
    blocked: bool = False,
    hold: bool = False,
    empty: bool = False,
) -> DayInputs:
    """Build the evening. `hold` proposes nothing; `empty` is a first day in a crash: all cash, no history."""
    run = replace(_run_on(day), home=Home(home))
    frames, book = _book(run, hold=hold, empty=empty)
    records = Records(
        market=_market(run, quiet=empty),
        scores=_scores(run),
        regime=_regime(run, "CRASH" if empty else state),
        risk=RiskModel(ref("returns"), Shrinkage(0.18, 0.0, is_repaired=False), ()),
        portfolio=_portfolio(run, frames, book, hold=hold, empty=empty),
        trades=_trades(frames, book, dropped=not (hold or empty)),
        tickets=_tickets(frames, run, previous=previous and not empty),
        checks=_checks(blocked=blocked),
        compared=make_compared(run.session.day),
    )
    return DayInputs(
        run=run,
        records=records,
        frames=frames,
        backdrop=_backdrop(run),
        history=_history(run, 0 if empty else rows, book.equity_usd),
        previous=_previous(run) if previous and not empty else None,
        executed=() if empty or not previous else (make_executed(),),
        names=_names(run, frames),
    )


def make_execution(session: date = date(2024, 6, 13), fills: date = FRIDAY, **changed) -> dict[str, object]:
    """Return an execution.json: two lines, one of them filled in part; the bridge ends at the example's equity."""
    equity = round(100 * (CASH_USD + sum(line[4] * line[5] for line in LINES)))
    lines = [
        {"symbol": "UMBR", "side": "SELL", "shares": "100", "price": "103.0000"},
        {"symbol": "ALDR", "side": "BUY", "shares": "50", "price": "184.0000"},
    ]
    orders = [
        {"row": 0, "filled_shares": "100", "filled_usd": "10280.00", "fees_usd": "1.50", "state": "filled"},
        {"row": 1, "filled_shares": "40", "filled_usd": "7366.00", "fees_usd": "0.40", "state": "expired"},
    ]
    steps = [
        ("target", "equity of the backtest's target", equity - 1_234),
        ("filled", "expired", -310),
        ("price", "paid less current price", -600),
        ("costs", "fees less assumed costs", 25),
        ("account", "interest", 1_119),
        ("account", HOSTILE_SCRIPT, 1_000),
        ("broker", "unexplained", 0),
        ("broker", "equity of record", equity),
    ]
    return {
        "session": str(session),
        "fill_session": str(fills),
        "broker": "paper",
        "outcome": "ended",
        "why": "1 filled, 1 expired",
        "lines": lines,
        "orders": [order | {"reason": "the close came"} for order in orders],
        "bridge": [
            {"step": step, "cause": cause, "usd": f"{cents / 100:.2f}"} for step, cause, cents in steps
        ],
    } | changed


def make_executed(*, estimated_cents: int | None = 350, **changed) -> ExecutedDay:
    """Return what is read of the example's execution of the day before."""
    content = json.dumps(make_execution(**changed)).encode()
    return executed_day(date(2024, 6, 13), content, estimated_cents=estimated_cents)


def stored(inputs: DayInputs) -> Records:
    """Save the frames in the run's home, as the stages do, and return records that point to them."""
    run, frames, records = inputs.run, inputs.frames, inputs.records
    return replace(
        records,
        scores=replace(records.scores, frame=save_frame(run, "scores", frames.scores)),
        regime=replace(records.regime, history=save_frame(run, "regime_history", frames.regime_history)),
        risk=replace(records.risk, returns=save_frame(run, "returns", frames.returns.T)),
        portfolio=replace(records.portfolio, frame=save_frame(run, "portfolio", frames.weights)),
        trades=replace(
            records.trades,
            frame=save_frame(run, "trades", frames.trades),
            after=save_frame(run, "after", frames.after),
        ),
    )


@cache
def _run_on(day: date) -> Run:
    return make_run(Path("/nowhere"), day)


POSITIONS_SHA256 = "70" * 32


def ref(name: str) -> ArtifactRef:
    return ArtifactRef(name, Path(f"/nowhere/{name}.parquet"), "0" * 64)


def _book(run: Run, *, hold: bool, empty: bool) -> tuple[Frames, Book]:
    held = [] if empty else [line for line in LINES if line[5]]
    cash = 1_000_000.0 if empty else CASH_USD
    equity = cash + sum(line[4] * line[5] for line in held)
    book = Book(
        session=run.session.day,
        holdings=tuple(Holding(line[0], float(line[5]), line[4], has_quote=True) for line in held),
        cash_usd=cash,
        equity_usd=equity,
        positions_sha256=POSITIONS_SHA256,
    )
    rng = np.random.default_rng(11)
    rows = []
    for rank, (symbol, _, sector, size, price, shares, target) in enumerate([] if empty else LINES, 1):
        current = price * shares / equity
        weight = current if hold else target
        note = f"rank {rank} of {UNIVERSE}" if target else "rank fell below the first 40"
        rows.append((symbol, weight, current, price, sector, size, 2.4 - 0.07 * rank, note))
    invested = sum(row[1] for row in rows)
    rows.append((CASH, 1 - invested, cash / equity, 1.0, "", "", float("nan"), ""))
    columns = ["symbol", "weight", "current_weight", "price", "sector", "cap_class", "score", "note"]
    weights = pd.DataFrame(rows, columns=columns).set_index("symbol")
    trades = _trade_frame(weights.iloc[:0] if hold or empty else weights, equity)
    return (
        Frames(
            scores=_score_frame(),
            regime_history=_regime_history(run),
            returns=_returns(run, rng),
            weights=weights,
            trades=trades,
            after=_after(book, trades),
        ),
        book,
    )


def _trade_frame(weights: pd.DataFrame, equity: float) -> pd.DataFrame:
    rows = []
    held = {line[0]: line[5] for line in LINES}
    for line in weights.drop(CASH, errors="ignore").reset_index().to_dict("records"):
        symbol = line["symbol"]
        before = held[symbol]
        wanted = int(line["weight"] * equity // line["price"])
        change = wanted - before
        if abs(change * line["price"]) < 2_000:
            continue
        selling, shares = change < 0, abs(change)
        notional = shares * line["price"]
        action = ("CLOSE" if not wanted else "REDUCE") if selling else ("INCREASE" if before else "OPEN")
        reason = {
            "CLOSE": "Left the target portfolio: its score fell from rank 18 to 131",
            "REDUCE": "Drifted above its target; the sector stands at its limit",
            "INCREASE": "Score rose to the best decile and its volatility fell",
            "OPEN": "Entered the target portfolio on momentum and low residual volatility",
        }[action]
        rows.append(
            (
                symbol,
                "SELL" if selling else "BUY",
                float(shares),
                line["price"],
                notional,
                change * line["price"] / equity,
                round(0.0000278 * notional * selling + 0.35, 2),
                round(notional * 0.00028, 2),
                action,
                reason,
                "3.8% of average daily volume, cut to 5%" if symbol in {"TRRA", "XNTH"} else "",
                "MARKET",
            )
        )
    frame = pd.DataFrame(rows, columns=list(TRADE_COLUMNS))
    return frame.sort_values(["side", "symbol"], ascending=[False, True], ignore_index=True)


def _after(book: Book, trades: pd.DataFrame) -> pd.DataFrame:
    shares = {holding.symbol: holding.shares for holding in book.holdings}
    prices = {line[0]: line[4] for line in LINES}
    cash = book.cash_usd
    for line in trades.to_dict("records"):
        sign = -1 if line["side"] == "SELL" else 1
        shares[line["symbol"]] = shares.get(line["symbol"], 0.0) + sign * line["shares"]
        cash -= sign * line["notional"] + line["commission_est"] + line["slippage_est"]
    left = {symbol: count for symbol, count in sorted(shares.items()) if count}
    frame = pd.DataFrame(
        {
            "shares": [*left.values(), cash],
            "price": [*(prices[symbol] for symbol in left), 1.0],
        },
        index=pd.Index([*left, CASH], name="symbol"),
    )
    values = frame["shares"] * frame["price"]
    return frame.assign(weight=values / values.sum())


def _trades(frames: Frames, book: Book, *, dropped: bool) -> Trades:
    lines = frames.trades
    sold = lines["side"] == "SELL"
    costs = float((lines["commission_est"] + lines["slippage_est"]).sum())
    buys, sells = float(lines["notional"][~sold].sum()), float(lines["notional"][sold].sum())
    return Trades(
        frame=ref("trades"),
        after=ref("after"),
        dropped=(
            Dropped("MRDN", 61.90, "Below the smallest trade worth its cost ($100)"),
            Dropped("ZPHR", 18_240.0, "No quote on the session: exit only"),
        )
        if dropped
        else (),
        buy_notional_usd=buys,
        sell_notional_usd=sells,
        cost_usd=costs,
        turnover=(buys + sells) / 2 / book.equity_usd,
        cash_after_usd=float(frames.after["shares"].iloc[-1]),
    )


def _tickets(frames: Frames, run: Run, *, previous: bool) -> Tickets:
    """Return parts that sum to each trade: all seven causes, of both signs."""
    return Tickets(
        compared_with=sessions_ending(run.session.day, 2)[0].item() if previous else None,
        tickets=tuple(
            _ticket(str(line["symbol"]), round(line["notional"] * 100), is_sale=line["side"] == "SELL")
            for line in frames.trades.to_dict("records")
        ),
    )


def _ticket(symbol: str, cents: int, *, is_sale: bool) -> Ticket:
    signed = -cents if is_sale else cents
    wanted = {"score": 1.2, "drift": -0.1, "risk": 0.05, "regime": 0.02, "constraints": -0.15, "cash": 0.01}
    parts = {cause: round(share * signed) for cause, share in wanted.items()}
    parts["cost"] = signed - sum(parts.values())
    return Ticket(
        symbol,
        tuple(Part(cause, parts[cause]) for cause in CAUSES),
        (Contribution("momentum_12m", 0.021, 0.013), Contribution("residual_volatility", -0.008, -0.009)),
        Survival(12 if is_sale else 37, 40),
        is_fragile=is_sale,
    )


def _portfolio(run: Run, frames: Frames, book: Book, *, hold: bool, empty: bool) -> Portfolio:
    ladder = (
        LadderStep("max_sharpe", "failed: the solver gave weights outside the bounds by 0.004"),
        LadderStep("hrp", "used: 20 names, 96.4% before limits"),
    )
    return Portfolio(
        frame=ref("portfolio"),
        book=book,
        method="hold" if hold or empty else "hrp",
        ladder=(LadderStep("hold", "used: there are no candidates"),) if hold or empty else ladder,
        exposure_cap=0.0 if empty else 1.0,
        risk=portfolio_risk(frames.weights["weight"], frames.returns, 0.95),
        notes=() if empty else ("Health Care was shrunk to its limit; what was cut stays in cash.",),
    )


def _market(run: Run, *, quiet: bool) -> Market:
    day = run.session.day
    findings = (
        ()
        if quiet
        else (
            Finding(
                "ZPHR",
                day,
                "missing_bar",
                "quarantine",
                "no bar on the session",
                "kept out of new trades for 5 sessions",
            ),
            Finding(
                "HLXX",
                day,
                "move_without_action",
                "quarantine",
                "close 41.20 after 19.05 (+116.3%), market +0.4%",
                "kept out of new trades for 5 sessions",
            ),
            Finding("FRST", day, "restated_volume", "note", f"name is {HOSTILE_SCRIPT}", "none needed"),
            Finding(
                "<img src=x onerror=alert(2)>",
                day,
                "bad_symbol",
                "quarantine",
                "symbol holds \u202e control characters",
                "dropped",
            ),
        )
    )
    return Market(
        snapshot=SnapshotRef("5f1d0c7e9a3b4c2d8e6f" * 3, run.home.lake, day, {"bars": 3}),
        provider="simulated",
        new_bars=500,
        restated_bars=0,
        findings=findings,
        quarantined=() if quiet else ("HLXX", "ZPHR"),
        universe_size=UNIVERSE,
        universe_gained=() if quiet else ("KSTL", "PRSM"),
        universe_lost=() if quiet else ("HLXX", "YEWT", "ZPHR"),
        failovers=(),
    )


def _scores(run: Run) -> Scores:
    champion = Champion(
        name="lightgbm",
        kind="lightgbm",
        optimizer="max_sharpe",
        model_sha256="ab12cd34ef56" + "7" * 52,
        feature_set="9f8e7d6c5b4a" + "1" * 52,
        trained_through=date(2024, 6, 7),
        selection_date=date(2024, 6, 8),
        selection_reason="Best out-of-sample rank IC of 3 candidates (0.031, t 4.2); momentum_52_week 0.018.",
        weighted_score=0.62,
        metrics={
            "neutral_ic": 0.0274,
            "neutral_ic_se": 0.0081,
            "neutral_ic_t": 3.38,
            "neutral_ic_low": 0.0115,
            "neutral_ic_high": 0.0433,
            "detectable_ic": 0.0162,
            "sessions": 391,
            "rank_ic": 0.0312,
            "rank_ic_t": 4.21,
            "ic": 0.0274,
            "icir": 0.44,
            "hit_rate": 0.534,
            "quantile_spread": 0.0061,
            "train_test_gap": 0.021,
        },
        ranks=True,
        statistic=Statistic("next_open", 5, ("sector", "beta", "volatility", "market_cap")),
    )
    return Scores(ref("scores"), champion, scored=UNIVERSE, left_out=6)


def _score_frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    chosen = [line[0] for line in LINES]
    names = chosen + [f"S{index:03d}" for index in range(UNIVERSE - len(chosen))]
    score = np.concatenate(
        [2.4 - 0.07 * np.arange(1, len(chosen) + 1), rng.normal(0, 0.55, UNIVERSE - len(chosen))]
    )
    frame = pd.DataFrame({"score": score}, index=pd.Index(names, name="symbol"))
    return frame.assign(rank=frame["score"].rank(ascending=False, method="first").astype(int)).sort_index()


STRETCHES: list[tuple[State, int]] = [
    ("BULL", 58),
    ("NEUTRAL", 34),
    ("BEAR", 26),
    ("CRASH", 14),
    ("BEAR", 21),
    ("NEUTRAL", 40),
    ("BULL", 59),
]
DRIFT = {"BULL": 0.0011, "NEUTRAL": 0.0001, "BEAR": -0.0022, "CRASH": -0.0085}
NOISE = {"BULL": 0.006, "NEUTRAL": 0.008, "BEAR": 0.013, "CRASH": 0.026}


def _states() -> list[State]:
    return [state for state, count in STRETCHES for _ in range(count)]


def _market_returns() -> np.ndarray:
    rng = np.random.default_rng(3)
    states = _states()
    return np.array([rng.normal(DRIFT[state], NOISE[state]) for state in states])


def _regime_history(run: Run) -> pd.DataFrame:
    states = _states()
    sessions = sessions_ending(run.session.day, len(states))
    vix = {"BULL": 13.0, "NEUTRAL": 18.0, "BEAR": 27.0, "CRASH": 44.0}
    return pd.DataFrame(
        {"state": states, "volatility_pct": [vix[state] for state in states]},
        index=pd.Index(sessions.astype("datetime64[ns]"), name="session"),
    )


def _regime(run: Run, state: State) -> Regime:
    return Regime(
        session=run.session.day,
        state=state,
        exposure_cap={"CRASH": 0.0, "BEAR": 0.3, "NEUTRAL": 0.7, "BULL": 1.0}[state],
        allows_new_positions=state != "CRASH",
        inputs={
            "trend": 0.064,
            "volatility_pct": 13.4,
            "breadth": 0.71,
            "correlation": 0.24,
            "drawdown": -0.012,
        },
        notes=(),
        history=ref("regime_history"),
    )


def _backdrop(run: Run) -> Backdrop:
    returns = _market_returns()
    return Backdrop(
        names={line[0]: line[1] for line in LINES},
        sessions=sessions_ending(run.session.day, len(returns)),
        benchmark=4_800 * np.exp(np.cumsum(returns)),
        sectors={line[0]: line[2] for line in LINES},
    )


def _names(run: Run, frames: Frames) -> dict[str, NameHistory]:
    """Return a year of closes that end at the trade's price; the first name has been held and ranked for a week."""
    sessions = sessions_ending(run.session.day, 253)
    week = sessions[-6:].tolist()
    return {
        str(line["symbol"]): NameHistory(
            sessions,
            line["price"] * np.exp(np.linspace(-0.2, 0.0, 253) + 0.02 * np.sin(np.arange(253) + place)),
            tuple(week) if place == 0 else (),
            {day: 0.9 - 0.05 * number for number, day in enumerate(week)},
        )
        for place, line in enumerate(frames.trades.to_dict("records"))
    }


def _returns(run: Run, rng: np.random.Generator) -> pd.DataFrame:
    names = [line[0] for line in LINES]
    market = _market_returns()
    noise = rng.standard_t(5, (len(market), len(names))) * 0.009
    return pd.DataFrame(
        market[:, None] * 0.9 + noise, index=sessions_ending(run.session.day, len(market)), columns=names
    )


def _history(run: Run, rows: int, equity: float) -> pd.DataFrame:
    if not rows:
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    rng = np.random.default_rng(9)
    market = np.expm1(_market_returns()[-rows - 1 : -1])
    book = 0.72 * market + rng.normal(0.0004, 0.003, rows)
    level = np.cumprod(1 + book)
    states = _states()[-rows - 1 : -1]
    days = sessions_ending(run.session.day, rows + 1)[:-1]
    return pd.DataFrame(
        {
            "date": [str(day) for day in days],
            "equity": [f"{value:.2f}" for value in level / level[-1] * equity * 0.9956],
            "daily_return": [f"{value:.8f}" for value in book],
            "regime": states,
            "turnover": ["0.08000000"] * rows,
            "cost": ["41.20"] * rows,
            "exposure": ["0.80000000"] * rows,
            "benchmark_return": [f"{value:.8f}" for value in market],
        },
        dtype=str,
    )


def _previous(run: Run) -> PreviousDay:
    equity = CASH_USD + sum(line[4] * line[5] for line in LINES)
    weights = {line[0]: line[4] * line[5] / equity for line in LINES if line[5]}
    return PreviousDay(
        session=date(2024, 6, 13),
        regime="NEUTRAL",
        model_name="lightgbm",
        model_hash="ab12cd34ef56" + "7" * 52,
        weights=weights | {CASH: 1 - sum(weights.values())},
        fingerprint="c" * 64,
    )


def _checks(*, blocked: bool) -> Checks:
    return Checks(
        checks=(
            Check("weights_sum", passed=True, value="1.000000", limit="1 ± 0.000001", detail=""),
            Check("position_weight", passed=True, value="9.1%", limit="15.0%", detail=""),
            Check("sector_weight", passed=True, value="21.3%", limit="30.0%", detail=""),
            Check("long_only", passed=True, value="0 short lines", limit="0", detail=""),
            Check(
                "buys",
                passed=not blocked,
                value="47.2%" if blocked else "31.8%",
                limit="40.0%",
                detail="Buys are larger than the day's allowance." if blocked else "",
            ),
            Check("trade_size", passed=True, value="8.0%", limit="10.0%", detail=""),
            Check("cost", passed=True, value="0.031%", limit="0.500%", detail=""),
            Check("trade_count", passed=True, value="23", limit="50", detail=""),
            Check("price_collar", passed=True, value="0.0%", limit="10.0%", detail=""),
            Check("fat_finger", passed=True, value="1.6×", limit="10×", detail=""),
        ),
        kill_switch="daily loss of 3.4%, limit 3.0%" if blocked else "clear",
    )
