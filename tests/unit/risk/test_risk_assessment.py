"""The assessment of a portfolio, and a planted violation of every limit."""

import numpy as np
import pandas as pd
import pytest

from tasks.risk.assessment import Assessment, assess
from tasks.risk.limits import limit_states
from tasks.risk.tail import portfolio_risk
from tests.builders import make_settings

NAMES = [f"N{number:02d}" for number in range(20)]
SECTORS = {name: ["Utilities", "Health Care"][place % 2] for place, name in enumerate(NAMES)}
CALM = pd.Series(0.02, index=NAMES)  # 40 % invested


def market_of(sessions: int = 252, deviation: float = 0.008) -> np.ndarray:
    return np.random.default_rng(0).normal(0, deviation, sessions)


def returns_of(market: np.ndarray, *, beta: float = 1.0, own: float = 0.012) -> pd.DataFrame:
    noise = np.random.default_rng(1).normal(0, own, (len(market), len(NAMES)))
    return pd.DataFrame(beta * market[:, None] + noise, columns=NAMES)


def assessed(weights=CALM, *, beta=1.0, own=0.012, scale=1.0, drawdown=-0.02, **overrides) -> Assessment:
    market = scale * market_of()
    returns = returns_of(market, beta=beta, own=own * scale)
    settings = make_settings(**{f"risk.{key}": value for key, value in overrides.items()})
    return assess(weights, returns, market, SECTORS, drawdown=drawdown, settings=settings.risk, seed=7)


def states(assessment: Assessment) -> dict[str, str]:
    return {limit.name: limit.state for limit in assessment.limits}


def test_a_calm_portfolio_keeps_every_limit():
    assert set(states(assessed()).values()) == {"within"}
    assert assessed().breached == ()


@pytest.mark.parametrize(
    ("limit", "planted"),
    [
        ("var_1d", {"scale": 6.0}),
        ("var_21d", {"scale": 6.0}),
        ("volatility", {"scale": 6.0}),
        ("beta", {"weights": 2 * CALM, "beta": 2.5}),
        ("largest_cluster", {"weights": 2 * CALM, "own": 0.002}),
        ("scenario_loss", {"weights": 2 * CALM, "scenarios": {"flood": {"market": -0.9, "sectors": {}}}}),
        ("drawdown", {"drawdown": -0.21}),
    ],
)
def test_a_planted_violation_of_each_limit_is_found(limit, planted):
    assessment = assessed(**planted)

    assert states(assessment)[limit] == "breached"
    assert limit in {state.name for state in assessment.breached}


def test_every_limit_has_a_planted_violation():
    marks = test_a_planted_violation_of_each_limit_is_found.pytestmark[0].args[1]

    assert [name for name, _ in marks] == [limit.name for limit in assessed().limits]


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (0.0, "within"),
        (0.0899, "within"),
        (0.09, "warning"),
        (0.1, "warning"),
        (0.1001, "breached"),
        (np.nan, "unknown"),
    ],
)
def test_a_warning_comes_at_nine_tenths_of_a_limit_and_the_limit_itself_is_allowed(value, state):
    (limit,) = limit_states({"x": value}, {"x": 0.1}, warn_at_frac=0.9)

    assert limit.state == state
    assert limit.used == pytest.approx(value / 0.1, nan_ok=True)


def test_a_limit_without_a_figure_is_unknown_and_not_kept():
    (limit,) = limit_states({}, {"x": 0.1}, warn_at_frac=0.9)

    assert (limit.state, limit.limit) == ("unknown", 0.1)
    assert np.isnan(limit.value)


def test_the_budget_is_spent_by_the_var_of_one_session():
    assessment = assessed(daily_budget_frac=0.01)

    budget = assessment.limits[0]
    assert (budget.name, budget.limit) == ("var_1d", 0.01)
    assert budget.value == assessment.losses["historical"]["var_1d"]
    assert budget.used == pytest.approx(budget.value / 0.01)


def test_historical_figures_are_those_of_the_portfolio_record():
    market = market_of()
    returns = returns_of(market)

    assessment = assess(CALM, returns, market, SECTORS, drawdown=0.0, settings=make_settings().risk, seed=7)

    recorded = portfolio_risk(CALM, returns, 0.95)
    assert assessment.losses["historical"] == {key: recorded[key] for key in assessment.losses["historical"]}
    assert assessment.figures["volatility"] == recorded["volatility"]


def test_figures_of_a_known_portfolio():
    assessment = assessed(own=0.0001, beta=1.5)

    figures = assessment.figures
    assert figures["beta"] == pytest.approx(0.4 * 1.5, rel=0.01)
    assert figures["exposure"] == figures["leverage"] == pytest.approx(0.4)
    assert figures["effective_names"] == pytest.approx(20)
    assert figures["largest_cluster"] == pytest.approx(0.4)
    assert len(assessment.clusters) == 1
    assert [scenario.name for scenario in assessment.scenarios] == list(make_settings().risk.scenarios)
    assert sum(share for _, share in assessment.risk_shares) == pytest.approx(1)
    assert sorted(name for name, _ in assessment.risk_shares) == NAMES
    assert assessment.risk_shares == tuple(sorted(assessment.risk_shares, key=lambda one: -one[1]))
    assert assessment.sessions == 252
    assert assessment.var_test.sessions == 126


def test_cash_has_no_risk_but_a_drawdown():
    assessment = assessed(pd.Series({"CASH": 1.0}), drawdown=-0.25)

    assert assessment.losses == {}
    assert assessment.scenarios == assessment.clusters == assessment.risk_shares == ()
    assert assessment.sessions == assessment.var_test.sessions == 0
    assert {name for name, value in assessment.figures.items() if value} == {"drawdown"}
    assert assessment.figures["drawdown"] == -0.25
    assert states(assessment)["drawdown"] == "breached"
    assert {state for name, state in states(assessment).items() if name != "drawdown"} == {"within"}


def test_without_returns_or_benchmark_limits_are_unknown_and_not_kept():
    nothing = pd.DataFrame(columns=NAMES, index=range(0), dtype=float)

    assessment = assess(
        CALM, nothing, np.empty(0), SECTORS, drawdown=0.0, settings=make_settings().risk, seed=7
    )

    unknown = {name for name, state in states(assessment).items() if state == "unknown"}
    assert unknown == {"var_1d", "var_21d", "volatility", "beta"}


def test_equal_inputs_give_equal_assessments():
    assert assessed() == assessed()


def test_two_names_that_move_together_are_a_cluster_and_one_alone_is_none():
    market = market_of()
    returns = returns_of(market).assign(N01=lambda moves: moves["N00"])

    assessment = assess(
        CALM[:3], returns, market, SECTORS, drawdown=0.0, settings=make_settings().risk, seed=7
    )

    assert [group.names for group in assessment.clusters] == [("N00", "N01")]


def test_a_name_without_returns_has_the_markets_beta():
    known, unknown = assessed(CALM[:1]).figures["beta"], pd.Series({"N00": 0.02, "NEW": 0.3})

    assert assessed(unknown).figures["beta"] == pytest.approx(known + 0.3)


def test_a_name_without_a_weight_is_no_part_of_the_portfolio():
    one = pd.Series({"N00": 1.0})

    assert assessed(pd.Series({"N00": 1.0, "N01": 0.0})) == assessed(one)
    assert assessed(one).figures["exposure"] == 1
