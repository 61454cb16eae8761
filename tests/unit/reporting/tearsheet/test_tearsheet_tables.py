"""Tables of a tear sheet: their figures agree with the curve and with each other."""

import numpy as np
import pytest

from tasks.reporting.tearsheet import tables
from tests.unit.reporting.reading import figure
from tests.unit.reporting.tearsheet.sheets import make_sheet


@pytest.fixture(scope="module")
def sheet():
    return make_sheet()


def test_months_compound_to_the_year_and_years_to_the_total(sheet):
    years = tables.months_table(sheet)

    product = 1.0
    for year in years:
        months = [1 + figure(cell.text) for cell in year.months if cell.text]
        assert np.prod(months) - 1 == pytest.approx(figure(year.total.text), abs=0.008)  # of rounded months
        product *= 1 + figure(year.total.text)
    assert product - 1 == pytest.approx(sheet.figures["total_return"].value, abs=0.004)
    assert sum(cell.text != "" for year in years for cell in year.months) == 29


def test_gains_are_tinted_green_and_losses_red_by_their_size(sheet):
    cells = [cell for year in tables.months_table(sheet) for cell in year.months if cell.text]

    for cell in cells:
        colour = "good" if figure(cell.text) >= 0 else "bad"
        assert colour in cell.background or cell.background == "transparent"
    tints = {cell.text: cell.background for cell in cells}
    assert len(set(tints.values())) > 5


def test_attribution_by_year_sums_to_the_change_of_equity(sheet):
    table = tables.attribution_table(sheet)

    *years, total, fraction = table.rows
    change = sheet.curve.equity_usd[-1] - sheet.curve.equity_usd[0]
    assert figure(total[-1]) == pytest.approx(change, abs=0.51)
    assert sum(figure(row[-1]) for row in years) == pytest.approx(change, abs=0.5 * len(years))
    for row in (*years, total):
        assert sum(figure(cell) for cell in row[1:-1]) == pytest.approx(figure(row[-1]), abs=4)
    assert figure(fraction[-1].replace("+", "")) == pytest.approx(change / 100_000, abs=0.0006)


def test_each_figure_is_next_to_that_of_equal_weight_and_its_difference(sheet):
    rows = {row.name: row for row in tables.figure_rows(sheet)}

    volatility = rows["Volatility"]
    difference = figure(volatility.difference.partition(" ")[0].replace("+", ""))
    assert difference == pytest.approx(figure(volatility.value) - figure(volatility.equal_weight), abs=0.0011)
    assert volatility.is_beyond_chance
    assert not rows["Alpha"].is_beyond_chance
    assert rows["Beta"].benchmark == "–"
    assert rows["Sharpe"].benchmark == f"{sheet.benchmark_figures['sharpe'].value:.2f}".replace("-", "−")
    assert "Benchmark CAGR" not in rows


def test_regimes_come_from_the_best_state_down_and_share_the_costs(sheet):
    table = tables.regimes_table(sheet)

    cost = table.header.index("Cost")
    assert [row[0] for row in table.rows] == ["BULL", "BEAR"]
    assert [row[cost] for row in table.rows] == ["$600", "$600"]  # 2 dollars in each of 300 sessions
    assert [row[table.header.index("Exposure")] for row in table.rows] == ["90.0%", "30.0%"]


def test_the_largest_gains_and_losses_are_closed_trips_by_symbol(sheet):
    gains, losses = tables.gains_and_losses(sheet)

    assert gains.rows[0] == ("AAA", "2023-01-03", "2023-06-01", "103", "$5,000")
    assert losses.rows[0] == ("BBB", "2023-02-01", "2023-02-10", "7", "−$2,500")
    assert all(row[0] != "CCC" for row in (*gains.rows, *losses.rows))  # still open
    assert [len(table.rows) for table in (gains, losses)] == [4, 4]
