"""`afterclose sql`: the forms of an answer, the shell, and its errors."""

import json
import resource
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import SubTreeFileSystem

from tasks.core.homes.home import Home
from tasks.core.homes.opening import settings_of
from tasks.monitoring.views.lake_tables import bars_as_known, lake_and_versions
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


RUN = "import sys; from flows.start import main; sys.exit(main())"
INTERRUPTED = f"""
import os, signal, threading
from tasks.monitoring import store

def interrupt_soon(self, text):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    return question(self, text)

question = store.Views._question
store.Views._question = interrupt_soon
{RUN}
"""
ENDLESS = "SELECT range AS n, 'x' AS t FROM range(1000000000000)"


def test_a_table_shows_the_first_rows_of_an_endless_answer_and_says_how_to_get_the_others(home):
    ended = afterclose("sql", ENDLESS, home=home)

    lines = ended.stdout.splitlines()
    assert [line.split() for line in lines[3:6]] == [["0", "x"], ["1", "x"], ["2", "x"]]
    assert sum(line.endswith("x") for line in lines) == 200
    assert lines[-1].startswith("These are the first 200 rows; there are more.")
    assert all(way in lines[-1] for way in ("--csv", "--parquet FILE", "LIMIT"))


def test_a_table_of_large_values_is_cut_and_a_row_that_is_too_large_is_an_error(home):
    large = afterclose("sql", "SELECT repeat('x', 1000000) AS t FROM range(100)", home=home)
    too_large = afterclose("sql", "SELECT repeat('x', 20000000) AS t", home=home)

    assert "there are more" in large.stdout
    assert len(large.stdout) < 5_000
    assert (too_large.returncode, too_large.stdout) == (2, "")
    assert "a single row of its result takes 19 MB" in too_large.stderr


@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_an_answer_that_takes_too_long_to_print_is_stopped(home, form, monkeypatch):
    monkeypatch.setattr("tasks.monitoring.store.Views.answer.__wrapped__.__kwdefaults__", {"longest_s": 0.5})

    ended = afterclose("sql", ENDLESS, form, home=home)

    assert ended.returncode == 2
    assert "stopped after 0.5 s" in ended.stderr
    if form == "--json":
        document = json.loads(ended.stdout)
        assert document["rows"][:2] == [{"n": 0, "t": "x"}, {"n": 1, "t": "x"}]
        assert document["exit_code"] == 2
        assert "stopped" in document["error"]
    else:
        assert ended.stdout.splitlines()[:2] == ["n,t", "0,x"]


def test_a_parquet_file_that_is_not_complete_does_not_appear(home, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.monitoring.store.Views.answer.__wrapped__.__kwdefaults__", {"longest_s": 0.5})

    ended = afterclose("sql", ENDLESS, "--parquet", str(tmp_path / "answer.parquet"), home=home)

    assert ended.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_parquet_file_has_every_row(home, tmp_path):
    question = "SELECT range AS n FROM range(300000)"

    ended = afterclose("sql", question, "--parquet", str(tmp_path / "answer.parquet"), home=home)

    assert "300,000 rows written" in ended.stdout
    assert pq.read_table(tmp_path / "answer.parquet").column("n").to_pylist() == list(range(300_000))


def test_a_value_without_a_form_is_an_error(home, tmp_path):
    interval = afterclose(
        "sql", "SELECT INTERVAL 1 DAY AS i", "--parquet", str(tmp_path / "a.parquet"), home=home
    )
    day = afterclose("sql", "SELECT DATE '99999-01-01' AS d", home=home)

    assert (interval.returncode, day.returncode) == (2, 2)
    assert "cannot be stored as Parquet" in interval.stderr
    assert "cannot be shown" in day.stderr


@pytest.mark.parametrize(
    "value",
    ["repeat('x', 3000000000)", "list_resize([1], 2000000000, 7)", "format('{:5000000000}', 1)"],
)
@pytest.mark.parametrize("form", [(), ("--csv",)])
def test_a_value_of_gigabytes_is_refused_before_it_is_made(home, value, form):
    limits = resource.getrlimit(resource.RLIMIT_DATA)

    ended = afterclose("sql", f"SELECT {value} AS v", *form, home=home)

    assert ended.returncode == 2
    assert "The query" in ended.stderr
    assert resource.getrlimit(resource.RLIMIT_DATA) == limits


def test_a_value_that_duckdb_does_not_count_is_bounded_too(home, monkeypatch):
    """One value below DuckDB's limit, copied again and again, would take the machine's memory."""
    monkeypatch.setattr("tasks.monitoring.store.LARGEST_GROWTH", 64 * 2**20)

    ended = afterclose("sql", "SELECT length(repeat('x', 200000000)) AS n FROM range(2)", home=home)

    assert ended.returncode == 2
    assert "more memory than a query may have" in ended.stderr


STUCK = f"""
from tasks.monitoring import store

store.GRACE_S = 0.2
store.Views.answer.__wrapped__.__kwdefaults__["longest_s"] = 0.3
{RUN}
"""


def test_a_function_that_cannot_be_interrupted_ends_with_the_program(home):
    question = "SELECT list_sum(list_transform(range(20000000), lambda x: sin(x))) AS t"
    command = [sys.executable, "-c", STUCK, "--home", str(home), "sql", question]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("afterclose: The query was stopped after 0.3 s")


@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_a_full_disk_is_named_and_ends_the_command(home, form):
    command = [sys.executable, "-c", RUN, "--home", str(home), "sql", ENDLESS, form]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=300
        )

    assert ended.returncode == 1
    assert ended.stderr.startswith("afterclose: The output cannot be written: No space left on device.")


def test_a_full_disk_is_named_for_a_table_too(home):
    command = [sys.executable, "-c", RUN, "--home", str(home), "sql", "SELECT 1 AS n"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("afterclose: The output cannot be written: No space left on device.")


def test_the_bars_are_read_without_python_in_the_threads_of_arrow(trained_home):
    """Such a thread reads ahead after an answer was abandoned, and hung or crashed the interpreter at its end."""
    home = Home(trained_home)
    bars = bars_as_known(*lake_and_versions(home, settings_of(home, None).settings))

    assert isinstance(bars.filesystem, SubTreeFileSystem)


@pytest.mark.parametrize("question", ["", " ", ";", " ;; "])
def test_an_empty_statement_is_called_empty(home, question):
    ended = afterclose("sql", question, home=home)

    assert ended.returncode == 2
    assert "it is empty" in ended.stderr


def test_an_interval_is_written_in_every_form_as_duckdb_writes_it(home):
    question = (
        "SELECT i, i::VARCHAR AS t FROM (VALUES (INTERVAL '0 s'), (INTERVAL '1 day 02:03:04.5'), "
        "(INTERVAL '-14 months 3 days -150 minutes'), (INTERVAL '50 hours')) v(i)"
    )
    table = afterclose("sql", question, home=home)
    csv = afterclose("sql", question, "--csv", home=home)
    document = json.loads(afterclose("sql", question, "--json", home=home).stdout)

    assert [row["i"] for row in document["rows"]] == [row["t"] for row in document["rows"]]
    assert document["rows"][1]["i"] == "1 day 02:03:04.5"
    assert csv.stdout.splitlines()[2] == "1 day 02:03:04.5,1 day 02:03:04.5"
    assert table.stdout.count("1 day 02:03:04.5") == 2


def test_an_interrupt_while_duckdb_computes_ends_the_command(home):
    question = "SELECT count(*) FROM range(1000000000000) a, range(1000) b"
    command = [sys.executable, "-c", INTERRUPTED, "--home", str(home), "sql", question]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 130
    assert ended.stderr.startswith("afterclose: Interrupted.")
    assert len(ended.stderr.splitlines()) == 1


def test_a_reader_that_closes_the_pipe_ends_the_output_quietly(home):
    command = [sys.executable, "-c", RUN, "--home", str(home), "sql", ENDLESS, "--csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "n,t\n"
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == ""
    assert running.returncode == 0


@pytest.mark.parametrize(
    "name", ["live/x.parquet", "data/x.parquet", "data/views/../lake/x.parquet", "x.csv"]
)
def test_an_answer_is_not_written_where_the_home_keeps_its_state(home, name):
    ended = afterclose("sql", "SELECT 1", "--parquet", str(home / name), home=home)

    assert ended.returncode == 2
    assert "was not written" in ended.stderr
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

    assert "1 day cannot be read and is not in the result" in ended.stdout
