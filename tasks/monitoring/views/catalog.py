"""List every view that `afterclose sql` offers, with the meaning of each column. docs/sql.md is generated from it."""

from collections.abc import Mapping

from tasks.monitoring.views.schema import Column, Kind, View


def _view(name: str, about: str, /, **columns: tuple[Kind, str]) -> View:
    return View(name, about, tuple(Column(column, *described) for column, described in columns.items()))


SESSION: tuple[Kind, str] = ("day", "the session of the decision")
SYMBOL: tuple[Kind, str] = ("text", "as in effect on that session")

DAYS = _view(
    "days",
    "One row for each day in live/. A day whose files do not agree with its manifest has only `problem`.",
    session=SESSION,
    status=("text", "published or reductions_only"),
    regime=("text", "CRASH, BEAR, NEUTRAL or BULL"),
    model=("text", "name of the champion"),
    model_sha256=("text", "hash of its file"),
    optimizer=("text", "of the champion"),
    snapshot=("text", "id of the data"),
    equity_usd=("number", "before the trades"),
    cost_usd=("number", "estimated"),
    trades=("count", "proposed"),
    scored=("count", "names with a score"),
    universe=("count", "names"),
    quarantined=("count", "names that failed a check of the data"),
    parity=("text", "equal, different or not compared with the backtest"),
    kill_switch=("text", "clear, or why it was on"),
    provider=("text", "of the data"),
    manifest_sha256=("text", "hash of manifest.json"),
    problem=("text", "why the day cannot be read; empty if it can"),
)
SCORES = _view(
    "scores",
    "The champion's score of every name.",
    session=SESSION,
    symbol=SYMBOL,
    score=("number", "higher is better"),
    rank=("count", "1 is the best"),
)
WEIGHTS = _view(
    "weights",
    "The target portfolio and the shares after the trades (portfolio_weights.csv); CASH is a row, and the target "
    "weights of a session sum to 1.",
    session=SESSION,
    symbol=SYMBOL,
    weight=(
        "number",
        "of the target, before rounding to whole shares, as a fraction of the equity before the trades",
    ),
    current_weight=("number", "held before the trades, as a fraction of the same equity"),
    shares=("number", "held once all trades are filled; for CASH, USD after costs"),
    price=("number", "close in USD"),
    sector=("text", "empty for CASH"),
    score=("number", "empty where the name has none"),
)
TRADES = _view(
    "trades",
    "The proposed trades (trades.csv).",
    session=SESSION,
    line=("count", "from 1, in the order of the file"),
    symbol=SYMBOL,
    side=("text", "BUY or SELL"),
    shares=("number", "positive"),
    price=("number", "close in USD"),
    notional=("number", "USD, positive"),
    weight_change=("number", "as a fraction of the equity"),
    commission_est=("number", "USD"),
    slippage_est=("number", "USD"),
    action=("text", "OPEN, INCREASE, REDUCE or CLOSE"),
    reason=("text", "in words"),
    liquidity_warning=("text", "yes or empty"),
    algorithm=("text", "how it is to be executed"),
)
CHECKS = _view(
    "checks",
    "The safety checks of each day, as in monitoring_log.json.",
    session=SESSION,
    name=("text", "of the check"),
    outcome=("text", "passed or failed"),
    value=("text", "what was found"),
    limit_value=("text", "what is allowed"),
    detail=("text", "in words"),
)
LIMITS = _view(
    "risk_limits",
    "The risk limits of each day and how much of each was used.",
    session=SESSION,
    name=("text", "of the limit"),
    value=("number", "what was found"),
    limit_value=("number", "what is allowed"),
    used=("number", "value / limit"),
    state=("text", "within, warning, breached or unknown"),
)
REGIMES = _view(
    "regimes",
    "The market regime of each day and the inputs that it was computed from.",
    session=SESSION,
    regime=("text", "CRASH, BEAR, NEUTRAL or BULL"),
    exposure_cap=("number", "the largest invested fraction"),
    trend=("number", "benchmark against its 200-session average"),
    volatility_pct=("number", "VIX, or realized volatility, in percent"),
    breadth=("number", "fraction of names above their 50-session average"),
    correlation=("number", "average between names"),
    drawdown=("number", "of the benchmark, negative"),
)
ALERTS = _view(
    "alerts",
    "The alerts of each day (docs/monitoring.md).",
    session=SESSION,
    name=("text", "of the alert"),
    value=("number", "the figure"),
    limit_value=("number", "its threshold"),
    detail=("text", "in words"),
    retrain=("text", "yes if it is a reason to train a new champion"),
)
IC = _view(
    "ic",
    "How well each session's scores ordered the total returns that followed, from the champion's entry price.",
    session=("day", "of the scores"),
    measured_on=("day", "the session on which the returns became known"),
    model=("text", "name of the champion"),
    model_sha256=("text", "hash of its file"),
    horizon_sessions=("count", "of the returns"),
    names=("count", "with a score and a return"),
    ic=("number", "correlation of scores and returns"),
    rank_ic=("number", "of their ranks"),
    neutral_ic=("number", "of the ranks, residualized on sector, beta, volatility and size"),
    expected=("number", "neutral IC of the champion when it was selected"),
    q1=("number", "mean excess return of the worst fifth by score"),
    q2=("number", "of the next fifth"),
    q3=("number", "of the middle fifth"),
    q4=("number", "of the next fifth"),
    q5=("number", "of the best fifth"),
)
DRIFT = _view(
    "drift",
    "How far the features of the last sessions and the scores are from those in training.",
    session=SESSION,
    name=("text", "of the feature, before its cross-sectional transform, or score"),
    psi=("number", "population stability index"),
    ks=("number", "Kolmogorov-Smirnov distance"),
    js=("number", "Jensen-Shannon divergence in bits"),
    largest_psi=("number", "largest psi of as many sessions in training"),
    present=("number", "fraction of the names that have a value in the session"),
    present_in_training=("number", "fraction of the training rows that have a value"),
)
DAY_VIEWS = (DAYS, SCORES, WEIGHTS, TRADES, CHECKS, LIMITS, REGIMES, ALERTS, IC, DRIFT)

KNOWN: tuple[Kind, str] = ("day", "the session at whose close it was known")
PRICES = _view(
    "prices",
    "Daily bars as known today, unadjusted; restated bars have replaced the first delivery.",
    symbol=SYMBOL,
    session=("day", "of the bar"),
    open=("number", "USD"),
    high=("number", "USD"),
    low=("number", "USD"),
    close=("number", "USD"),
    volume=("number", "shares"),
)
LAKE_VIEWS = (
    PRICES,
    _view(
        "actions",
        "Dividends and splits.",
        session=("day", "ex-date"),
        symbol=SYMBOL,
        dividend=("number", "USD per share; 0: none"),
        split=("number", "new shares per old share; 1: none"),
        known=KNOWN,
    ),
    _view(
        "levels",
        "The benchmark and the volatility index.",
        session=("day", "of the bar"),
        name=("text", "such as SPY or ^VIX"),
        open=("number", "level"),
        high=("number", "level"),
        low=("number", "level"),
        close=("number", "level"),
        adj_close=("number", "total-return level"),
        known=KNOWN,
    ),
    _view(
        "members",
        "Index membership.",
        symbol=("text", "as stored in the lake"),
        start=("day", "first session as a member"),
        end=("day", "first day after membership; empty: still a member"),
        known=KNOWN,
    ),
    _view(
        "listings",
        "Names and classification of companies.",
        symbol=("text", "as stored in the lake"),
        name=("text", "of the company"),
        sector=("text", "GICS sector"),
        cap_class=("text", "large, mid, small or empty"),
        available_date=("day", "from which it was public"),
        known=KNOWN,
    ),
    _view(
        "riskfree",
        "The risk-free rate.",
        session=("day", "of the rate"),
        yield_pct=("number", "annual, in percent"),
        known=KNOWN,
    ),
    _view(
        "renames",
        "Changes of symbols.",
        session=("day", "from which the new symbol is in effect"),
        old=("text", "symbol before"),
        new=("text", "symbol after"),
        known=KNOWN,
    ),
    _view(
        "delistings",
        "Names that stopped trading.",
        session=("day", "last one with a bar"),
        symbol=SYMBOL,
        kind=("text", "such as merger or bankruptcy"),
        last_price=("number", "USD per share that a holder received"),
        known=KNOWN,
    ),
    _view(
        "findings",
        "What the quality checks found in the data. After a finding of severity quarantine, the name is not bought for "
        "some sessions; `action` states whether the bar was stored.",
        session=("day", "of the data"),
        symbol=("text", "* for the whole session"),
        rule=("text", "the check"),
        severity=("text", "note, quarantine (for some sessions), or stop (for its own session)"),
        evidence=("text", "in words"),
        action=("text", "what was done"),
        known=KNOWN,
    ),
)

EQUITY = _view(
    "equity",
    "The equity of record (performance_history.csv).",
    session=("day", "of the close"),
    equity_usd=("number", "at the close, before the trades proposed on it"),
    daily_return=("number", "net of capital flows"),
    benchmark_return=("number", "total return; empty where unknown"),
    regime=("text", "of the session"),
    turnover=("number", "of the proposed trades, as a fraction of the equity"),
    cost_usd=("number", "of the proposed trades, estimated"),
    exposure=("number", "invested fraction"),
    net_flows_usd=("number", "deposits minus withdrawals to date"),
    receivable_usd=("number", "dividends between ex-date and payment"),
)
ENTRIES = _view(
    "entries",
    "Every change in cash and shares in the ledger, in the order of booking.",
    number=("count", "from 1"),
    session=("day", "on which it counts"),
    booked_at=("instant", "UTC"),
    kind=("text", "fill, dividend, fee, deposit, correction, …"),
    symbol=("text", "empty for cash alone"),
    shares=("number", "signed"),
    cash_usd=("number", "signed, after fees"),
    receivable_usd=("number", "signed"),
    fee_usd=("number", "included in cash_usd"),
    order_id=("text", "of a fill"),
    person=("text", "who entered it, where a person did"),
    reason=("text", "in words"),
)
FILLS = _view(
    "fills",
    "The entries of the ledger that are fills of orders.",
    session=("day", "on which it filled"),
    decided=("day", "the session of the decision"),
    symbol=("text", "as ordered"),
    side=("text", "BUY or SELL"),
    shares=("number", "positive"),
    price=("number", "USD per share"),
    notional=("number", "USD, positive"),
    fee_usd=("number", "USD"),
    order_id=("text", "of the order"),
)
ORDERS = _view(
    "orders",
    "Every order of every execution.",
    session=SESSION,
    fill_session=("day", "in which it could trade"),
    line=("count", "of trades.csv, from 1"),
    part=("count", "0, and higher where a line needed another order"),
    symbol=("text", "as ordered"),
    side=("text", "BUY or SELL"),
    shares=("number", "ordered"),
    timing=("text", "market, limit, at_open or at_close"),
    limit_price=("number", "USD; empty for other timings"),
    state=("text", "filled, canceled, rejected, void, …"),
    filled_shares=("number", "booked"),
    reason=("text", "of the last change"),
    changed_at=("instant", "UTC"),
    order_id=("text", "at the broker"),
)
EXECUTIONS = _view(
    "executions",
    "Every approved day that was executed.",
    session=SESSION,
    fill_session=("day", "in which its orders could trade"),
    stage=("text", "active, finished or lapsed"),
    reason=("text", "how it ended"),
    broker=("text", "empty for an execution by an earlier release"),
    mode=("text", "paper or live"),
    account=("text", "at the broker"),
    created_at=("instant", "UTC"),
    approval_sha256=("text", "hash of approval.json"),
)
APPROVED_LINES = _view(
    "approved_lines",
    "The lines of every approved day that was executed; compared with `trades`, they show what people changed.",
    session=SESSION,
    symbol=("text", "as approved"),
    side=("text", "BUY or SELL"),
    shares=("number", "positive"),
    price=("number", "of the decision, USD"),
)
AUDIT = _view(
    "audit",
    "The rows of the audit log.",
    line=("count", "from 1"),
    logged_at=("instant", "UTC"),
    event=("text", "day_approved, kill_switch_tripped, override_added, …"),
    person=("text", "who, as typed; only approvals are signed"),
    detail=("text", "in words"),
)
DECISIONS = _view(
    "decisions",
    "Approvals and rejections of days, from the audit log.",
    session=SESSION,
    decided_at=("instant", "UTC"),
    decision=("text", "approved or rejected"),
    person=("text", "who; as typed in a rejection"),
    reason=("text", "of a rejection"),
    digest=("text", "of approval.json or, for a rejection, of manifest.json"),
)
TRIALS = _view(
    "trials",
    "Every model that was ever tried in this home.",
    number=("count", "from 1"),
    session=("day", "of the weekly run or backtest"),
    run=("text", "the command that made it"),
    candidate=("text", "name"),
    kind=("text", "of the model"),
    parameters=("text", "JSON"),
    trial=("text", "hash that identifies it"),
)
MATRIX = _view(
    "matrix",
    "Every combination of the backtest matrices in reports/. A figure that was withheld is empty.",
    report=("text", "directory below reports/"),
    model=("text", "name"),
    optimizer=("text", "name"),
    regime_adaptation=("text", "on or off"),
    outcome=("text", "measured, or why it failed"),
    sessions=("count", "measured"),
    total_return=("number", "fraction"),
    cagr=("number", "fraction a year"),
    volatility=("number", "annual"),
    sharpe=("number", "annual"),
    sortino=("number", "annual"),
    max_drawdown=("number", "negative"),
    calmar=("number", "cagr / drawdown"),
    turnover=("number", "a year"),
    cost_frac=("number", "of the equity, a year"),
    win_rate=("number", "fraction of sessions"),
)
SHADOW_SCORES = _view(
    "shadow_scores",
    "What the challenger would have scored, from data/shadow/.",
    session=SESSION,
    symbol=SYMBOL,
    model=("text", "name of the challenger"),
    model_sha256=("text", "hash of its file"),
    score=("number", "higher is better"),
)
SHADOW_IC = _view(
    "shadow_ic",
    "How well the challenger's scores ordered the returns that followed; the columns are those of ic.",
    **{column.name: (column.kind, column.about.replace("champion", "challenger")) for column in IC.columns},
)
HOME_VIEWS = (
    SHADOW_SCORES,
    SHADOW_IC,
    EQUITY,
    ENTRIES,
    FILLS,
    ORDERS,
    EXECUTIONS,
    APPROVED_LINES,
    AUDIT,
    DECISIONS,
    TRIALS,
    MATRIX,
)

VIEWS: Mapping[str, View] = {view.name: view for view in (*DAY_VIEWS, *LAKE_VIEWS, *HOME_VIEWS)}
