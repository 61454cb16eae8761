"""Declaring positions by hand."""

import json
from datetime import timedelta

import pytest

from flows.cli.app import answer
from flows.operations.trading import declared_file
from tasks.core.clock import now
from tests.homes import blank


@pytest.fixture
def declare(tmp_path, capsys):
    home = blank(tmp_path / "home")

    def run(text):
        (tmp_path / "positions.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        file = str(tmp_path / "positions.csv")
        said = ["--by", "Ann", "--reason", "opening", "--home", str(home), "--json"]
        code = answer(["positions", "import", file, *said])
        return code, json.loads(capsys.readouterr().out), home / "live" / "current_positions.csv"

    return run


def test_the_session_of_a_declared_position_is_stored(declare):
    code, document, stored = declare("symbol,shares,session\nAAA,5,2024-06-14\nCASH,100,\n")

    assert code == 0
    assert document["positions"] == [{"symbol": "AAA", "shares": 5.0, "session": "2024-06-14"}]
    assert stored.exists()


@pytest.mark.parametrize(
    ("session", "why"),
    [
        ("2024-06-15", "held as of 2024-06-15, which is not a session"),
        ("1800-01-02", "held as of 1800-01-02, which is not a session"),
        (str(now().date() + timedelta(days=2)), "which is after the last closed session"),
    ],
)
def test_shares_dated_on_a_day_that_has_no_close_are_refused(declare, session, why):
    code, document, stored = declare(f"symbol,shares,session\nAAA,5,{session}\nCASH,100,\n")

    assert code == 3
    assert why in document["what"]
    assert "positions.csv cannot be used: line 2, AAA is held" in document["what"]
    assert document["fields"]["line"] == 2
    assert not stored.exists()


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (
            "CASH,-1000,",
            "the cash is negative, \N{MINUS SIGN}$1,000.00: an overdrawn account cannot be declared",
        ),
        ("CASH,-0.01,", "the cash is negative"),
        ("CASH,1000.005,", "the cash has a fraction of a cent: 1000.005"),
        ("CASH,1e-3,", "the cash has a fraction of a cent: 0.001"),
        (
            "CASH,100,2024-06-14",
            "the CASH row has the session 2024-06-14, but cash is always as of the last close",
        ),
    ],
)
def test_cash_that_no_account_has_is_refused_with_its_line(declare, row, why):
    code, document, stored = declare(f"symbol,shares,session\nAAA,5,\n{row}\n")

    assert code == 3
    assert f"positions.csv cannot be used: line 3, {why}" in document["what"]
    assert document["fields"]["line"] == 3
    assert not stored.exists()


@pytest.mark.parametrize("cash", ["0", "0.1", "1000.10", "999999999999.99"])
def test_cash_of_whole_cents_is_accepted(declare, cash):
    code, document, _ = declare(f"symbol,shares\nCASH,{cash}\n")

    assert (code, document["cash_usd"]) == (0, float(cash))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("symbol,shares,note\nAAA,5,\nBBB,5,Zürich\nCASH,100,\n".encode("latin-1"), 3),
        ("symbol,shares\nAAA,5\nCASH,100\n".encode("utf-16"), 1),
    ],
)
def test_a_file_that_is_not_utf_8_is_refused_in_plain_words(declare, content, line):
    code, document, stored = declare(content)

    assert code == 3
    assert f"positions.csv cannot be used: line {line}, it is not text in UTF-8." in document["what"]
    assert "CSV UTF-8" in document["remedy"]
    assert document["fields"]["line"] == line
    assert not stored.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_parsed(declare, monkeypatch):
    def parse(*_, **__):
        raise AssertionError("parsed")

    rows = b"symbol,shares\nCASH,100\n"
    blank_lines = b"\n" * (declared_file.MAX_BYTES - len(rows))
    assert declare(rows + blank_lines)[0] == 0
    monkeypatch.setattr(declared_file, "parse_positions", parse)

    code, document, _ = declare(rows + blank_lines + b"\n")

    assert code == 3
    assert "it has more than 1,000,000 bytes" in document["what"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(declare, end):
    code, _, stored = declare(end.join(["symbol,shares", "AAA,5", "CASH,100", ""]))

    assert code == 0
    assert stored.read_bytes() == b"symbol,shares\nAAA,5\nCASH,100\n"


def test_a_first_import_before_any_data_says_that_no_symbol_was_checked(tmp_path, capsys):
    file = tmp_path / "positions.csv"
    command = ["positions", "import", str(file), "--by", "Ann", "--reason", "opening"]
    for home, rows, is_said in (("held", "AAA,5\n", True), ("cash", "", False)):
        file.write_text(f"symbol,shares\n{rows}CASH,100\n")

        assert answer([*command, "--home", str(blank(tmp_path / home))]) == 0

        assert ("no symbol was checked" in capsys.readouterr().out) is is_said
