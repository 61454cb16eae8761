"""One frozen model per slice. Every figure a person may want to change is here, described and bounded.

The market data's is in `data_section.py`. Shipped values stand in base.yaml, not here: a limit that nobody set is an
error, never a guess.
"""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from config.section import Count, Fraction, NotNegative, Positive, Section


class Candidate(Section):
    """One model that competes to be champion."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    """How reports and metadata call it."""
    kind: Literal["xgboost", "lightgbm", "random_forest", "momentum_52_week", "equal_weight"]
    """Which model is trained."""
    parameters: dict[str, float | int | str]
    """Handed to the model as they are."""


class FeatureChecks(Section):
    """What the weekly flow says about each feature."""

    sample_rows: Count
    """At most so many of the rows that the champion's candidate learned are looked at."""
    min_variance: Positive
    """A feature that varies less is dead."""
    max_correlation: Fraction
    """Features that are correlated more than this, either way, are doubles."""
    max_rank_ic: Fraction
    """A feature whose own mean rank IC, either way, is beyond this may know the future…"""
    max_rank_ic_t: Positive
    """… if the t-statistic of that rank IC is also beyond this."""


class Models(Section):
    """Training and the choice of the champion."""

    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1)]
    """What the weekly flow trains and compares; one entry adds a candidate."""
    quick_candidates: tuple[str, ...]
    """Names of the candidates that `weekly --quick` trains."""
    features: Literal["standard", "alpha158", "all"]
    """The set of features that models are handed; another one wants a new champion, from the next `weekly`."""
    target: Literal["rank", "significant_move", "triple_barrier"]
    """What is learned: the mean rank over the horizons, a move over 1 % in the shortest, or barriers in the longest."""
    label_horizons: Annotated[tuple[int, ...], Field(min_length=1)]
    """Forward returns, in sessions, that are learned. Every n-th session is used, n the shortest of them."""
    sample_weights: Literal["equal", "time_decay", "uniqueness", "combined"]
    """Rows that count for less in training: older ones, those whose labels overlap with others of the name, or both."""
    half_life_sessions: Count
    """With time decay a row counts half as much as one of so many sessions later."""
    train_sessions: Count
    """Length of a training window."""
    least_train_sessions: Count
    """A fold with less history than this before it is not made."""
    test_sessions: Count
    """Length of each out-of-sample window."""
    folds: Count
    """How many out-of-sample windows, counted back from the last session."""
    embargo_sessions: Annotated[int, Field(ge=0)]
    """Sessions left out between training and test beyond the label's own end."""
    min_t_statistic: float
    """The t-statistic of a champion's out-of-sample rank IC must reach this, or the baseline is kept."""
    max_train_test_gap: Fraction
    """A candidate whose hit rate is this much better in training than in the test is not chosen."""
    feature_checks: FeatureChecks
    max_age_days: Count
    """A champion that was chosen longer ago than this is not used."""


class Regime(Section):
    """The state of the market and what it allows."""

    confirm_sessions: Count
    """A calmer state must hold this many sessions before it is believed; a worse one is believed sooner."""
    worsen_sessions: Count
    """A worse state must hold this many sessions before it is believed."""
    history_sessions: Count
    """How many sessions of states the day carries to the report."""
    exposure_cap: dict[Literal["CRASH", "BEAR", "NEUTRAL", "BULL"], Fraction]
    """Largest share of the book that may be invested in each state."""
    crash_volatility: Positive
    """Volatility index (percent) from which a narrow market below its high is a crash."""
    crash_breadth: Fraction
    """Such a crash needs fewer members than this share above their 50-session mean."""
    crash_drawdown: Fraction
    """Such a crash needs the benchmark this far below its 252-session high."""
    panic_volatility: Positive
    """Volatility index (percent) from which any market below its 200-session mean is a crash."""
    bear_volatility: Positive
    """Volatility index (percent) from which a market with bear_signs signs of weakness is a bear."""
    bear_signs: Annotated[int, Field(ge=0, le=4)]
    """Signs of weakness that make a nervous market a bear: below its mean, narrow, in step, far below its high."""
    calm_volatility: Positive
    """Volatility index (percent) below which a market is a bull unless too many signs of weakness stand."""
    bull_signs: Annotated[int, Field(ge=0, le=4)]
    """Signs of weakness that a bull may show at most."""
    weak_breadth: Fraction
    """Fewer members above their 50-session mean than this share are a sign of weakness."""
    weak_correlation: Fraction
    """Average pairwise correlation above this is a sign of weakness."""
    weak_drawdown: Fraction
    """The benchmark this far below its 252-session high is a sign of weakness."""
    reduce_above_volatility: Positive
    """Volatility index (percent) above which exposure is halved whatever the state."""

    @field_validator("exposure_cap")
    @classmethod
    def _each_state_has_a_cap(cls, caps: dict[str, float]) -> dict[str, float]:
        missing = {"CRASH", "BEAR", "NEUTRAL", "BULL"} - set(caps)
        if missing:
            raise ValueError(f"no cap for {', '.join(sorted(missing))}")
        if not caps["CRASH"] <= caps["BEAR"] <= caps["NEUTRAL"] <= caps["BULL"]:
            raise ValueError("a worse state may not allow more: CRASH ≤ BEAR ≤ NEUTRAL ≤ BULL")
        return caps


class Risk(Section):
    """Covariance and tail risk."""

    window_sessions: Count
    """How many sessions of returns the covariance is estimated from."""
    min_history_frac: Fraction
    """Names with returns on a smaller share of those sessions get no estimate."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """Confidence of VaR and CVaR."""


class Costs(Section):
    """What a trade is estimated to cost."""

    commission_per_share_usd: NotNegative
    min_commission_usd: NotNegative
    sec_fee_rate: NotNegative
    """Fraction of the notional of sales."""
    taf_per_share_usd: NotNegative
    """FINRA trading activity fee per share sold."""
    taf_max_usd: NotNegative
    """The most that FINRA charges for one sale."""
    half_spread_bps: NotNegative
    """Half of the quoted spread of a liquid name, in basis points."""
    impact_coefficient: NotNegative
    """Square-root impact: coefficient × daily volatility × sqrt(share of average daily volume)."""


class Portfolio(Section):
    """The book and its limits."""

    initial_cash_usd: Positive
    """What an empty book starts with."""
    optimizer: Literal["max_sharpe", "min_volatility", "hrp", "inverse_volatility", "equal_weight"]
    """First rung of the ladder until the weekly flow chooses one by backtest."""
    max_positions: Count
    """How many of the best-scored names the optimizer sees."""
    max_position_frac: Fraction
    """No position weighs more."""
    max_sector_frac: Fraction
    """No sector weighs more."""
    unknown_sector: Literal["one_sector", "each_its_own"]
    """What names of unknown sector are: one sector under one limit, or each a sector of its own."""
    max_cap_class_frac: dict[Literal["large", "mid", "small"], Fraction]
    """No cap class weighs more, where cap data exists."""
    max_correlation: Fraction
    """Pairs above this are handled by shrinking the smaller position."""
    score_to_return: NotNegative
    """Expected yearly return of a name one standard deviation above the mean score, per unit of its volatility."""
    solver_max_iterations: Count
    """An optimizer whose solver needs more iterations is left for the next rung of the ladder."""


class Trades(Section):
    """From weights to orders."""

    min_notional_usd: NotNegative
    """Smaller trades are not worth their costs and are listed as dropped."""
    max_trades: Count
    """At most this many a day; exits come first, then the largest."""
    max_adv_frac: Fraction
    """A trade above this share of average daily volume is cut to it and marked."""
    min_weight_change_frac: Fraction
    """A position this close to its target (give or take one share) is left alone, unless a limit wants it smaller."""


class Safety(Section):
    """What must hold before a person sees the trades."""

    max_buys_frac: Fraction
    """All buys of a day as a share of the book; selling is never held back."""
    max_entry_buys_frac: Fraction
    """The same for the session in which an empty book is first invested; 1 sets no limit but the cash."""
    max_trade_frac: Fraction
    """No trade is a larger share of the book."""
    max_cost_frac: Fraction
    """All estimated costs of the day as a share of the book."""
    max_daily_notional_frac: Positive
    """Buys and sells of a day together as a multiple of the book; buys give way, selling is never held back."""
    max_price_deviation_frac: Fraction
    """A trade's price may differ this much from the last close."""
    fat_finger_multiple: Positive
    """A trade may not exceed trades.max_adv_frac of the name's median session by more than this factor."""
    kill_daily_loss_frac: Fraction
    """A loss of one session beyond this trips the kill switch."""
    kill_sharpe: float
    """Annualised Sharpe over kill_sharpe_sessions below this trips the kill switch."""
    kill_sharpe_sessions: Annotated[int, Field(ge=5)]
    kill_volatility: Positive
    """A volatility index above this trips the kill switch for new risk: reductions go through."""
    kill_stale_sessions: Annotated[int, Field(ge=0)]
    """Data older than this many sessions trips the kill switch."""


class Running(Section):
    """Runs that Prefect starts: how long one may take, and when it is tried again."""

    daily_timeout_s: Count
    """A daily-live that takes longer is ended, so that the next one can run."""
    weekly_timeout_s: Count
    """The same for weekly-champion."""
    retries: Annotated[int, Field(ge=0, le=1_000)]
    """How often a run is tried again after a transient error: a home in use, a provider that does not answer."""
    retry_delay_s: Annotated[int, Field(ge=0, le=86_400)]
    """How long it waits before each."""


class Reporting(Section):
    """The report."""

    title: Annotated[str, Field(max_length=80)]
    """Heading of the report."""
