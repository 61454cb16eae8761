"""Quarterly and annual filings as figures of four quarters, each as public on its day."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from tasks.data.providers.filings import last_four_quarters

DELAY = timedelta(days=30)
ENDS = [
    date(year, month, day)
    for year in (2014, 2015, 2016)
    for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))
]


def make_filings(income: list[float], *, symbol: str = "A") -> pd.DataFrame:
    """Return three years of filings; income by quarter. Each fourth filing reports its whole year."""
    rows = []
    for place, (end, own) in enumerate(zip(ENDS, income, strict=True)):
        is_year = place % 4 == 3
        reported = sum(income[place - 3 : place + 1]) if is_year else own
        figures = {"net_income": reported, "revenues": 10 * reported, "eps_basic": reported / 100}
        sizes = {"equity": 500.0 + place, "assets": 900.0, "cash": 50.0}
        kind = "FY" if is_year else f"Q{place % 4 + 1}"
        rows.append(
            {
                "symbol": symbol,
                "end_date": end,
                "available_date": end + DELAY,
                "period_focus": kind,
                **figures,
                **sizes,
            }
        )
    frame = pd.DataFrame(rows)
    return frame.assign(**{day: pd.to_datetime(frame[day]) for day in ("end_date", "available_date")})


INCOME = [100.0, 110.0, 120.0, 130.0, 90.0, 80.0, 70.0, 200.0, 210.0, 220.0, 230.0, 240.0]


def test_each_filing_gives_the_sum_of_the_four_quarters_up_to_it():
    figures = last_four_quarters(make_filings(INCOME))

    expected = [np.nan] * 3 + [sum(INCOME[place - 3 : place + 1]) for place in range(3, 12)]
    assert figures["earnings"].tolist() == pytest.approx(expected, nan_ok=True)
    assert figures["revenue"].tolist() == pytest.approx([10 * value for value in expected], nan_ok=True)
    assert figures["book"].tolist() == [500.0 + place for place in range(12)]


def test_a_year_without_its_quarters_a_year_before_stays_missing():
    filings = make_filings(INCOME)

    figures = last_four_quarters(filings.drop(index=1))

    assert np.isnan(figures.loc[figures["end_date"] == pd.Timestamp(2015, 6, 30), "earnings"]).all()


def test_a_filing_uses_nothing_that_became_public_later():
    filings = make_filings(INCOME)
    early = last_four_quarters(filings[filings["available_date"] <= pd.Timestamp(2015, 8, 1)])

    whole = last_four_quarters(filings)

    pd.testing.assert_frame_equal(whole.head(len(early)), early)


def test_shares_are_what_earnings_a_share_were_divided_by_where_that_is_exact_enough():
    figures = last_four_quarters(make_filings([1.0, 100.0] * 6))

    assert np.isnan(figures["shares"].iloc[0])
    assert figures["shares"].iloc[1] == pytest.approx(100)
