"""`afterclose sql`: the forms of an answer, the shell, and its errors."""

import json
from io import StringIO

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.builders import FRIDAY
from tests.homes import afterclose
from tests.monitored_days import files_of_day, make_days, symbols_named, write_files


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_days(tmp_path_factory.mktemp("sql") / "home", sessions=3, symbols=12).root


def test_a_table_csv_json_and_parquet_have_the_same_answer(home, tmp_path):
    question = "SELECT session, side, shares FROM trades ORDER BY session, line LIMIT 2"

    table = afterclose("sql", question, home=home)
    csv = afterclose("sql", question, "--csv", home=home)
    document = json.loads(afterclose("sql", question, "--json", home=home).stdout)
    written = afterclose("sql", question, "--parquet", str(tmp_path / "answer.parquet"), home=home)

    assert table.stdout.splitlines()[-1] == "2 rows."
    assert "2024-06-12   SELL       10" in table.stdout
    assert csv.stdout.splitlines() == ["session,side,shares", "2024-06-12,SELL,10.0", "2024-06-12,BUY,20.0"]
    assert document["rows"] == [
        {"session": "2024-06-12", "side": "SELL", "shares": 10.0},
        {"session": "2024-06-12", "side": "BUY", "shares": 20.0},
    ]
    assert (written.returncode, written.stdout.strip()) == (
        0,
        f"2 rows written to {tmp_path / 'answer.parquet'}.",
    )
    assert pq.read_table(tmp_path / "answer.parquet").column("side").to_pylist() == ["SELL", "BUY"]


def test_a_cell_that_a_spreadsheet_would_evaluate_is_quoted(home):
    ended = afterclose("sql", "SELECT '=1+1' AS \"@a\", -1 AS n, '-x' AS t", "--csv", home=home)

    assert ended.stdout.splitlines() == ["'@a,n,t", "'=1+1,-1,'-x"]


@pytest.mark.parametrize(
    "name", ["live/x.parquet", "data/x.parquet", "data/views/../lake/x.parquet", "x.csv"]
)
def test_an_answer_is_not_written_where_the_home_keeps_its_state(home, name):
    ended = afterclose("sql", "SELECT 1", "--parquet", str(home / name), home=home)

    assert ended.returncode == 2
    assert "cannot be written" in ended.stderr
    assert not (home / name).exists()


@pytest.mark.parametrize(
    "arguments",
    [(), ("SELECT 1", "--shell"), ("SELECT 1", "--csv", "--parquet", "x.parquet"), ("--shell", "--csv")],
)
def test_options_that_exclude_each_other_are_a_usage_error(home, arguments):
    assert afterclose("sql", *arguments, home=home).returncode == 2


def test_an_error_is_one_paragraph_with_the_hint(home):
    ended = afterclose("sql", "SELECT symbool FROM trades", home=home)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert 'Candidate bindings: "symbol"' in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_the_shell_answers_until_the_end_and_goes_on_after_an_error(home, monkeypatch):
    typed = "SELECT count(*)\nAS n FROM trades;\nDROP TABLE trades;\n\nSELECT 7 AS m;exit\n;\nexit\nSELECT 1;"
    monkeypatch.setattr("sys.stdin", StringIO(typed))

    ended = afterclose("sql", "--shell", home=home)

    assert [line.strip() for line in ended.stdout.splitlines() if line.strip().isdigit()] == ["6"]
    assert "The statement was not run" in ended.stderr


def test_days_that_cannot_be_read_are_noted(tmp_path):
    home = make_days(tmp_path / "home", sessions=3, symbols=12)
    write_files(home, FRIDAY, files_of_day(FRIDAY, symbols_named(12), np.arange(12.0)))
    (home.day_folder(FRIDAY) / "signals.json").write_bytes(b"{}")

    ended = afterclose("sql", "SELECT count(*) AS n FROM scores", home=home.root)

    assert "1 day cannot be read and is not in the answer" in ended.stdout
