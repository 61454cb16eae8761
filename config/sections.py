"""One frozen model per slice. Every figure a person may want to change is here, described and bounded.

Shipped values stand in base.yaml, not here: a limit that nobody set is an error, never a guess.
"""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """What all sections share: frozen, nothing unknown, no silent conversion of a string to a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class FilesProvider(Section):
    """A folder of files that the user keeps."""

    path: Path | None
    """Folder of CSV or Parquet files; needed when data.provider is files."""


class SimulatedProvider(Section):
    """The embedded market, for learning and for proofs."""

    seed: int
    """Equal seeds give equal markets."""
    symbols: Annotated[int, Field(ge=20, le=20_000)]
    """How many companies are listed on an average session."""
    first_session: date
    """Where the simulated history begins."""
    information_coefficient: Annotated[float, Field(ge=0, le=0.3)]
    """Strength of the planted alpha: correlation of true expected and realised 5-day returns; 0 plants none."""
    fault_rate: Annotated[float, Field(ge=0, le=0.01)]
    """Share of bars that are delivered wrong, to try the quality gates: missing, ten-fold, stale, doubled …"""


class Pace(Section):
    """The most requests that all processes of this home together send in any such span; null: no limit of its kind."""

    second: Count | None
    minute: Count | None
    hour: Count | None
    day: Count | None


class AlpacaProvider(Section):
    """Alpaca's market data."""

    feed: Literal["sip", "iex"]
    """Whose trades make a bar: all exchanges (sip), or IEX alone."""
    pace: Pace


class TiingoProvider(Section):
    """Tiingo's end-of-day prices."""

    pace: Pace


class Quality(Section):
    """When data is good enough to trade on."""

    min_present_frac: Fraction
    """Share of the expected symbols that must have a bar on the session, or the run stops."""
    max_quarantined_frac: Fraction
    """Share of symbols in quarantine above which the run stops."""
    max_repeated_frac: Fraction
    """Share of bars equal to the previous session's above which the whole session counts as stale."""
    max_move_frac: Positive
    """A move beyond this without a corporate action, and out of line with the market, is quarantined."""
    quarantine_sessions: Count
    """How many sessions a symbol stays out of new trades after its last finding."""


class Universe(Section):
    """Which names may be bought, judged on trailing data only."""

    min_price_usd: NotNegative
    """Names below this close are not bought."""
    min_dollar_volume_usd: NotNegative
    """Names whose median dollar volume of the last 21 sessions is below this are not bought."""
    min_history_sessions: Count
    """Names with fewer bars than this are not scored."""


class FredProvider(Section):
    """The Federal Reserve's series: Treasury bill and volatility index."""

    pace: Pace


class YahooProvider(Section):
    """Yahoo Finance; one turn is one symbol."""

    pace: Pace


class EdgarProvider(Section):
    """The Securities and Exchange Commission's register of companies."""

    pace: Pace


IN_A_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")


def valid_lake(name: str) -> str:
    """Return the name if a lake may lie there. What is refused is not repeated: it may hold a key."""
    if name != "home" and not IN_A_BUCKET.fullmatch(name):
        raise ValueError(
            "must be home, or s3://BUCKET/PREFIX: letters, digits, dots, hyphens and underscores between the "
            "slashes, no slash at the end, and never a key or an address: those are read from the environment"
        )
    return name


LakeName = Annotated[str, AfterValidator(valid_lake)]
ProviderName = Literal["simulated", "files", "alpaca", "tiingo", "fred", "yahoo", "edgar"]


class Data(Section):
    """Market data."""

    lake: LakeName
    """Where it is kept: home, or s3://BUCKET/PREFIX in an S3-compatible object store, see docs/data-operations.md."""
    provider: ProviderName | Annotated[tuple[ProviderName, ...], Field(min_length=1)]
    """Where data comes from. Of a list each table comes from the first that can give it and does."""
    compare_with: tuple[ProviderName, ...]
    """Providers that are asked for the same bars, to compare: a difference over 1 % is told, see docs/data.md."""
    benchmark: str
    """Level series that stands for the market."""
    volatility_index: str
    """Level series of the volatility index."""
    symbols_file: Path | None
    """Names to ask a provider in the network for, one a line; without it Alpaca is asked for all it lists."""
    first_session: date
    """Where the history that is asked of a provider in the network begins."""
    files: FilesProvider
    simulated: SimulatedProvider
    alpaca: AlpacaProvider
    tiingo: TiingoProvider
    fred: FredProvider
    yahoo: YahooProvider
    edgar: EdgarProvider
    quality: Quality
    universe: Universe

    @property
    def providers(self) -> tuple[ProviderName, ...]:
        """The providers in the order in which they are asked; a single name is a list of one."""
        return self.provider if isinstance(self.provider, tuple) else (self.provider,)


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
    max_cap_class_frac: dict[Literal["large", "mid", "small"], Fraction]
    """No cap class weighs more, where cap data exists."""
    max_correlation: Fraction
    """Pairs above this are handled by shrinking the smaller position."""
    score_to_return: NotNegative
    """Expected yearly return of a name one standard deviation above the mean score, per unit of its volatility."""
    solver_time_limit_s: Positive
    """An optimizer that takes longer is left for the next rung of the ladder."""


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

    max_turnover_frac: Fraction
    """All buys of a day as a share of the book; selling is never held back."""
    max_entry_turnover_frac: Fraction
    """The same for the session in which an empty book is first invested."""
    max_trade_frac: Fraction
    """No trade is a larger share of the book."""
    max_cost_frac: Fraction
    """All estimated costs of the day as a share of the book."""
    max_daily_notional_frac: Positive
    """Buys and sells of a day together as a multiple of the book."""
    max_price_deviation_frac: Fraction
    """A trade's price may differ this much from the last close."""
    fat_finger_multiple: Positive
    """A trade may not be this many times the size of the median trade of an equal book."""
    kill_daily_loss_frac: Fraction
    """A loss of one session beyond this trips the kill switch."""
    kill_sharpe: float
    """Annualised Sharpe over kill_sharpe_sessions below this trips the kill switch."""
    kill_sharpe_sessions: Annotated[int, Field(ge=5)]
    kill_stale_sessions: Annotated[int, Field(ge=0)]
    """Data older than this many sessions trips the kill switch."""


class Reporting(Section):
    """The report."""

    title: Annotated[str, Field(max_length=80)]
    """Heading of the report."""
