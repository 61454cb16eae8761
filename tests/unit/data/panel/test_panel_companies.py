"""Companies followed through symbol changes, and different companies with one symbol separated."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.sessions import sessions_between
from tasks.data.panel.companies import CompanyIndex, company_index, new_lives, renames_from, successor
from tests.deliveries import make_bars, typed

DAYS = sessions_between(date(2020, 1, 2), date(2024, 6, 14))
JANUARY, MARCH, JUNE = date(2020, 1, 2), date(2020, 3, 2), date(2020, 6, 1)


def renamed(*rows: tuple[str, str, date]) -> pd.DataFrame:
    return typed("renames", pd.DataFrame(rows, columns=["old", "new", "session"]))


def delisted(*rows: tuple[str, date]) -> pd.DataFrame:
    full = [(*row, "merger", 1.0) for row in rows]
    return typed("delistings", pd.DataFrame(full, columns=["symbol", "session", "kind", "last_price"]))


def lives_of(bars: dict[str, list[tuple[date, date]]], *, renames=None, delistings=None) -> pd.DataFrame:
    """Return the lives that begin when each symbol has a bar on every session of its spans."""
    rows = [
        (symbol, day, 10)
        for symbol, spans in bars.items()
        for first, last in spans
        for day in sessions_between(first, last).tolist()
    ]
    frame = make_bars(*rows).sort_values(["symbol", "session"], ignore_index=True)
    frame = frame.assign(symbol=frame["symbol"].astype("category"))
    day = np.searchsorted(DAYS, frame["session"].to_numpy().astype("datetime64[D]"))
    return new_lives(
        frame,
        np.ones(len(frame), dtype=bool),
        day,
        renames=renamed() if renames is None else renames,
        delistings=delisted() if delistings is None else delistings,
        trading_days=DAYS,
    )


def where(companies: CompanyIndex, symbol: str, day: date) -> str:
    company = companies.of_rows(np.array([symbol]), np.array([0]), np.array([day], dtype="datetime64[D]"))[0]
    return "nobody" if company < 0 else str(companies.names[company])


def test_a_company_keeps_its_history_under_its_new_symbol():
    renames = renamed(("FB", "META", MARCH))
    lives = lives_of({"FB": [(JANUARY, date(2020, 2, 28))], "META": [(MARCH, JUNE)]}, renames=renames)

    companies = company_index(lives, renames)

    assert companies.names.tolist() == ["META"]
    assert where(companies, "FB", JANUARY) == where(companies, "META", JUNE) == "META"
    assert companies.first.tolist() == [JANUARY]


def test_a_chain_of_renames_is_one_line():
    renames = renamed(("A", "B", MARCH), ("B", "C", JUNE))
    lives = lives_of(
        {
            "A": [(JANUARY, date(2020, 2, 28))],
            "B": [(MARCH, date(2020, 5, 29))],
            "C": [(JUNE, date(2020, 7, 1))],
        },
        renames=renames,
    )

    assert company_index(lives, renames).names.tolist() == ["C"]


def test_two_companies_that_swap_symbols_on_one_day_are_not_mixed_up():
    renames = renamed(("A", "B", MARCH), ("B", "A", MARCH))
    lives = lives_of({"A": [(JANUARY, JUNE)], "B": [(JANUARY, JUNE)]}, renames=renames)

    companies = company_index(lives, renames)

    assert where(companies, "A", JANUARY) == where(companies, "B", JUNE) == "B"
    assert where(companies, "B", JANUARY) == where(companies, "A", JUNE) == "A"


@pytest.mark.parametrize("gone", ["delisted", "silent"])
def test_fault_008_a_reused_symbol_never_inherits_another_companys_history(gone):
    last = date(2020, 2, 28)
    delistings = delisted(("XYZ", last)) if gone == "delisted" else delisted()
    again = date(2020, 3, 16) if gone == "delisted" else date(2021, 3, 1)
    lives = lives_of({"XYZ": [(JANUARY, last), (again, date(2021, 6, 1))]}, delistings=delistings)

    companies = company_index(lives, renamed())

    assert companies.names.tolist() == ["XYZ", "XYZ~20200102"]
    assert where(companies, "XYZ", JANUARY) == "XYZ~20200102"
    assert where(companies, "XYZ", again) == "XYZ"
    assert companies.first.tolist() == [again, JANUARY]


def test_fault_008_a_symbol_given_to_another_company_by_a_rename_is_cut_there():
    # META was a fund's symbol until FB took it; the fund went on as METV
    renames = renamed(("META", "METV", MARCH), ("FB", "META", MARCH))
    before = (JANUARY, date(2020, 2, 28))
    lives = lives_of({"FB": [before], "META": [(JANUARY, JUNE)], "METV": [(MARCH, JUNE)]}, renames=renames)

    companies = company_index(lives, renames)

    assert companies.names.tolist() == ["META", "METV"]
    assert where(companies, "META", JANUARY) == "METV"
    assert where(companies, "FB", JANUARY) == "META"
    assert where(companies, "META", JUNE) == "META"


# issue 12: HRS became LHX in 2019; a source that has all prices under LHX has no bars of HRS
def test_a_rename_from_a_symbol_without_bars_divides_nothing():
    renames = renamed(("HRS", "LHX", MARCH))
    lives = lives_of({"LHX": [(JANUARY, JUNE)]}, renames=renames)

    assert lives["first"].tolist() == [pd.Timestamp(JANUARY)]
    assert company_index(lives, renames).names.tolist() == ["LHX"]


def test_a_spell_under_an_old_symbol_leads_to_the_symbol_with_bars():
    renames = renames_from(renamed(("A", "B", MARCH), ("B", "C", JUNE), ("A", "X", JANUARY)))
    january, march, later = np.array([JANUARY, MARCH, date(2020, 7, 1)], dtype="datetime64[D]")

    assert successor("A", march, renames, {"C"}) == "C"
    assert successor("A", march, renames, {"B", "C"}) == "B"
    assert successor("A", january, renames, {"C", "X"}) == "X"
    assert successor("C", january, renames, {"C"}) == "C"
    assert successor("A", later, renames, {"C"}) == "A"
    assert successor("N", january, renames, {"C"}) == "N"


def test_a_short_silence_begins_no_new_life():
    lives = lives_of({"A": [(JANUARY, date(2020, 2, 28)), (date(2020, 4, 1), JUNE)]})

    assert lives["first"].tolist() == [pd.Timestamp(JANUARY)]


def test_a_symbol_without_bars_belongs_to_no_company():
    assert where(company_index(lives_of({"A": [(JANUARY, JUNE)]}), renamed()), "B", JUNE) == "nobody"
    assert where(company_index(lives_of({}), renamed(("A", "B", MARCH))), "B", JUNE) == "nobody"
