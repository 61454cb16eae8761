"""Declaring positions by hand."""

import json
from datetime import timedelta

import pytest

from flows.cli.app import answer
from tasks.core.clock import now
from tests.homes import blank


@pytest.fixture
def declare(tmp_path, capsys):
    home = blank(tmp_path / "home")

    def run(text):
        (tmp_path / "positions.csv").write_text(text)
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
