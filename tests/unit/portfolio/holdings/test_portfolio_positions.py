from datetime import date

import pandas as pd
import pytest

from tasks.core.errors import SafetyError
from tasks.portfolio.holdings.positions import Position, carry, lines_of, parse_positions

WEDNESDAY, THURSDAY, FRIDAY = date(2024, 6, 12), date(2024, 6, 13), date(2024, 6, 14)


def make_splits(*rows):
    frame = pd.DataFrame(rows, columns=["symbol", "session", "split"])
    return frame.assign(session=pd.to_datetime(frame["session"]))


def test_positions_are_read_in_alphabetical_order_with_cash_apart():
    held = parse_positions("symbol,shares\nMSFT,3\nCASH,120.50\nAAPL,2\n", path="p.csv")

    assert [position.symbol for position in held.positions] == ["AAPL", "MSFT"]
    assert held.cash_usd == 120.50


def test_the_session_column_is_read_and_other_columns_are_ignored():
    held = parse_positions("shares,symbol,note,session\n2,AAPL,x,2024-06-13\n5,CASH,,\n", path="p.csv")

    assert held.positions == (Position("AAPL", 2.0, THURSDAY),)
    assert held.cash_session is None


def test_the_session_of_the_cash_is_what_the_file_states():
    held = parse_positions("symbol,shares,session\nAAPL,2,\nCASH,5,2024-06-14\n", path="p.csv")

    assert (held.cash_session, held.positions[0].session) == (FRIDAY, None)


def test_each_symbol_is_found_on_its_line_of_the_file():
    text = "\ufeff Symbol,SHARES\nMSFT,3\n\nAAPL,2\nCASH,5\n"

    assert lines_of(text) == {"MSFT": 2, "AAPL": 4, "CASH": 5}


def test_case_and_spaces_of_the_column_names_are_ignored():
    held = parse_positions("Symbol, SHARES ,Session\nAAPL,2,2024-06-13\nCASH,5,\n", path="p.csv")

    assert held.positions == (Position("AAPL", 2.0, THURSDAY),)


@pytest.mark.parametrize("ticker", ["NA", "NAN", "TRUE", "NULL", "BRK.B", "BF-B", "XYZ~20150106"])
def test_tickers_that_look_like_something_else_are_tickers(ticker):
    held = parse_positions(f"symbol,shares\n{ticker},1\nCASH,0\n", path="p.csv")

    assert held.positions[0].symbol == ticker


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("symbol,shares\nAAPL,1\nAAPL,2\nCASH,1\n", "line 3, AAPL is listed twice"),
        (
            "symbol,shares\nAAPL,-1\nCASH,1\n",
            "line 2, AAPL is a short position (-1), but the portfolio is long-only",
        ),
        ("symbol,shares\nAAPL,many\nCASH,1\n", "line 2, the shares of AAPL are not a plain number: 'many'"),
        ("symbol,shares\nAAPL,nan\nCASH,1\n", "not a plain number"),
        ("symbol,shares\nAAPL,1e999\nCASH,1\n", "not a plain number"),
        ("symbol,shares\nAAPL,1e13\nCASH,1\n", "not a plain number"),
        ("symbol,shares\nAAPL,1_000\nCASH,1\n", "not a plain number"),
        ('symbol,shares\nAAPL,"1,000"\nCASH,1\n', "not a plain number"),
        ("symbol,shares\nAAPL,٣\nCASH,1\n", "not a plain number"),
        ("symbol,shares\nAAPL\nCASH,1\n", "not a plain number: ''"),
        ("symbol,shares\n=1+1,1\nCASH,1\n", "line 2, '=1+1' is not a valid symbol"),
        ("symbol,shares\nbrk.b,1\nCASH,1\n", "'brk.b' is not a valid symbol; write BRK.B."),
        ("symbol,shares\n../x,1\nCASH,1\n", "is not a valid symbol"),
        ("symbol,shares\nCON,1\nCASH,1\n", "is not a valid symbol"),
        ("symbol,shares\n\u202eLPAA,1\nCASH,1\n", "'\\u202eLPAA' is not a valid symbol"),
        ("symbol,shares\n,1\nCASH,1\n", "'' is not a valid symbol"),
        ("symbol,shares,session\nAAPL,1,soon\nCASH,1,\n", "line 2, 'soon' is not a valid date"),
        ("symbol,shares\nAAPL,1\n", "line 2, the file ends without a CASH row"),
        (
            "symbol;shares\nA;1\n",
            "line 1, it has no column symbol and no column shares (found: symbol;shares)",
        ),
        ("Symbol,Quantity\nA,1\n", "line 1, it has no column shares (found: Symbol, Quantity)"),
        ("symbol,shares,Shares\nA,1,2\n", "line 1, two columns are named shares"),
        ("", "line 1, it has no column symbol and no column shares (found: nothing)"),
        ('symbol,shares\n"AAPL,1\nCASH,1\n', "it is not CSV"),
    ],
)
def test_a_doubtful_file_is_refused_with_its_line(text, words):
    with pytest.raises(SafetyError) as refused:
        parse_positions(text, path="live/current_positions.csv")

    assert words in str(refused.value)
    assert "live/current_positions.csv" in str(refused.value)


def test_splits_after_the_session_carry_the_shares():
    splits = make_splits(
        ("AAPL", WEDNESDAY, 7.0), ("AAPL", THURSDAY, 4.0), ("AAPL", FRIDAY, 0.5), ("MSFT", FRIDAY, 9)
    )

    carried = carry(Position("AAPL", 10, WEDNESDAY), FRIDAY, symbol="AAPL", splits=splits)

    assert carried == Position("AAPL", 20.0, FRIDAY)


def test_shares_without_a_session_count_as_held_today():
    splits = make_splits(("AAPL", FRIDAY, 4.0))

    assert carry(Position("AAPL", 10), FRIDAY, symbol="AAPL", splits=splits).shares == 10


def test_a_later_split_is_not_known_yet():
    splits = make_splits(("AAPL", FRIDAY, 4.0))

    assert carry(Position("AAPL", 10, WEDNESDAY), THURSDAY, symbol="AAPL", splits=splits).shares == 10


def test_whole_shares_stay_whole_through_an_awkward_ratio():
    splits = make_splits(("AAPL", FRIDAY, 0.1))

    assert carry(Position("AAPL", 30, THURSDAY), FRIDAY, symbol="AAPL", splits=splits).shares == 3.0


def test_a_fraction_left_by_a_split_is_kept():
    splits = make_splits(("AAPL", FRIDAY, 1.5))

    assert carry(Position("AAPL", 5, THURSDAY), FRIDAY, symbol="AAPL", splits=splits).shares == 7.5


def test_a_fraction_of_a_share_is_kept_however_many_there_are():
    carried = carry(Position("A", 1e6 + 0.0005, THURSDAY), FRIDAY, symbol="A", splits=make_splits())

    assert carried.shares == 1e6 + 0.0005


# issue 10, line 15
def test_a_line_that_cannot_be_used_names_the_command_that_replaces_the_file():
    with pytest.raises(SafetyError) as refused:
        parse_positions("symbol,shares\nCASH,1\nA,-1\n", path="positions.csv")

    assert refused.value.remedy == "Correct that line, or run `afterclose positions import FILE`."


def test_a_byte_order_mark_before_the_header_is_no_part_of_it():
    held = parse_positions("\ufeffsymbol,shares\nA,1\nCASH,5\n", path="p.csv")

    assert [(line.symbol, line.shares) for line in held.positions] == [("A", 1.0)]


def test_a_line_of_no_shares_and_one_of_the_most_shares_are_lines():
    held = parse_positions("symbol,shares\nA,0\nB,1e12\nCASH,-1e12\n", path="p.csv")

    assert [line.shares for line in held.positions] == [0.0, 1e12]
    assert held.cash_usd == -1e12


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("symbol\nA\n", 1),
        ("symbol,shares\nA,1\nA,2\nCASH,5\n", 3),
        ("symbol,shares\nA,1\n", 2),
        ("symbol,shares\nA,2e12\n", 2),
    ],
)
def test_an_error_names_the_file_and_the_line(text, line):
    with pytest.raises(SafetyError, match=rf"p\.csv cannot be used: line {line},") as refused:
        parse_positions(text, path="p.csv")

    assert (refused.value.fields["path"], refused.value.fields["line"]) == ("p.csv", line)


def test_shares_with_a_comma_for_thousands_are_refused():
    with pytest.raises(SafetyError, match="line 2, it has more cells than the header has columns"):
        parse_positions("symbol,shares\nAFL,1,500\nCASH,1000\n", path="positions.csv")
