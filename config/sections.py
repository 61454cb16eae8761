"""One frozen model per slice, with every setting, its description and bounds (market data: `data_section`).

The defaults are in base.yaml, not here: a missing limit is an error.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from config.section import Count, Fraction, NotNegative, OptimizerName, Positive, Section


class SearchRange(Section):
    """Range of values that a search tries for one parameter."""

    low: int | float
    """Smallest value; if both bounds are whole numbers, only whole numbers are tried."""
    high: int | float
    """Largest value."""
    scale: Literal["linear", "log"]
    """Distribution of the values over the range."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low must be below high")
        if self.scale == "log" and self.low <= 0:
            raise ValueError("low must be above 0 on a log scale")
        return self


class Search(Section):
    """The parameter search, for candidates with a search space (docs/tuning.md)."""

    enabled: bool
    """Whether candidates with a search space take part in `weekly`; never in `weekly --quick`."""
    trials: Count
    """Number of trials of each search; every one counts in the trial ledger."""
    batch: Count
    """Number of trials proposed together: large batches run more in parallel, small ones learn from results sooner."""


class Candidate(Section):
    """One candidate of the weekly selection."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    """Name in reports and metadata."""
    kind: Literal[
        "xgboost",
        "lightgbm",
        "catboost",
        "random_forest",
        "quadratic_ridge",
        "rank_blend",
        "stacked_blend",
        "momentum_52_week",
        "best_feature",
        "equal_weight",
    ]
    """Kind of model."""
    parameters: dict[str, float | int | str]
    """Passed to the model unchanged."""
    search: dict[str, SearchRange] = Field(default_factory=dict)
    """Parameters to search each week, if models.search.enabled; by default none."""


class FeatureChecks(Section):
    """The weekly checks of each feature."""

    sample_rows: Count
    """Largest number of the candidate's training rows that are sampled."""
    min_variance: Positive
    """A feature whose variance is lower is dead."""
    max_correlation: Fraction
    """Features whose absolute correlation is higher are near-duplicates."""
    max_rank_ic: Fraction
    """A feature is a possible look-ahead if its own absolute mean rank IC exceeds this
    and its t exceeds max_rank_ic_t."""
    max_rank_ic_t: Positive
    """The absolute t-statistic of that rank IC that must also be exceeded."""


class Models(Section):
    """Training and selection of the champion."""

    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1)]
    """The candidates that the weekly flow trains; of learners with nearly equal results, the first is selected."""
    quick_candidates: tuple[str, ...]
    """Names of the candidates that `weekly --quick` trains."""
    features: Literal["standard", "alpha158", "all"]
    """The set of features that models are trained on; after a change, the next `weekly` must train a new champion."""
    target: Literal["neutral_rank", "rank", "significant_move", "triple_barrier"]
    """What is learned: mean rank over horizons, residualized or raw; a move above 1%; or which barrier was hit."""
    entry: Literal["next_open", "next_close"]
    """Entry price of labels and tests: the open or the close of the session after the decision."""
    label_horizons: Annotated[tuple[int, ...], Field(min_length=1)]
    """Horizons of forward returns, in sessions; training uses every n-th session (n: the shortest), tests use all."""
    sample_weights: Literal["equal", "time_decay", "uniqueness", "combined"]
    """Lower training weight for older rows (time_decay), for rows with overlapping labels (uniqueness), or for both."""
    half_life_sessions: Count
    """With time decay, a row has half the weight of one this many sessions later."""
    train_sessions: Count | None
    """Length of a training window; null: all earlier sessions (an expanding window)."""
    min_train_sessions: Count
    """A fold preceded by fewer sessions of history than this is omitted."""
    test_sessions: Count
    """Sessions in each out-of-sample window; the last window has up to 20 more."""
    folds: Count
    """Number of out-of-sample windows; the most recent ones are used (boundaries: docs/model-selection.md)."""
    embargo_sessions: Annotated[int, Field(ge=0)]
    """Sessions omitted between the end of the training labels and the test."""
    min_t_statistic: float
    """The t-statistic of a champion's out-of-sample neutral IC must reach this, or the baseline is used."""
    min_deflated_sharpe: Fraction
    """Smallest deflated Sharpe ratio of a champion, given all trials to date; 0: no minimum."""
    max_train_test_gap: Fraction
    """Largest gap with which a candidate is confirmed: hit rate in training minus that in the test, over all folds."""
    processes: Count
    """Number of training processes; 1: two threads in this process. It does not affect the results."""
    cluster: Annotated[str, Field(pattern=r"^$|^(tcp|tls)://[A-Za-z0-9.\-]+:[0-9]{1,5}$")]
    """Address of a Dask scheduler whose workers train instead (docs/growing.md); empty: none. No effect on results."""
    search: Search
    feature_checks: FeatureChecks
    max_age_days: Count
    """A champion selected longer ago than this is not used. The check `champion_age` also applies it to the last
    training day."""


class Regime(Section):
    """The state of the market and what it allows."""

    model: Literal["rules", "statistical"]
    """What sets the state: the rules, or a Markov-switching model of the benchmark's volatility."""
    confirm_sessions: Count
    """A better state must hold for this many sessions before it takes effect; a worse one takes effect sooner."""
    crash_confirm_sessions: Count
    """CRASH becomes BEAR after this many sessions without the signs of a crash."""
    improve_margin: Annotated[float, Field(ge=0, lt=1)]
    """A state better than BEAR requires volatility to be below its limit by this fraction."""
    worsen_sessions: Count
    """A worse state must hold for this many sessions before it takes effect."""
    history_sessions: Count
    """Number of sessions whose states the report shows."""
    exposure_cap: dict[Literal["CRASH", "BEAR", "NEUTRAL", "BULL"], Fraction]
    """Largest fraction of the portfolio that may be invested in each state."""
    size_multiplier: dict[Literal["CRASH", "BEAR", "NEUTRAL", "BULL"], Fraction]
    """Fraction of `portfolio.max_position_frac` that one position may have in each state."""
    max_buys_frac: dict[Literal["CRASH", "BEAR", "NEUTRAL", "BULL"], Fraction]
    """Largest total of the buys of one session in each state, as a fraction of the portfolio (see also safety)."""
    no_new_positions: list[Literal["CRASH", "BEAR", "NEUTRAL", "BULL"]]
    """States in which nothing is bought: no new positions and no increases. CRASH must be one of them."""
    stop_loss_frac: dict[Literal["CRASH", "BEAR", "NEUTRAL", "BULL"], Annotated[float, Field(ge=0, lt=1)]]
    """Stop loss: a name that closed more than this below its recent high is sold and not bought; 0: no stop."""
    stop_high_sessions: Annotated[int, Field(ge=1, le=252)]
    """Number of sessions whose highest close is the recent high."""
    stop_pause_sessions: Annotated[int, Field(ge=1, le=252)]
    """Number of sessions for which a name remains stopped, counted from its last close beyond the stop."""
    crash_volatility: Positive
    """Volatility index (percent) at or above which a narrow market is a crash."""
    crash_breadth: Fraction
    """Such a crash requires less than this fraction of members above their 50-session mean."""
    panic_volatility: Positive
    """Volatility index (percent) at or above which any market below its 200-session mean is a crash."""
    bear_volatility: Positive
    """Volatility index (percent) at or above which a market with `bear_signs` signs of weakness is a bear market."""
    bear_signs: Annotated[int, Field(ge=0, le=4)]
    """Smallest number of signs of weakness in a bear market: below its mean, narrow, correlated, far below its high."""
    calm_volatility: Positive
    """Volatility index (percent) below which a market is a bull market unless it has too many signs of weakness."""
    bull_signs: Annotated[int, Field(ge=0, le=4)]
    """Largest number of signs of weakness in a bull market."""
    weak_breadth: Fraction
    """A smaller fraction of members above their 50-session mean is a sign of weakness."""
    weak_correlation: Fraction
    """Average pairwise correlation above this is a sign of weakness."""
    weak_drawdown: Fraction
    """The benchmark this far below its 252-session high is a sign of weakness."""
    reduce_above_volatility: Positive
    """Volatility index (percent) above which exposure is reduced in every state."""
    reduced_exposure: Fraction
    """Fraction of the exposure cap that is left above that volatility index, or when volatility is unknown."""

    @field_validator("no_new_positions")
    @classmethod
    def _a_crash_allows_no_new_positions(cls, states: list[str]) -> list[str]:
        if "CRASH" not in states:
            raise ValueError("CRASH is missing: a crash allows no new positions")
        return states

    @field_validator("size_multiplier", "max_buys_frac", "stop_loss_frac")
    @classmethod
    def _each_state_has_a_value(cls, values: dict[str, float]) -> dict[str, float]:
        missing = {"CRASH", "BEAR", "NEUTRAL", "BULL"} - set(values)
        if missing:
            raise ValueError(f"no value for {', '.join(sorted(missing))}")
        return values

    @field_validator("stop_loss_frac")
    @classmethod
    def _a_worse_state_has_no_wider_stop(cls, stops: dict[str, float]) -> dict[str, float]:
        widths = [stops[state] or math.inf for state in ("CRASH", "BEAR", "NEUTRAL", "BULL")]
        if widths != sorted(widths):
            raise ValueError(
                "a worse state must not have a wider stop: CRASH ≤ BEAR ≤ NEUTRAL ≤ BULL, where 0 means no stop"
            )
        return stops

    @field_validator("exposure_cap")
    @classmethod
    def _each_state_has_a_cap(cls, caps: dict[str, float]) -> dict[str, float]:
        missing = {"CRASH", "BEAR", "NEUTRAL", "BULL"} - set(caps)
        if missing:
            raise ValueError(f"no cap for {', '.join(sorted(missing))}")
        if not caps["CRASH"] <= caps["BEAR"] <= caps["NEUTRAL"] <= caps["BULL"]:
            raise ValueError("a worse state must not allow more exposure: CRASH ≤ BEAR ≤ NEUTRAL ≤ BULL")
        return caps


class Scenario(Section):
    """One stress scenario: returns of the market and of sectors, as fractions."""

    market: Annotated[float, Field(ge=-1, le=1)]
    """Return of the benchmark."""
    sectors: dict[str, Annotated[float, Field(ge=-1, le=2)]]
    """Returns of sectors; names in a sector without one move with their beta alone."""


class Risk(Section):
    """Covariance, tail risk, stress scenarios and the limits that the report warns about."""

    window_sessions: Count
    """Number of sessions of returns for the covariance estimate."""
    min_history_frac: Fraction
    """Names with returns in a smaller fraction of those sessions get no estimate."""
    covariance: Literal["ledoit_wolf", "factor_model"]
    """Covariance estimate: the shrunk sample covariance, or a model of statistical factors."""
    factors: Count
    """Number of statistical factors of `factor_model`; at most a third of the names and of the sessions is used."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """Confidence level of VaR and CVaR."""
    monte_carlo_paths: Count
    """Number of simulated paths of 21 sessions."""
    cluster_correlation: Fraction
    """Names with at least this average correlation form a cluster."""
    daily_budget_frac: Positive
    """Daily risk budget: largest historical VaR of one session, as a fraction of the portfolio."""
    max_var_21d_frac: Positive
    """Largest historical VaR of 21 sessions, as a fraction of the portfolio."""
    max_volatility: Positive
    """Largest annualized volatility of the portfolio after the trades, as a fraction."""
    max_beta: Positive
    """Largest beta to the benchmark of the portfolio after the trades."""
    max_cluster_frac: Positive
    """Largest weight of a cluster of correlated names."""
    max_scenario_loss_frac: Positive
    """Largest loss in any scenario, as a fraction of the portfolio."""
    max_drawdown_frac: Positive
    """Largest fall of equity below its highest close."""
    warn_at_frac: Fraction
    """The report warns when a figure reaches this fraction of its limit."""
    scenarios: dict[str, Scenario]
    """Stress scenarios by name; a name of your own adds one."""


class Methods(Section):
    """Parameters of single optimizers."""

    hrp_tilt_frac: Fraction
    """`tilted_hrp` multiplies HRP's weights by 1 + this for the best score, down to 1 - this for the worst."""
    risk_aversion: Positive
    """Expected excess return per unit of variance, for `black_litterman`'s equilibrium and the benefit of trades."""
    view_confidence: Annotated[float, Field(gt=0, le=1)]
    """`black_litterman`: how far expected returns move from the equilibrium (0) to those of the scores (1)."""
    view_tau: Annotated[float, Field(gt=0, le=1)]
    """`black_litterman`: variance of the error of the equilibrium returns, as a fraction of the returns' variance."""


class Overlays(Section):
    """Overlays that reduce the optimizer's weights; 0 turns one off."""

    correlation_reduction: Fraction
    """Reduces each weight by this × its weighted mean correlation with the other positions (0 if negative)."""
    kelly_frac: Fraction
    """Caps the portfolio at this fraction of its Kelly size; not applied if the champion does not rank names."""
    volatility_target: NotNegative
    """Caps the portfolio's annual volatility at this fraction."""


class Portfolio(Section):
    """The portfolio and its limits."""

    initial_cash_usd: Positive
    """Cash of a new portfolio."""
    optimizer: OptimizerName
    """First method of the fallback ladder, unless the weekly selection prefers one of selection.optimizers;
    docs/optimizers.md describes each method."""
    max_positions: Count
    """Number of top-scored names that the optimizer considers."""
    keep_rank_multiple: Annotated[float, Field(ge=1, le=100)]
    """A holding remains a candidate while its rank is at most this × max_positions and it is not in the bottom third;
    1: no preference."""
    costs_per_year: NotNegative
    """How many times a year the cost of a trade is charged against the annual tracking variance;
    0: costs are ignored."""
    max_position_frac: Fraction
    """Largest weight of a position."""
    max_sector_frac: Fraction
    """Largest weight of a sector."""
    unknown_sector: Literal["one_sector", "each_its_own"]
    """How names of unknown sector count: together as one sector, or each as its own sector."""
    max_cap_class_frac: dict[Literal["large", "mid", "small"], Fraction]
    """Largest weight of a cap class, where cap data exists."""
    max_correlation: Fraction
    """Above this correlation, the smaller position of a pair is reduced."""
    solver_max_iterations: Count
    """If an optimizer's solver needs more iterations, the ladder tries the next method."""
    methods: Methods
    overlays: Overlays


class Trades(Section):
    """Sizing and limits of trades."""

    min_notional_usd: NotNegative
    """Smaller trades are not worth their costs and are listed as dropped."""
    max_trades: Count
    """Largest number of trades per day; exits come first, then other sells, then the largest buys."""
    max_adv_frac: Fraction
    """Largest trade as a fraction of average daily volume; a larger one is cut to this and marked."""
    min_weight_change_frac: Fraction
    """A position closer to its target than this fraction of the portfolio (plus one share) is not traded unless a limit
        requires it."""
    min_drift_frac: Fraction
    """The same for a fraction of the target (plus one share); the wider of the two bands applies."""
    survival_runs: Annotated[int, Field(ge=0, le=1000)]
    """Number of reruns, with resampled returns and small noise, to count how often each trade persists; 0: none."""
    fragile_below_frac: Fraction
    """A trade that persists in a smaller fraction of the reruns is marked as fragile."""


class Safety(Section):
    """Limits of the safety checks and of the kill switch."""

    max_buys_frac: Fraction
    """Largest total of a day's buys, as a fraction of the portfolio; it never cuts sells."""
    max_entry_buys_frac: Fraction
    """The same for the session in which an empty portfolio is first invested; 1 means only cash limits it."""
    max_trade_frac: Fraction
    """Largest trade as a fraction of the portfolio."""
    max_cost_frac: Fraction
    """Largest total of a day's estimated costs, as a fraction of the portfolio."""
    max_daily_notional_frac: Positive
    """Largest total of a day's buys and sells, as a multiple of the portfolio; only buys are cut."""
    max_price_deviation_frac: Fraction
    """Largest deviation of a trade's price from the last close."""
    fat_finger_multiple: Positive
    """Largest trade, as a multiple of trades.max_adv_frac × the name's median daily volume."""
    kill_daily_loss_frac: Fraction
    """A one-session loss beyond this trips the kill switch."""
    kill_sharpe: float
    """The kill switch trips if the annualized Sharpe ratio of the last kill_sharpe_sessions sessions is below this."""
    kill_sharpe_sessions: Annotated[int, Field(ge=5)]
    """Number of sessions over which that Sharpe ratio is computed; with fewer, the rule does not apply."""
    kill_volatility: Positive
    """A volatility index above this trips the kill switch for new risk: reductions are still allowed."""
    kill_stale_sessions: Annotated[int, Field(ge=0)]
    """Data older than this many sessions trips the kill switch."""


class Approval(Section):
    """What an approval covers, and how many people must sign it; docs/approval.md."""

    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """The account at the broker; an approval for another account is not valid."""
    mode: Literal["paper", "live"]
    """Whether that account trades with real money; an approval for the other mode is not valid."""
    persons: Annotated[int, Field(ge=1, le=2)]
    """Number of different approvers who must sign."""
    price_band_frac: Fraction
    """A line is void once its price differs from the approved price by more than this fraction."""
    size_band_frac: Fraction
    """A line is void if its order would have to shrink by more than this fraction of the approved shares."""


class ExportColumns(Section):
    """The columns of your broker's CSV export of fills, for `afterclose fills import`."""

    symbol: Annotated[str, Field(min_length=1)]
    """The column of the symbol."""
    side: str
    """The column of the side (BUY, SELL and usual spellings); empty: a negative number of shares is a sell."""
    shares: Annotated[str, Field(min_length=1)]
    """The column of the shares."""
    price: Annotated[str, Field(min_length=1)]
    """The column of the price per share, in USD."""
    fee: str
    """The column of commission and fees, in USD; empty: the export has none."""
    id: str
    """The column of the fill's id; empty: two equal lines are two fills, numbered by their order in the file."""


class Execution(Section):
    """Who executes approved trades, and how; docs/execution.md."""

    broker: Literal["paper", "manual", "alpaca"]
    """The broker of `afterclose execute`."""
    timing: Literal["market", "limit", "at_open", "at_close"]
    """How orders are timed: market (in a paper account: at the open), a limit, or in the opening or closing auction."""
    limit_collar_frac: Fraction
    """Distance of a limit from the current price, in the direction that fills it; buys reserve cash for such a rise."""
    deadline_minutes: Annotated[int, Field(ge=0, le=390)]
    """Minutes after the open for which buys wait for the sells; then open sells are canceled. 0: until the close."""
    poll_s: Positive
    """Seconds between two requests to the broker while an execution waits."""
    export: ExportColumns
    scheduled_dry_run: bool
    """Whether scheduled runs of execute-approved are dry runs: nothing is sent or stored."""
    allows_live: bool
    """Whether live trading is allowed. AFTERCLOSE_LIVE_ACCOUNT must name the account, too."""
    no_answer: Literal["nothing", "reductions"]
    """What is executed of a day that nobody approved or rejected in time: nothing, or its sells; buys always lapse."""
    no_answer_minutes: Annotated[int, Field(ge=5, le=600)]
    """Minutes before the next open at which a day without an answer starts to count as unanswered."""
    max_clock_skew_s: Positive
    """Nothing is sent if the clocks of this machine and the broker differ by more seconds than this."""
    max_quote_age_s: Positive
    """While the exchange is open, an order needs a quote that is at most this many seconds old."""
    max_limit_deviation_frac: Fraction
    """Largest distance of a limit from that quote, in both directions."""
    min_price_usd: NotNegative
    """A name that is quoted lower is not bought."""
    max_equity_change_frac: Fraction
    """Nothing is bought if the equity at the broker differs by more than this fraction from the approved one."""
    max_daily_orders: Count
    """Largest number of orders sent in a session, over all runs together."""
    spends_unsettled: bool
    """Whether buys may use the proceeds of sells that have not settled."""
    ramp_sessions: Annotated[int, Field(ge=0, le=252)]
    """Number of sessions, after a different champion is promoted, in which buys are limited further; 0: none."""
    ramp_max_buys_frac: Fraction
    """In these sessions: largest total of a session's buys, as a fraction of equity."""
    ramp_max_trade_frac: Fraction
    """In these sessions: largest buy, as a fraction of equity."""
    ramp_max_new_names: Annotated[int, Field(ge=0)]
    """In these sessions: largest number of names bought in a session that were not held before it."""
    name_sessions: Annotated[int, Field(ge=1, le=252)]
    """Number of recent sessions in which the trades in a name are counted."""
    max_name_sessions: Count
    """A name that was traded in this many of these sessions is not bought; sells are not limited."""


class Running(Section):
    """Time limits and retries of runs started by Prefect."""

    daily_timeout_s: Count
    """A daily-live run that takes longer is ended, so that the next one can start."""
    weekly_timeout_s: Count
    """The same for weekly-champion."""
    retries: Annotated[int, Field(ge=0, le=1_000)]
    """Number of retries after a transient error: a home in use, a provider that does not answer."""
    retry_delay_s: Annotated[int, Field(ge=0, le=86_400)]
    """Delay before each retry."""


class Reporting(Section):
    """The report."""

    title: Annotated[str, Field(max_length=80)]
    """Heading of the report."""
