"""The output of the selection slice: the weekly training, and the promotion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from config.sections import Candidate
from tasks.core.artifacts import ArtifactRef
from tasks.data.panel.coverage import Coverage
from tasks.models.schema import Baseline, Champion, Probe, Statistic


@dataclass(frozen=True)
class CandidateResult:
    """Metrics of one candidate: `choice` on the earlier folds, `confirmation` on the later ones."""

    name: str
    kind: str
    ranks: bool
    learns: bool
    choice: dict[str, float]
    confirmation: dict[str, float]
    overall: dict[str, float]
    train_test_gap: float  # hit rate in training minus that in the test, as a fraction; mean over all folds


@dataclass(frozen=True)
class Choice:
    """The selected candidate. `result` is None if the baseline is used instead."""

    result: CandidateResult | None
    reason: str


@dataclass(frozen=True)
class Rival:
    """A champion of another statistic, measured again with its frozen model on sessions after its training."""

    model_sha256: str
    sessions: int  # that could be measured; with too few it is not compared
    neutral_ic: float | None
    candidates: dict[str, float]  # neutral IC of each candidate on the same sessions


@dataclass(frozen=True)
class Evidence:
    """The annual Sharpe ratio of a candidate's out-of-sample returns, and its significance.

    Probabilities use the 2025 convention; `_2012` and `_2014` use Bailey and López de Prado's.
    """

    candidate: str
    sessions: int
    sharpe: float
    sharpe_low: float  # 95% confidence interval
    sharpe_high: float
    bar: float  # the Sharpe ratio that the best of all trials would be expected to reach by chance
    deflated: float  # probability that the true Sharpe ratio exceeds the bar
    deflated_2014: float
    probabilistic: float  # probability that it exceeds 0
    probabilistic_2012: float
    min_track_record_sessions: (
        int | None
    )  # to show with 95% certainty that it exceeds 0; None if it is not positive
    autocorrelation: float


@dataclass(frozen=True)
class Deflation:
    """The number of all trials, and the evidence for the week's best candidate given that number."""

    trials: int
    unknown: int  # of these, without returns: each counts as an independent trial
    effective: float
    min_backtest_years: (
        float  # over fewer years, the best of that many trials reaches a Sharpe ratio of 1 by chance
    )
    overfitting: float  # PBO (λ ≤ 0) among the week's candidates; NaN without enough of them
    evidence: Evidence | None  # None without an eligible candidate


@dataclass(frozen=True)
class NetFigures:
    """Figures of a portfolio after costs; NaN where they are withheld. Fractions, not percent."""

    total_return: float
    cagr: float
    volatility: float  # annual
    sharpe: float
    max_drawdown: float  # negative
    calmar: float
    turnover_month: float  # half the sum of buys and sells, divided by equity, in 21 sessions
    cost_year: float
    regime_consistency: float  # fraction of the regimes with a positive Sharpe ratio
    score: float  # weighted, 0 to 1


@dataclass(frozen=True)
class NetResult:
    """The selected candidate's portfolio over the confirmation folds, and the equal-weighted universe's."""

    optimizer: str
    first: date
    last: date
    sessions: int  # of returns
    candidate: NetFigures
    equal_weight: NetFigures
    p_value: float  # SPA, of the difference at equal volatility


@dataclass(frozen=True)
class PairResult:
    """The portfolio of a model and an optimizer over the traded selection folds, after costs."""

    model: str
    optimizer: str
    figures: NetFigures | None  # None: the backtest failed
    problem: str = ""  # why it failed
    decisions: int = 0
    fallbacks: Mapping[str, int] = field(default_factory=dict)  # decisions by another method, by that method


@dataclass(frozen=True)
class Pairs:
    """The pairs that the selection folds compare, in order of preference, and the equal-weighted universe."""

    first: date
    last: date
    sessions: int  # of returns
    results: tuple[PairResult, ...]
    equal_weight: NetFigures
    selected: PairResult | None = None  # None: no pair has a Sharpe ratio
    tied_with: PairResult | None = (
        None  # the largest score, where the selected pair is preferred at a near-tie
    )


@dataclass(frozen=True)
class Equity:
    """A portfolio after costs, and the equal-weighted universe over the same sessions; both start at 1."""

    sessions: tuple[str, ...]
    own: tuple[float, ...]
    equal_weight: tuple[float, ...]


@dataclass(frozen=True)
class CountedTrials:
    """The trials up to a session, and the annual Sharpe ratio that the best is expected to reach by chance."""

    session: str
    trials: int
    bar: float


@dataclass(frozen=True)
class PathResult:
    """The annual Sharpe ratio after costs of each path of a candidate's cross-validation; NaN: too few sessions."""

    candidate: str
    sharpes: tuple[float, ...]
    equal_weight: float  # over the same sessions
    book: Equity | None = None  # of the walk-forward scores, over the confirmation folds


@dataclass(frozen=True)
class Diversity:
    """How different the predictions of the week's candidates are, over all tested sessions."""

    names: tuple[str, ...]
    correlation: tuple[tuple[float, ...], ...]  # of ranks within a session, mean over sessions
    agreement: float  # share of names on the same side of the session's median, mean over pairs
    score: float  # 1 − the mean correlation of two candidates


@dataclass(frozen=True)
class SeedChoice:
    """What the selection folds select under another seed, with its figures there and under the seed of the run."""

    seed: int
    candidate: str | None  # None: no candidate is eligible
    t: float = float("nan")
    neutral_ic: float = float("nan")
    own_t: float = float("nan")  # of the same candidate under the seed of the run
    own_neutral_ic: float = float("nan")


@dataclass(frozen=True)
class SelectedWeek:
    """What a weekly run selected on its selection folds, confirmed or not."""

    session: date
    candidate: str | None  # None: no candidate was eligible


@dataclass(frozen=True)
class Stability:
    """What earlier weeks, other seeds and resampled sessions of the selection folds select."""

    selected: str | None  # by the run, confirmed or not
    by_t: str | None  # by the run, if pairs of model and optimizer are not compared
    is_quick: bool  # compared neither with weeks nor with seeds
    weeks: tuple[SelectedWeek, ...]  # newest first
    seeds: tuple[SeedChoice, ...]
    draws: dict[str, float]  # share of the draws, by learner; empty if the sessions were not resampled


@dataclass(frozen=True)
class Looks:
    """The looks at data that this home has taken: the first one, and what they are counted by."""

    first: date  # session of the first trial
    elapsed: int  # sessions since then
    is_champion: bool  # the candidate is already in production: its retraining is not a new promotion


@dataclass(frozen=True)
class LiveDay:
    """How the scores of a published day ordered the returns that followed, and the expected IC of its champion."""

    session: date
    model: str
    neutral_ic: float
    expected: float  # neutral IC at its selection
    expected_error: float
    expected_sessions: int


@dataclass(frozen=True)
class LiveVerdict:
    """A champion's live record next to its expected IC."""

    model: str
    sessions: int
    mean: float  # of its live neutral ICs
    upper: float  # bound of the confidence sequence
    expected: float

    @property
    def earns_its_place(self) -> bool:
        """Whether its live record may be as good as expected."""
        return self.upper >= self.expected


@dataclass(frozen=True)
class Placebo:
    """The t of the candidate on the confirmation folds, and those of the placebo runs."""

    t: float
    placebos: tuple[float, ...]

    @property
    def p_value(self) -> float:
        """That of a permutation test: the candidate counts as one of the runs."""
        return (1 + sum(each >= self.t for each in self.placebos)) / (1 + len(self.placebos))


@dataclass(frozen=True)
class Gate:
    """A requirement on a champion, with what was found, as it is printed."""

    name: str
    value: str
    limit: str
    passed: bool
    required: bool = True  # False: shown only


@dataclass(frozen=True)
class RunnerUp:
    """The second candidate of the week, trained on all known labels: it may become the challenger."""

    candidate: Candidate
    result: CandidateResult
    model: ArtifactRef
    seed: int
    probe: Probe


@dataclass(frozen=True)
class Training:
    """The result of the weekly training. Nothing is promoted yet."""

    session: date
    snapshot: str  # id of the data
    feature_set: str
    results: tuple[CandidateResult, ...]  # in the order of the configuration
    folds: ArtifactRef  # frame: one row per candidate and fold
    feature_checks: ArtifactRef  # frame: one row per feature
    ics: ArtifactRef  # frame: the neutral IC of each tested session and candidate
    choice: Choice
    deflation: Deflation
    candidate: Candidate  # the selected one, or the baseline
    features: tuple[str, ...]
    model: ArtifactRef  # the candidate's bytes, trained on all known labels
    seed: int
    probe: Probe
    trained_through: date
    statistic: Statistic
    coverage: tuple[Coverage, ...] | None  # index members with prices by year; None for a simulated market
    rival: Rival | None  # None if the champion in production can be compared by its record, or there is none
    runner_up: RunnerUp | None = None  # None if no other candidate is eligible
    examined: str | None = (
        None  # name of the candidate of the selection folds, whether or not it was confirmed
    )
    optimizer: str = ""  # of the selected candidate's portfolio; portfolio.optimizer for the baseline
    pairs: Pairs | None = None  # None if no optimizers were compared
    gates: tuple[Gate, ...] = ()  # of that candidate
    live: LiveVerdict | None = None  # on the champion of earlier weeks; None with too short a live record
    diversity: Diversity | None = None  # None with fewer than two candidates that rank names
    stability: Stability | None = None  # None if no candidate was trained
    placebo: Placebo | None = None  # None if no run was made
    net: NetResult | None = None  # None if no candidate passed the statistical tests
    paths: tuple[PathResult, ...] = ()  # of the finalists; none with --quick
    fifths: dict[str, tuple[float, ...]] = field(
        default_factory=dict
    )  # mean excess return by fifth, worst first
    counts: tuple[CountedTrials, ...] = ()  # the lifetime trials, at up to ten sessions
    baseline: Baseline | None = None  # of the features and scores in training; None for a runner-up


@dataclass(frozen=True)
class Promotion:
    """The champion in production after the weekly run, and why."""

    champion: Champion
    promoted: bool  # False if the incumbent stays
    reason: str
    challenger: Champion | None  # stored for shadow scoring; None if no candidate is eligible
    report: Path  # model_selection_report.md
