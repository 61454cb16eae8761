import pandas as pd
import pytest

from tasks.data.gates.filing_checks import check_filings
from tasks.data.providers.filings import last_four_quarters
from tests.unit.data.providers.test_providers_filings import INCOME, make_filings


def check(**changes: object) -> tuple[int, list[tuple[str, str]]]:
    figures = last_four_quarters(make_filings(INCOME))
    for name, value in changes.items():
        figures.loc[6, name] = value
    good, findings = check_filings(figures, figures.iloc[:0])
    return len(good), list(zip(findings["rule"], findings["action"], strict=True))


def test_ordinary_filings_pass():
    assert check() == (12, [])


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"available_date": pd.Timestamp(2015, 9, 1)}, "early_filing"),
        ({"assets": 0.0001}, "impossible_figure"),
        ({"book": 3e9}, "impossible_figure"),
        ({"shares": 0.0}, "impossible_figure"),
        ({"shares": -1e6}, "impossible_figure"),
    ],
)
def test_an_impossible_filing_is_reported_and_not_stored(changes, rule):
    assert check(**changes) == (11, [(rule, "not stored")])


@pytest.mark.parametrize("growth", [0.6, 1.0, 1.7])
def test_a_filing_in_thousands_is_found_whatever_the_company_grew(growth):
    before = last_four_quarters(make_filings(INCOME))
    scaled = before.assign(book=before["book"].where(before.index != 6, before["book"] * 1000.0 * growth))

    good, findings = check_filings(scaled, scaled.iloc[:0])

    assert 6 not in good.index
    assert findings["rule"].tolist() == ["impossible_figure"]


def test_of_two_filings_of_one_day_for_one_period_none_is_stored():
    figures = last_four_quarters(make_filings(INCOME))
    other = figures.iloc[[6]].assign(book=1.0)

    good, findings = check_filings(pd.concat([figures, other], ignore_index=True), figures.iloc[:0])

    assert len(good) == 11
    assert findings["rule"].tolist() == ["conflicting_filing"]


def test_filings_are_checked_the_same_in_parts_and_as_a_whole():
    figures = last_four_quarters(make_filings(INCOME))
    figures.loc[6, "assets"] = 0.0001

    good, _ = check_filings(figures.iloc[:6], figures.iloc[:0])
    _, findings = check_filings(figures.iloc[6:], good)

    assert findings["rule"].tolist() == ["impossible_figure"]
