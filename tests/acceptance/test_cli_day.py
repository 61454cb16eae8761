"""A day by the command: what reaches stdout, stderr and the shell."""

import json

import pytest

from flows.cli.app import answer
from flows.daily import STAGES
from tasks.core.homes.home import Home
from tests.champions import put_into_production
from tests.homes import (
    LAST_SESSION,
    SESSION_BEFORE,
    afterclose,
    afterclose_process,
    blank,
    configure,
    tree_bytes,
)


@pytest.fixture
def in_home(ready_home, capsys):
    def run(*arguments):
        code = answer([*arguments, "--home", str(ready_home), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_a_day_is_one_document_on_stdout_and_its_stages_on_stderr(trained_home):
    result = afterclose_process("daily", "--date", str(LAST_SESSION), "--json", home=trained_home)

    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["folder"] == str(trained_home / "live" / str(LAST_SESSION))
    assert document["trades"] >= 0
    started = [line for line in result.stderr.splitlines() if line.endswith("…")]
    assert started[0] == "refresh market …"
    assert started[-2:] == ["publish day …", "score in shadow …"]
    assert len(started) == STAGES


def test_a_closed_session_is_exit_4_and_publishes_nothing(ready_home):
    before = tree_bytes(ready_home / "live")

    result = afterclose("daily", "--date", "2024-06-15", home=ready_home)

    assert result.returncode == 4
    assert "closed" in result.stdout
    assert tree_bytes(ready_home / "live") == before


def test_a_tripped_switch_blocks_the_day_until_it_is_reset(ready_home, in_home):
    in_home("kill-switch", "trip", "--by", "Ann", "--reason", "looks odd")

    code, document = in_home("daily", "--date", str(LAST_SESSION))

    assert code == 3
    assert "looks odd" in document["error"] or "kill switch" in document["error"].lower()
    assert not (ready_home / "live" / str(LAST_SESSION)).exists()
    in_home("kill-switch", "reset", "--by", "Ann", "--reason", "was a test")
    assert in_home("daily", "--date", str(LAST_SESSION))[0] == 0


def test_the_champion_in_production_is_shown_with_its_hash(in_home):
    code, document = in_home("champion", "show")

    assert code == 0
    assert document["trained_through"] == str(SESSION_BEFORE)
    assert len(document["model_sha256"]) == 64


def test_a_champion_that_was_tampered_with_is_exit_6(ready_home, in_home):
    model = next(path for path in (ready_home / "production").glob("champion_model.*"))
    model.write_bytes(model.read_bytes() + b" ")

    assert in_home("champion", "show")[0] == 6


def test_a_day_without_a_usable_champion_ends_before_any_data_is_fetched(tmp_path, monkeypatch):
    home = Home(configure(tmp_path / "home"))
    monkeypatch.setattr("flows.daily.refresh_market", None)  # a call of it would be an unexpected error

    missing = afterclose("daily", "--date", "2024-06-14", home=home.root)
    assert missing.returncode == 6
    assert "There is no champion yet. Run `afterclose weekly" in missing.stderr

    put_into_production(home)
    old = afterclose("daily", "--date", "2024-09-13", home=home.root)
    assert old.returncode == 6
    assert "models.max_age_days is" in old.stderr

    next(home.production.glob("champion_model.*")).write_bytes(b"cut")
    damaged = afterclose("daily", "--date", "2024-06-14", home=home.root)
    assert damaged.returncode == 6
    assert "truncated or changed" in damaged.stderr
    assert not home.days()


def test_regimes_are_cut_to_the_dates_and_written_as_csv(ready_home, in_home, tmp_path):
    code, document = in_home(
        "regime", "history", "--from", "2024-06-03", "--to", "2024-06-12", "--csv", str(tmp_path / "r.csv")
    )

    assert code == 0
    assert [row["session"] for row in document["sessions"]][:: len(document["sessions"]) - 1] == [
        "2024-06-03",
        "2024-06-12",
    ]
    lines = (tmp_path / "r.csv").read_text().splitlines()
    assert lines[0].startswith("session,state,")
    assert len(lines) == len(document["sessions"]) + 1 == 9


def test_a_declared_symbol_that_the_lake_does_not_know_is_refused_with_its_line(begun_home, tmp_path):
    traded = (begun_home / "live" / str(SESSION_BEFORE) / "trades.csv").read_text().splitlines()[1]
    known = traded.split(",")[0]
    file = tmp_path / "positions.csv"
    file.write_text(f"symbol,shares\n{known},5\n{known}X,5\nSOLD,0\nCASH,5\n")
    before = tree_bytes(begun_home / "live")

    said = ("--by", "Ann", "--reason", "moved", "--replace")
    result = afterclose("positions", "import", str(file), *said, home=begun_home)

    assert result.returncode == 3, result.stdout
    assert f"line 3, {known}X is not a symbol of the market data (most similar: {known}" in result.stderr
    assert tree_bytes(begun_home / "live") == before


def test_an_override_of_a_symbol_that_the_lake_does_not_know_is_refused_with_similar_ones(begun_home):
    traded = (begun_home / "live" / str(SESSION_BEFORE) / "trades.csv").read_text().splitlines()[1]
    known = traded.split(",")[0]
    rest = ("--until", "2035-12-31", "--by", "Ann", "--reason", "lawsuit")

    refused = afterclose("overrides", "add", "do_not_buy", "--symbol", f"{known}X", *rest, home=begun_home)

    assert refused.returncode == 2
    assert f"'{known}X' is not a symbol of the market data (most similar: {known}" in refused.stderr
    assert "No override" in afterclose("overrides", "list", home=begun_home).stdout
    waived = afterclose("overrides", "waive", "ramp", "--symbol", f"{known}X", *rest, home=begun_home)
    assert waived.returncode == 2
    added = afterclose("overrides", "add", "do_not_buy", "--symbol", known, *rest, home=begun_home)
    assert added.returncode == 0, added.stderr


def _file_of_one_position(home, tmp_path):
    traded = (home / "live" / str(SESSION_BEFORE) / "trades.csv").read_text().splitlines()[1].split(",")[0]
    file = tmp_path / "positions.csv"
    file.write_text(f"symbol,shares\n{traded},5\nCASH,5\n")
    return traded, ("positions", "import", str(file), "--by", "Ann", "--reason", "moved")


def test_an_import_over_positions_without_a_ledger_shows_the_equity_and_needs_a_confirmation(
    begun_home, tmp_path
):
    traded, command = _file_of_one_position(begun_home, tmp_path)
    held = begun_home / "live" / "current_positions.csv"
    held.write_text(held.read_text() + f"{traded},1\n")
    before = tree_bytes(begun_home / "live")

    shown = afterclose("--json", *command, home=begun_home)

    assert shown.returncode == 3
    equity = json.loads(shown.stdout)["change"]["equity_usd"]
    assert 5 < equity["after"] < 10_000
    assert 1_000_000 < equity["before"] < 1_010_000
    assert tree_bytes(begun_home / "live") == before
    assert afterclose(*command, "--replace", home=begun_home).returncode == 0


def test_an_import_over_a_day_that_holds_nothing_but_its_initial_cash_is_the_first(begun_home, tmp_path):
    _, command = _file_of_one_position(begun_home, tmp_path)

    first = afterclose("--json", *command, home=begun_home)

    assert (first.returncode, json.loads(first.stdout)["booked"]) == (0, True), first.stderr
    assert afterclose(*command, home=begun_home).returncode == 0  # the same positions: nothing to confirm


def test_a_history_of_which_only_the_end_is_shown_says_so(ready_home, capsys):
    def printed(*arguments):
        assert answer(["regime", "history", *arguments, "--home", str(ready_home)]) == 0
        return capsys.readouterr().out.splitlines()

    *_, counts, note = printed()
    assert counts.startswith("all ")
    assert note == "shown: the last 30; --from and --to choose others, --csv FILE writes all"
    assert printed("--from", "2024-06-03", "--to", "2024-06-12")[-1].startswith("sessions: CRASH 0")


def test_fault_096_a_range_that_is_not_a_range_of_dates_is_refused(in_home):
    assert in_home("regime", "history", "--from", "../../x")[0] == 2


# issue 10, line 15
def test_a_range_that_runs_backwards_or_holds_nothing_is_not_a_history(in_home):
    assert in_home("regime", "history", "--from", "2024-06-12", "--to", "2024-06-03")[0] == 2
    assert in_home("regime", "history", "--from", "1999-01-04", "--to", "1999-01-08")[0] == 5


# issue 10, line 15
def test_a_date_before_the_simulated_market_is_reported_to_come_later(tmp_path):
    home = configure(tmp_path / "home")
    put_into_production(Home(home))

    result = afterclose("daily", "--date", "1999-01-04", home=home)

    assert result.returncode == 5
    assert "use a later date" in result.stderr
    assert "earlier date" not in result.stderr


def test_regimes_of_an_empty_home_ask_for_data(tmp_path, capsys):
    assert answer(["regime", "history", "--home", str(blank(tmp_path))]) == 5
    assert "afterclose refresh" in capsys.readouterr().err


def test_doctor_finds_a_home_that_runs_well(published_home, capsys, monkeypatch):
    from datetime import UTC, datetime

    from flows.operations.homes import checked

    monkeypatch.setattr(checked, "now", lambda: datetime(2024, 6, 15, 12, tzinfo=UTC))

    code = answer(["doctor", "--home", str(published_home), "--json"])

    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert document["healthy"]
    verdicts = {check["check"]: check["verdict"] for check in document["checks"]}
    assert {
        verdicts[name] for name in ("home", "settings", "lake", "champion", "kill switch", "last day")
    } == {"ok"}


def test_refresh_says_what_it_brought(trained_home):
    result = afterclose("refresh", "--date", str(LAST_SESSION), "--json", home=trained_home)

    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["session"] == str(LAST_SESSION)
    assert document["new_bars"] > 0


def test_the_lake_tells_its_span_and_that_it_is_sound(in_home):
    status = in_home("data", "status")[1]["lake"]
    code, verified = in_home("data", "verify")

    assert status["last_session"] == str(LAST_SESSION)
    assert status["missing_sessions"] == []
    assert code == 0
    assert verified["bars"] == next(table["rows"] for table in status["tables"] if table["name"] == "bars")


def test_an_empty_lake_is_reported_and_cannot_be_verified(tmp_path, capsys):
    assert answer(["data", "status", "--home", str(blank(tmp_path))]) == 0
    assert "afterclose refresh" in capsys.readouterr().out
    assert answer(["data", "verify", "--home", str(tmp_path)]) == 5


def test_a_folder_of_files_becomes_a_lake(tmp_path, capsys):
    folder = tmp_path / "bars"
    folder.mkdir()
    days = ["2024-06-12", "2024-06-13", "2024-06-14"]
    rows = [
        f"{symbol},{day},10,11,9,{10 + i * 0.1},1000"
        for i, day in enumerate(days)
        for symbol in ("AAA", "BBB")
    ]
    (folder / "prices.csv").write_text("symbol,date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    home = ["--home", str(tmp_path / "home"), "--json"]

    assert answer(["data", "import", str(folder), *home]) == 0
    imported = json.loads(capsys.readouterr().out)
    assert answer(["data", "status", *home]) == 0
    status = json.loads(capsys.readouterr().out)["lake"]

    assert (imported["bars"], imported["last_session"]) == (6, "2024-06-14")
    assert (status["symbols"], status["provider"]) == (2, "files")


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path, capsys):
    assert answer(["data", "import", str(tmp_path / "none"), "--home", str(tmp_path / "home")]) == 2
    assert "none" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


def test_an_import_into_a_new_folder_makes_a_home_that_reads_the_files_again(tmp_path, capsys):
    folder = tmp_path / "bars"
    folder.mkdir()
    (folder / "prices.csv").write_text(
        "symbol,date,open,high,low,close,volume\n"
        + "".join(f"{symbol},2024-06-14,10,11,9,10.5,1000\n" for symbol in ("AAA", "BBB"))
    )
    home = ["--home", str(tmp_path / "home")]

    assert answer(["data", "import", str(folder), *home]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Created the home {tmp_path / 'home'}.\n")
    assert "Set data.provider" not in said
    assert answer(["data", "import", str(folder), *home]) == 0
    assert "Created the home" not in capsys.readouterr().out
    assert answer(["config", "show", "--json", *home]) == 0

    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings["data.provider"]["value"] == "files"
    assert settings["data.files.path"]["value"] == str(folder)


@pytest.mark.parametrize(("added", "is_corrected"), [("", True), ("trades: {max_trades: 7}\n", False)])
def test_a_home_whose_first_import_failed_reads_the_directory_of_the_next_one(
    tmp_path, capsys, added, is_corrected
):
    wrong, right, home = tmp_path / "wrong", tmp_path / "right", ["--home", str(tmp_path / "home")]
    for folder, last in ((wrong, "closing"), (right, "close")):
        folder.mkdir()
        (folder / "prices.csv").write_text(
            f"symbol,date,open,high,low,{last},volume\nAAA,2024-06-14,10,11,9,10.5,1000\n"
        )
    config = tmp_path / "home" / "config.yaml"

    assert answer(["data", "import", str(wrong), *home]) == 5
    config.write_text(config.read_text() + added)
    assert answer(["data", "import", str(tmp_path / "none"), *home]) == 2
    assert str(wrong) in config.read_text()
    assert answer(["data", "import", str(right), *home]) == 0

    assert ("Set data.provider" in capsys.readouterr().out) is not is_corrected
    assert (str(right) in config.read_text()) is is_corrected
    assert answer(["data", "import", str(wrong), *home]) == 5
    assert (str(right) in config.read_text()) is is_corrected


@pytest.mark.parametrize("last_word", ["refresh", "daily"])
def test_a_folder_that_ends_before_the_session_is_reported_with_the_date_that_it_has(
    tmp_path, capsys, last_word
):
    folder = tmp_path / "bars"
    folder.mkdir()
    (folder / "prices.csv").write_text(
        "symbol,date,open,high,low,close,volume\n"
        + "".join(f"{symbol},2024-03-14,10,11,9,10.5,1000\n" for symbol in ("AAA", "BBB"))
    )
    home = ["--home", str(tmp_path / "home")]
    assert answer(["data", "import", str(folder), *home]) == 0
    put_into_production(Home(tmp_path / "home"))

    assert answer([last_word, "--date", "2024-06-14", *home]) == 5

    said = capsys.readouterr().err
    assert "The last bar of files is for 2024-03-14, not for 2024-06-14." in said
    assert "add it to the directory" in said
    assert "--date 2024-03-14" in said


def test_weekly_says_through_which_session_it_chose(ready_home):
    environ = {"AFTERCLOSE_MODELS__QUICK_CANDIDATES": '["equal_weight"]'}

    result = afterclose("weekly", "--quick", "--date", str(LAST_SESSION), home=ready_home, **environ)

    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{LAST_SESSION}: ")
