import math
from datetime import date

import pandas as pd
import pytest

from tasks.core.sessions import sessions_between
from tasks.reporting.page.sections.account.returns import by_month, periods, ratios, rows_with


def rows_of(*equity: float, days: list[str], market: str = "0.01", **columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame({"date": days, "equity": [f"{value:.2f}" for value in equity]}, dtype=str)
    return frame.assign(benchmark_return=market, **columns)


ACROSS = ["2023-12-28", "2023-12-29", "2024-01-02", "2024-01-31", "2024-02-01"]


def test_a_period_begins_at_the_last_close_before_it_and_ends_today():
    found = {one.key: one for one in periods(rows_of(100, 110, 121, 200, 220, days=ACROSS))}

    assert {key: (one.since, one.sessions, one.usd) for key, one in found.items()} == {
        "day": (date(2024, 1, 31), 1, 20.0),
        "month": (date(2024, 1, 31), 1, 20.0),
        "year": (date(2023, 12, 29), 3, 110.0),
        "start": (date(2023, 12, 28), 4, 120.0),
    }
    assert found["year"].own == pytest.approx(1.0)
    assert found["year"].benchmark == pytest.approx(1.01**3 - 1)
    assert found["year"].ahead == pytest.approx(1.0 - (1.01**3 - 1))


def test_deposits_are_not_a_gain_and_dividends_due_are():
    found = periods(rows_of(100, 160, days=ACROSS[:2], net_flows=["0.00", "50.00"], receivable=["", "2.50"]))

    assert [one.usd for one in found] == [12.5] * 4
    assert found[0].own == pytest.approx(0.125)


def test_an_unknown_benchmark_return_leaves_every_longer_period_unknown():
    frame = rows_of(100, 110, 121, days=ACROSS[:3])
    frame["benchmark_return"] = ["0", "", "0.02"]
    found = {one.key: one for one in periods(frame)}

    assert math.isnan(found["start"].benchmark)


def test_the_first_day_has_no_period_no_ratio_and_no_month():
    first = rows_of(100, days=ACROSS[:1])

    assert periods(first) == ratios(first) == by_month(first) == ()


@pytest.mark.parametrize(("sessions", "is_withheld"), [(59, True), (60, False)])
def test_annual_figures_are_withheld_below_sixty_sessions(sessions, is_withheld):
    days = [str(day) for day in sessions_between(date(2024, 1, 2), date(2024, 6, 14))[: sessions + 1]]
    equity = [100 * 1.001**place * (1.002 if place % 2 else 1.0) for place in range(len(days))]

    found = {one.label: one for one in ratios(rows_of(*equity, days=days))}

    annual = [
        found[name] for name in ("Annualized return", "Volatility a year", "Sharpe ratio, risk-free rate 0")
    ]
    assert [one.is_withheld for one in annual] == [is_withheld] * 3
    assert all(math.isnan(one.value) == is_withheld for one in annual)
    assert {one.sessions for one in found.values()} == {sessions}
    assert not found["Worst session"].is_withheld


def test_the_months_of_a_year_compound_to_its_return():
    latest, first = by_month(rows_of(100, 110, 121, 200, 220, days=ACROSS))

    assert (latest.year, first.year) == (2024, 2023)
    assert first.months[11] == pytest.approx(0.10)
    assert first.months[:11] == (None,) * 11
    assert latest.months[0] == pytest.approx(200 / 110 - 1)
    assert latest.months[1] == pytest.approx(0.10)
    assert (1 + latest.months[0]) * (1 + latest.months[1]) - 1 == pytest.approx(latest.whole)


def test_the_sessions_own_row_is_the_last():
    rows = rows_with(rows_of(100, days=ACROSS[:1]), {"date": "2023-12-29", "equity": "101.00"})

    assert rows["date"].tolist() == ACROSS[:2]
