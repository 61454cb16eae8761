from datetime import date
from pathlib import Path

import pytest

from tasks.core.errors import DataError
from tasks.safety.equity_history import EquityHistory, parse_equity_history, read_equity_history

FILE = Path("live/performance_history.csv")
HEADER = "date,equity,daily_return,regime,turnover,cost,exposure,benchmark_return\n"
MONDAY = "2024-06-10,1000000.00,0,BULL,0.1,12.5,0.00000000,\n"
TUESDAY = "2024-06-11,990000.00,-0.01,BULL,0.1,12.5,0.90000000,0.001\n"


def test_rows_are_read_oldest_first_whatever_their_order():
    past = parse_equity_history(HEADER + TUESDAY + MONDAY, FILE)

    assert past.sessions == (date(2024, 6, 10), date(2024, 6, 11))
    assert past.equity_usd == (1_000_000.0, 990_000.0)
    assert past.exposure == (0.0, 0.9)


def test_no_file_yet_is_not_a_history(tmp_path):
    assert read_equity_history(tmp_path / "performance_history.csv") == EquityHistory((), (), (), ())


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "performance_history.csv"
    path.write_text(HEADER + MONDAY + MONDAY)

    with pytest.raises(DataError) as refused:
        read_equity_history(path)

    assert refused.value.fields["path"] == str(path)


def test_between_leaves_both_ends_out():
    past = parse_equity_history(HEADER + MONDAY + TUESDAY, FILE)

    assert past.between(date(2024, 6, 10), date(2024, 6, 12)).sessions == (date(2024, 6, 11),)
    assert past.between(None, date(2024, 6, 11)).sessions == (date(2024, 6, 10),)


@pytest.mark.parametrize(
    "damaged",
    [
        "date,equity\n2024-06-10,1\n",
        HEADER + MONDAY + MONDAY,
        HEADER + MONDAY.replace("1000000.00", "nan"),
        HEADER + MONDAY.replace("1000000.00", "0"),
        HEADER + MONDAY.replace("1000000.00", "a lot"),
        HEADER + MONDAY.replace("2024-06-10", "yesterday"),
        HEADER + "2024-06-10\n",
    ],
)
def test_a_damaged_history_is_an_error_that_names_the_file(damaged):
    with pytest.raises(DataError, match="performance_history"):
        parse_equity_history(damaged, FILE)


def test_bytes_that_are_not_text_are_an_error(tmp_path):
    path = tmp_path / "performance_history.csv"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(DataError, match="performance_history"):
        read_equity_history(path)


@pytest.mark.parametrize(
    ("damaged", "why"),
    [
        ("date,day\n2024-06-10,1\n", "column equity, exposure is missing"),
        (HEADER + MONDAY + MONDAY, "it has a session twice"),
        (HEADER + MONDAY + TUESDAY.replace("990000.00", "nan"), "line 3: equity nan, exposure 0.9"),
        (HEADER + MONDAY.replace("2024-06-10", "yesterday"), "line 2: Invalid isoformat string: 'yesterday'"),
    ],
)
def test_what_is_wrong_with_a_history_is_said_with_its_line(damaged, why):
    with pytest.raises(DataError, match="cannot be used") as refused:
        parse_equity_history(damaged, FILE)

    assert why in refused.value.what
    assert refused.value.fields["path"] == str(FILE)


@pytest.mark.parametrize("figure", ["-1", "inf", "0"])
def test_an_equity_that_is_not_a_positive_number_is_an_error(figure):
    with pytest.raises(DataError, match="line 2"):
        parse_equity_history(HEADER + MONDAY.replace("1000000.00", figure), FILE)


def test_flows_and_receivables_are_read_where_the_history_has_them():
    header = HEADER.replace("\n", ",net_flows,receivable\n")
    past = parse_equity_history(
        header + MONDAY.replace("\n", ",,\n") + TUESDAY.replace("\n", ",-500.00,25.00\n"), FILE
    )

    assert past.net_flows_usd == (0.0, -500.0)
    assert past.equity_usd == (1_000_000.0, 990_025.0)
    assert parse_equity_history(HEADER + MONDAY, FILE).net_flows_usd == (0.0,)
    assert past.between(date(2024, 6, 10), date(2024, 6, 12)).net_flows_usd == (-500.0,)
    with pytest.raises(DataError, match="line 2"):
        parse_equity_history(header + MONDAY.replace("\n", ",nan,\n"), FILE)


def with_receivable(equity, receivable):
    row = MONDAY.replace("1000000.00", equity).replace("\n", f",,{receivable}\n")
    return HEADER.replace("\n", ",net_flows,receivable\n") + row


@pytest.mark.parametrize(("equity", "receivable", "worth"), [("0.01", "25.00", 25.01), ("0.50", "", 0.5)])
def test_an_equity_of_cents_is_one(equity, receivable, worth):
    assert parse_equity_history(with_receivable(equity, receivable), FILE).equity_usd == (worth,)


@pytest.mark.parametrize(("equity", "receivable"), [("0.00", "25.00"), ("25.00", "-25.00")])
def test_equity_is_positive_with_and_without_what_is_due(equity, receivable):
    with pytest.raises(DataError, match="line 2"):
        parse_equity_history(with_receivable(equity, receivable), FILE)
