"""Settings of the gates that the selected candidate must pass after the statistical tests."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.section import Fraction, NotNegative, OptimizerName, Section


class ScoreWeights(Section):
    """Weights of the parts of the weighted score; they sum to 1."""

    sharpe: Fraction
    """Weight of the Sharpe ratio; 0 to 2 is scaled to 0 to 1."""
    drawdown: Fraction
    """Weight of the largest drawdown; −30% to 0 is scaled to 0 to 1."""
    calmar: Fraction
    """Weight of the Calmar ratio; 0 to 1.5 is scaled to 0 to 1."""
    turnover: Fraction
    """Weight of the monthly turnover; 50% to 0 is scaled to 0 to 1."""
    regime_consistency: Fraction
    """Weight of the fraction of the regimes with a positive Sharpe ratio."""

    @model_validator(mode="after")
    def _sum_to_one(self) -> "ScoreWeights":
        total = sum(self.model_dump().values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the weights sum to {total:g}, not to 1")
        return self


class Selection(Section):
    """Gates on the selected candidate, and on its portfolio after costs over the confirmation folds."""

    stop_on_leak: bool
    """A feature with possible look-ahead (models.feature_checks) stops the promotion."""
    max_overfitting: Fraction
    """Largest probability of backtest overfitting among the candidates of a weekly run; 1: no limit."""
    max_false_promotions: Annotated[float, Field(gt=0, le=1)]
    """Largest probability of promoting anything within five years of weekly runs without a signal; 1: no limit."""
    max_false_losses: Annotated[float, Field(ge=0, lt=1)]
    """Largest probability that a champion whose live scores are as good as expected ever loses its place; 0: it is
    never judged by its live record."""
    placebo_runs: Annotated[int, Field(ge=0, le=999)]
    """Number of times the selection is repeated on permuted features (not by --quick); 0: none."""
    max_placebo_p_value: Fraction
    """Largest p-value of the candidate among the placebo runs, at least 1 / (placebo_runs + 1); 1: no limit."""
    optimizers: tuple[OptimizerName, ...]
    """Optimizers that `weekly` compares with portfolio.optimizer, by their portfolios on the selection folds, after
    costs. The daily run uses the selected one, which the champion's metadata names. []: always portfolio.optimizer."""
    finalists: Annotated[int, Field(ge=0, le=20)]
    """Number of top candidates that are cross-validated for the report (not by --quick); 0: none."""
    other_seeds: Annotated[int, Field(ge=0, le=9)]
    """Number of other seeds under which the candidates are tested again, on the selection folds, for the report (not
    by --quick); 0: none."""
    must_beat_equal_weight: bool
    """The portfolio must have a higher Sharpe ratio after costs than the equal-weighted universe."""
    max_spa_p_value: Fraction
    """Largest p-value (SPA) of that comparison; 1: no limit."""
    enforced_thresholds: tuple[Literal["sharpe", "max_drawdown", "calmar", "turnover"], ...]
    """Which of the four thresholds below are required; the report shows all of them."""
    min_sharpe: float
    """Smallest Sharpe ratio of the portfolio after costs."""
    max_drawdown_frac: Fraction
    """Largest drawdown of the portfolio."""
    min_calmar: float
    """Smallest Calmar ratio of the portfolio."""
    max_turnover_month_frac: NotNegative
    """Largest monthly turnover (21 sessions): half the sum of buys and sells, divided by equity."""
    score_weights: ScoreWeights
