from dataclasses import replace
from math import nan

from tasks.selection.net.statement import net_figures_of, net_section
from tests.champions import NET


def test_the_section_has_both_portfolios_and_the_p_value():
    lines = net_section(NET, "lightgbm")

    assert lines[0] == "2022-05-17 to 2024-06-14, 520 sessions, optimizer max_sharpe."
    assert "| | lightgbm | equal weight |" in lines
    assert "| Sharpe ratio | 1.20 | 0.60 |" in lines
    assert "| largest drawdown | −15.0% | −22.0% |" in lines
    assert "| monthly turnover | 35.0% | 5.0% |" in lines
    assert "| p-value of the difference | 0.030 | |" in lines


def test_a_p_value_of_no_resample_is_not_zero_and_a_figure_that_is_withheld_says_so():
    short = replace(NET, p_value=nan, candidate=replace(NET.candidate, sharpe=nan))

    assert "| p-value of the difference | below 0.001 | |" in net_section(replace(NET, p_value=0.0), "l")
    assert "| p-value of the difference | withheld | |" in net_section(short, "l")
    assert "| Sharpe ratio | withheld | 0.60 |" in net_section(short, "l")


def test_without_a_portfolio_there_is_nothing_to_store_and_the_section_says_why():
    assert net_figures_of(None) == {}
    assert net_section(None, "") == [
        "No candidate passed the statistical tests, so the gates on the portfolio were not evaluated."
    ]
