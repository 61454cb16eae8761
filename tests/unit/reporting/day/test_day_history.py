from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.reporting.day.history import (
    COLUMNS,
    history_hash,
    levels,
    parse_history,
    render_history,
    rows_before,
    session_row,
    with_row,
)
from tasks.reporting.day.inputs import Backdrop
from tests.builders import FRIDAY
from tests.unit.reporting.example_day import make_inputs

THURSDAY = (
    b"date,equity,daily_return,regime,turnover,cost,exposure,benchmark_return,note\n"
    b"2024-06-13,880000.00,0.00000000,BULL,0.1,10.00,0.5,0.00000000,mine\n"
)


def backdrop(thursday: float, friday: float) -> Backdrop:
    sessions = np.array(["2024-06-13", "2024-06-14"], dtype="datetime64[D]")
    return Backdrop(names={}, sessions=sessions, benchmark=np.array([thursday, friday]))


def parse(content):
    return parse_history(content, path="history.csv")


def test_no_file_is_an_empty_history():
    assert parse(None).empty


def test_the_first_row_has_no_return():
    records = make_inputs(empty=True).records

    row = session_row(FRIDAY, records, backdrop(100.0, 110.0), parse(None))

    assert row["daily_return"] == "0.00000000"
    assert row["benchmark_return"] == "0.00000000"
    assert row["equity"] == "1000000.00"
    assert row["exposure"] == "0.00000000"


def test_a_row_compares_its_equity_and_the_benchmark_with_the_row_before():
    inputs = make_inputs()
    equity = inputs.records.portfolio.book.equity_usd

    row = session_row(FRIDAY, inputs.records, backdrop(100.0, 101.5), parse(THURSDAY))

    assert float(row["daily_return"]) == pytest.approx(equity / 880_000 - 1, abs=1e-8)
    assert row["benchmark_return"] == "0.01500000"
    assert float(row["turnover"]) == pytest.approx(inputs.records.trades.turnover, abs=1e-8)


@pytest.mark.parametrize("levels", [(float("nan"), 100.0), (100.0, float("nan"))])
def test_an_unknown_benchmark_leaves_its_cell_empty(levels):
    row = session_row(FRIDAY, make_inputs().records, backdrop(*levels), parse(THURSDAY))

    assert row["benchmark_return"] == ""


def test_a_session_before_the_known_levels_leaves_the_benchmark_empty():
    sessions = np.array(["2024-06-14"], dtype="datetime64[D]")

    row = session_row(FRIDAY, make_inputs().records, Backdrop({}, sessions, np.array([1.0])), parse(THURSDAY))

    assert row["benchmark_return"] == ""


def test_writing_a_row_twice_changes_nothing_and_other_rows_keep_their_bytes():
    history = parse(THURSDAY)
    row = session_row(FRIDAY, make_inputs().records, backdrop(100.0, 101.0), history)

    once = render_history(with_row(history, row))
    twice = render_history(with_row(parse(once), row))

    assert once == twice
    assert once.startswith(THURSDAY)
    assert once.splitlines()[0].decode().split(",") == [*COLUMNS, "note"]


def test_a_row_takes_its_place_by_date():
    later = THURSDAY.replace(b"2024-06-13", b"2024-06-20")
    row = session_row(FRIDAY, make_inputs().records, backdrop(100.0, 101.0), parse(None))

    dates = with_row(parse(later), row)["date"].tolist()

    assert dates == ["2024-06-14", "2024-06-20"]


# issue 10, line 7
def test_the_returns_after_a_session_that_came_in_between_are_those_since_it():
    monday = b"2024-06-17,990000.00,0.12500000,BULL,0.1,10.00,0.5,0.02010000,mine too\n"
    inputs = make_inputs()
    equity = inputs.records.portfolio.book.equity_usd
    row = session_row(FRIDAY, inputs.records, backdrop(100.0, 101.0), parse(THURSDAY))

    later = with_row(parse(THURSDAY + monday), row).iloc[-1]

    assert float(later["daily_return"]) == pytest.approx(990_000 / equity - 1, abs=1e-8)
    assert later["benchmark_return"] == "0.01000000"  # 1.01 x 1.01 is 1.0201
    assert list(later.drop(["daily_return", "benchmark_return"])) == [
        cell for cell in monday.decode().strip().split(",") if cell not in {"0.12500000", "0.02010000"}
    ]


def test_a_session_that_runs_again_as_before_leaves_the_row_after_it_alone():
    friday = b"2024-06-14,990000.00,0.12500000,BULL,0.1,10.00,0.5,0.00000000,\n"
    history = parse(THURSDAY + friday)

    again = with_row(history, history.iloc[0].to_dict())

    assert render_history(again) == THURSDAY + friday


def test_a_day_does_not_see_itself_or_what_came_later():
    history = parse(THURSDAY + b"2024-06-14,1.00,,,,,,,\n2024-06-17,2.00,,,,,,,\n")

    before = rows_before(history, date(2024, 6, 14))

    assert before["date"].tolist() == ["2024-06-13"]
    assert history_hash(before) == history_hash(parse(THURSDAY))


@pytest.mark.parametrize(
    "content",
    [
        b"day,equity\n2024-06-13,1\n",
        b"date,equity\nyesterday,1\n",
        b"date,equity\n2024-06-13,\n",
        b"date,equity\n2024-06-13,-5\n",
        b"date,equity\n2024-06-13,nan\n",
        b"date,equity\n2024-06-13,1\n2024-06-13,1\n",
        b"\xff\xfe",
        b"",
    ],
)
def test_a_history_that_cannot_be_read_is_refused_with_its_path(content):
    with pytest.raises(DataError, match=r"history\.csv cannot be read"):
        parse(content)


def row_with(before=THURSDAY, **amounts):
    inputs = make_inputs()
    book = replace(inputs.records.portfolio.book, **amounts)
    portfolio = replace(inputs.records.portfolio, book=book)
    row = session_row(
        FRIDAY, replace(inputs.records, portfolio=portfolio), backdrop(100.0, 101.0), parse(before)
    )
    return row, book.equity_usd


# X14: returns are time-weighted
def test_a_deposit_is_not_a_gain_in_the_row_nor_in_the_next():
    row, equity = row_with(net_flows_usd=50_000.0)
    stored = render_history(with_row(parse(THURSDAY), row))

    following, _ = row_with(stored, net_flows_usd=50_000.0)

    assert float(row["daily_return"]) == pytest.approx((equity - 50_000) / 880_000 - 1, abs=1e-8)
    assert row["net_flows"] == "50000.00"
    assert float(following["daily_return"]) == pytest.approx(0.0, abs=1e-8)


def test_a_dividend_due_counts_from_its_ex_date():
    row, equity = row_with(receivable_usd=100.0)

    assert float(row["daily_return"]) == pytest.approx((equity + 100) / 880_000 - 1, abs=1e-8)
    assert row["receivable"] == "100.00"


def test_a_home_without_flows_has_no_columns_for_them_and_keeps_them_once_it_had():
    assert set(row_with()[0]) == set(COLUMNS)

    with_column = THURSDAY.replace(b",note\n", b",note,net_flows\n").replace(b"mine\n", b"mine,-7.00\n")
    assert row_with(with_column)[0]["net_flows"] == "0.00"
    assert b",mine,-7.00" in render_history(parse(with_column))  # no formula to a spreadsheet, but a number


def test_an_inserted_row_leaves_the_flow_of_the_next_where_it_belongs():
    friday, _ = row_with(net_flows_usd=50_000.0)
    rows = with_row(parse(THURSDAY), friday)
    wednesday = {
        **dict.fromkeys(COLUMNS, ""),
        "date": "2024-06-12",
        "equity": "880000.00",
        "benchmark_return": "0",
    }

    inserted = with_row(rows, wednesday)

    assert inserted["daily_return"].tolist()[1:] == ["0.00000000", friday["daily_return"]]


def test_levels_leave_out_flows_and_are_the_equity_without_them():
    rows = parse(
        b"date,equity,net_flows,receivable\n2024-06-12,100,0,\n2024-06-13,165,55,\n2024-06-14,150,55,15\n"
    )

    assert levels(rows).tolist() == pytest.approx([100, 110, 110])
    assert levels(rows[["date", "equity"]]).tolist() == [100, 165, 150]
