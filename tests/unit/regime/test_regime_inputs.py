from dataclasses import replace

import numpy as np
import pytest

from tasks.data.schema.records import Panel
from tasks.regime.inputs import compute_inputs
from tests.builders import make_panel


def steady(panel: Panel, daily: float) -> Panel:
    return replace(panel, market=100 * (1 + daily) ** np.arange(len(panel.sessions)))


def test_a_steady_rise_stands_above_its_mean_and_at_its_high():
    inputs = compute_inputs(steady(make_panel(), 0.001))

    mean = np.mean(1.001 ** -np.arange(200.0))
    assert inputs.trend[-1] == pytest.approx(1 / mean - 1)
    assert inputs.drawdown[-1] == pytest.approx(0)


def test_the_drawdown_is_measured_from_the_high_of_a_year():
    panel = make_panel()
    market = np.full(300, 100.0)
    market[20], market[100], market[-1] = 500.0, 125.0, 100.0

    inputs = compute_inputs(replace(panel, market=market))

    assert inputs.drawdown[-1] == pytest.approx(-0.20)
    assert inputs.drawdown[150] == pytest.approx(-0.80)


def test_breadth_counts_members_above_their_own_mean():
    panel = make_panel(symbols=4)
    close = np.tile(np.linspace(100, 110, 300)[:, None], (1, 4))
    close[-1, 0] = 1.0
    members = panel.is_member.copy()
    members[:, 3] = False

    inputs = compute_inputs(replace(panel, close=close, is_member=members))

    assert inputs.breadth[-1] == pytest.approx(2 / 3)


def test_correlation_is_near_the_average_of_all_pairs():
    panel = make_panel(symbols=40, sessions=120)
    changes = np.diff(panel.close[-64:], axis=0) / panel.close[-64:-1]
    pairs = np.corrcoef(changes.T)[np.triu_indices(40, 1)]

    assert compute_inputs(panel).correlation[-1] == pytest.approx(pairs.mean(), abs=0.03)


def test_realised_volatility_stands_in_for_a_missing_index():
    panel = make_panel()
    index = panel.volatility_index.copy()
    index[-1] = np.nan
    changes = np.diff(panel.market[-22:]) / panel.market[-22:-1]

    inputs = compute_inputs(replace(panel, volatility_index=index))

    assert inputs.is_realised[-1]
    assert not inputs.is_realised[-2]
    assert inputs.volatility_pct[-2] == 15.0
    assert inputs.volatility_pct[-1] == pytest.approx(changes.std(ddof=1) * 252**0.5 * 100 * 1.3)


def test_the_average_member_stands_in_for_a_missing_benchmark():
    panel = make_panel()
    changes = panel.close[1:] / panel.close[:-1] - 1
    level = np.cumprod(1 + changes.mean(axis=1))

    inputs = compute_inputs(replace(panel, market=np.full(300, np.nan)))

    assert inputs.is_cross_section.all()
    assert inputs.trend[-1] == pytest.approx(level[-1] / level[-200:].mean() - 1)


def test_a_benchmark_that_begins_late_is_measured_by_the_average_member_before():
    panel = make_panel()
    market = panel.market.copy()
    market[:290] = np.nan

    inputs = compute_inputs(replace(panel, market=market))

    assert inputs.is_cross_section[200]
    assert not inputs.is_cross_section[-1]
    assert np.isfinite(inputs.trend[-1])


def test_every_name_stands_in_where_nobody_is_a_member_yet():
    panel = make_panel()
    members = panel.is_member.copy()
    members[:200] = False

    inputs = compute_inputs(replace(panel, is_member=members))

    assert inputs.is_all_names.tolist() == [True] * 200 + [False] * 100
    assert inputs.breadth.tolist() == pytest.approx(compute_inputs(panel).breadth.tolist(), nan_ok=True)


def test_nothing_is_measured_of_a_market_without_prices():
    missing = np.full(300, np.nan)
    panel = make_panel()

    inputs = compute_inputs(
        replace(
            panel,
            market=missing,
            volatility_index=missing,
            close=np.full_like(panel.close, np.nan),
            is_member=np.zeros_like(panel.is_member),
        )
    )

    for name in ("trend", "volatility_pct", "breadth", "correlation", "drawdown"):
        assert np.isnan(getattr(inputs, name)).all(), name
