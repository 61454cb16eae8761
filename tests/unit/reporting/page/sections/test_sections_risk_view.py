from dataclasses import replace

import pytest

from tasks.reporting.day.assessed import assess_day
from tasks.reporting.page.sections.risk_view import limit_notice, risk_lines
from tasks.risk.limits import limit_states
from tests.unit.reporting.example_day import make_inputs


def lines_of(**options):
    inputs = make_inputs(**options)
    return risk_lines(assess_day(inputs), inputs.frames.after["weight"])


def with_limit(value: float, limit: float):
    states = limit_states({"beta": value}, {"beta": limit}, warn_at_frac=0.9)
    return replace(assess_day(make_inputs()), limits=states)


def test_the_page_shows_three_methods_three_scenarios_and_the_largest_shares():
    lines = lines_of()

    assert [method for method, _ in lines.losses] == ["historical", "parametric", "monte_carlo"]
    assert [line.name for line in lines.scenarios] == [
        "financial_crisis_2008",
        "pandemic_2020",
        "growth_crash_2022",
    ]
    assert all(len(line.positions) <= 3 for line in lines.scenarios)
    assert len(lines.shares) == 5
    assert lines.shares[0].share >= lines.shares[-1].share
    after = make_inputs().frames.after["weight"]
    assert {line.symbol: line.weight for line in lines.shares} == {
        line.symbol: after[line.symbol] for line in lines.shares
    }
    assert "estimated from the preceding" in lines.var_test


def test_a_breached_limit_is_said_at_the_top_once_with_its_figure():
    assert limit_notice(with_limit(1.4, 1.3).limits, {"beta": 1.3}) == (
        "Over the risk limit after the trades: Beta 1.40, limit 1.30. "
        "It blocks no trade: reduce the positions, or accept the risk."
    )


def test_a_limit_that_was_exceeded_before_the_trades_too_is_stated_with_its_figure_then():
    states = limit_states(
        {"volatility": 0.386, "var_21d": 0.17}, {"volatility": 0.25, "var_21d": 0.12}, warn_at_frac=0.9
    )

    notice = limit_notice(states, {"volatility": 0.335, "cash": 5.0})

    assert "Volatility 38.6%, limit 25.0% (33.5% before)" in notice
    assert notice.count("before)") == 1
    assert "They block no trade" in notice


@pytest.mark.parametrize(("value", "bar"), [(0.65, 0.5), (2.6, 1.0), (float("nan"), 0.0), (-0.3, 0.0)])
def test_a_bar_stays_within_its_track(value, bar):
    inputs = make_inputs()

    (line,) = risk_lines(with_limit(value, 1.3), inputs.frames.after["weight"]).limits

    assert line.bar == bar


def test_an_all_cash_day_has_limits_and_no_losses():
    lines = lines_of(empty=True)

    assert lines.losses == lines.scenarios == lines.shares == ()
    assert lines.var_test == lines.cluster == ""
    assert len(lines.limits) == 7
