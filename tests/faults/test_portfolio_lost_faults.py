"""Positions or history that are gone are never an empty portfolio nor "no loss" (fault 119; issue 10, line 1)."""

import json
from datetime import date

import pytest

from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import noted_in_marker, set_up
from tasks.portfolio.holdings.record import (
    declare_portfolio,
    note_history,
    open_portfolio,
    positions_of,
    published_sessions,
    refuse_short_history,
)
from tasks.portfolio.task import refuse_lost_portfolio
from tests.deliveries import small_run
from tests.homes import LAST_SESSION, afterclose, run_day, tree_bytes

HELD = "symbol,shares\nS001,100\nCASH,5000\n"
MONDAY, TUESDAY, WEDNESDAY = date(2024, 6, 10), date(2024, 6, 11), date(2024, 6, 12)


def new_home(folder):
    home = Home(folder)
    set_up(home)
    return home


def lived_home(folder, days=(MONDAY, TUESDAY, WEDNESDAY)):
    """Return a home in which days were published one after the other."""
    home = new_home(folder)
    for day in days:
        publish(home, day)
        note_history(home)
    return home


def publish(home, day, *, row=True):
    open_portfolio(home, initial_cash_usd=1e6)
    home.day_folder(day).mkdir(parents=True)
    (home.day_folder(day) / "manifest.json").write_text("{}")
    if row:
        rows = (
            home.performance_file.read_text() if home.performance_file.exists() else "date,equity,exposure\n"
        )
        home.performance_file.write_text(f"{rows}{day},1000000,0.5\n")


def cut(home, rows):
    """Keep the heading and this many rows."""
    lines = home.performance_file.read_text().splitlines(keepends=True)
    home.performance_file.write_text("".join(lines[: rows + 1]))


def lose(path):
    path.unlink()


def empty(path):
    path.write_text("")


def make_unreadable(path):
    path.write_bytes(b"symbol,shares\n\xff\xfe\n")


def make_folder(path):
    path.unlink()
    path.mkdir()


# issue 10, line 1
def test_a_new_home_starts_with_the_initial_cash(tmp_path):
    held = positions_of(new_home(tmp_path), initial_cash_usd=1e6)

    assert (held.positions, held.cash_usd) == ((), 1e6)
    refuse_short_history(Home(tmp_path), MONDAY)


# issue 10, line 1
@pytest.mark.parametrize("harm", [lose, empty, make_unreadable, make_folder])
def test_fault_119_positions_that_are_gone_are_refused_with_what_to_do(tmp_path, harm):
    home = lived_home(tmp_path)
    harm(home.positions_file)

    with pytest.raises(SafetyError, match=r"data restore.*positions import FILE") as refused:
        positions_of(home, initial_cash_usd=1e6)

    assert refused.value.exit_code == 3


# issue 10, line 1
@pytest.mark.parametrize("known_by", ["a published day", "the marker"])
def test_fault_119_either_a_day_or_the_marker_is_enough_to_know_of_a_portfolio(tmp_path, known_by):
    home = lived_home(tmp_path, days=(MONDAY,))
    home.positions_file.unlink()
    if known_by == "a published day":
        home.marker_file.write_text('{"schema_version": 1}')
    else:
        home.day_folder(MONDAY).rename(tmp_path / "elsewhere")

    with pytest.raises(SafetyError, match="missing"):
        positions_of(home, initial_cash_usd=1e6)


# issue 10, line 1
@pytest.mark.parametrize("rows", [2, 1, 0])
def test_fault_119_a_shortened_history_is_refused_by_its_number_of_rows(tmp_path, rows):
    home = lived_home(tmp_path)
    cut(home, rows)

    for session in (WEDNESDAY, date(2024, 6, 13)):
        with pytest.raises(SafetyError, match="--accept-history"):
            refuse_short_history(home, session)


# issue 10, line 1
@pytest.mark.parametrize("harm", [lose, empty])
def test_fault_119_a_missing_history_is_refused(tmp_path, harm):
    home = lived_home(tmp_path, days=(MONDAY,))
    harm(home.performance_file)

    with pytest.raises(SafetyError, match="Earlier losses"):
        refuse_short_history(home, TUESDAY)


# issue 10, line 1
def test_fault_119_days_published_before_the_marker_counted_rows_are_enough(tmp_path):
    home = lived_home(tmp_path)
    home.marker_file.write_text('{"schema_version": 1}')
    refuse_short_history(home, date(2024, 6, 13))
    cut(home, 2)

    with pytest.raises(SafetyError, match="no row for 2024-06-12"):
        refuse_short_history(home, date(2024, 6, 13))


def test_a_run_that_was_killed_between_the_day_and_its_row_is_run_again_or_followed_by_the_next(tmp_path):
    home = lived_home(tmp_path, days=(MONDAY, TUESDAY))
    publish(home, WEDNESDAY, row=False)

    refuse_short_history(home, WEDNESDAY)
    refuse_short_history(home, date(2024, 6, 13))


def test_a_portfolio_that_was_declared_is_known_before_its_first_day(tmp_path):
    home = new_home(tmp_path)
    declare_portfolio(home, HELD, accept_history=False)
    lose(home.positions_file)

    with pytest.raises(SafetyError, match="is missing, though this home has a portfolio"):
        positions_of(home, initial_cash_usd=1e6)


def test_a_run_needs_its_positions_and_the_rows_of_all_days_but_its_own(tmp_path):
    home = lived_home(tmp_path)
    home.marker_file.write_text('{"schema_version": 1}')
    cut(home, 2)

    refuse_lost_portfolio(small_run(tmp_path, WEDNESDAY))
    with pytest.raises(SafetyError, match="no row for 2024-06-12"):
        refuse_lost_portfolio(small_run(tmp_path, date(2024, 6, 13)))

    lose(home.positions_file)
    with pytest.raises(SafetyError, match="is missing, though this home has a portfolio"):
        refuse_lost_portfolio(small_run(tmp_path, WEDNESDAY))


# issue 10, line 1
def test_a_declared_portfolio_goes_on_and_only_an_accepted_history_may_be_short(tmp_path):
    home = lived_home(tmp_path)
    home.positions_file.unlink()
    home.performance_file.unlink()

    declare_portfolio(home, HELD, accept_history=False)
    assert positions_of(home, initial_cash_usd=1e6).cash_usd == 5000
    with pytest.raises(SafetyError):
        refuse_short_history(home, date(2024, 6, 13))

    declare_portfolio(home, HELD, accept_history=True)
    refuse_short_history(home, date(2024, 6, 13))
    publish(home, date(2024, 6, 13))
    note_history(home)
    home.performance_file.unlink()
    with pytest.raises(SafetyError):
        refuse_short_history(home, date(2024, 6, 14))


def test_a_first_day_marks_the_home_before_it_is_published(tmp_path):
    home = new_home(tmp_path)

    open_portfolio(home, initial_cash_usd=1e6)

    assert noted_in_marker(home, "portfolio") == {}
    assert positions_of(home, initial_cash_usd=2e6).cash_usd == 1e6
    home.positions_file.unlink()
    with pytest.raises(SafetyError, match="missing"):
        positions_of(home, initial_cash_usd=1e6)


@pytest.mark.parametrize("record", ["null and void", [], {"history_rows": "3"}])
def test_a_marker_whose_record_of_the_portfolio_is_damaged_is_not_a_fresh_start(tmp_path, record):
    home = new_home(tmp_path)
    home.marker_file.write_text(json.dumps({"schema_version": 1, "portfolio": record}))

    for look in (
        lambda: positions_of(home, initial_cash_usd=1e6),
        lambda: refuse_short_history(home, MONDAY),
    ):
        with pytest.raises(SafetyError, match=r"home\.json is damaged") as refused:
            look()
        assert "data restore" in refused.value.remedy


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (lose, "{} is missing, though days were published"),
        (lambda path: path.write_text("date,equity,exposure\n"), "{} has no row for 2024-06-10"),
    ],
)
def test_the_refusal_names_the_history_and_the_home_to_declare_it_in(tmp_path, harm, what):
    home = lived_home(tmp_path / "my home")
    harm(home.performance_file)

    with pytest.raises(SafetyError) as refused:
        refuse_short_history(home, date(2024, 6, 13))

    assert refused.value.what.startswith(what.format(home.performance_file))
    assert f"--home '{home.root}' --by NAME" in refused.value.remedy
    assert "or run the day again with `afterclose daily --date 2024-06-11`. If" in refused.value.remedy


def test_a_history_that_lost_rows_of_no_published_day_is_reported_by_both_counts(tmp_path):
    home = lived_home(tmp_path)
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        (home.day_folder(day) / "manifest.json").unlink()
    cut(home, 2)

    with pytest.raises(SafetyError) as refused:
        refuse_short_history(home, date(2024, 6, 13))

    assert refused.value.what.startswith(f"{home.performance_file} has 2 rows; it had 3")
    assert "(`afterclose data restore`). If" in refused.value.remedy


def test_a_history_that_is_cut_within_its_last_line_is_not_read(tmp_path):
    home = lived_home(tmp_path)
    home.performance_file.write_text(home.performance_file.read_text()[:-3])

    with pytest.raises(SafetyError, match=r"performance_history\.csv ends in the middle of its last line"):
        refuse_short_history(home, date(2024, 6, 13))


def test_a_day_that_is_blocked_by_a_damaged_history_names_the_file_and_the_line(begun_home):
    history = Home(begun_home).performance_file
    heading, row = history.read_text().splitlines()
    history.write_text(f"{heading}\n{row.rpartition(',')[0].rpartition(',')[0]}\n")  # no exposure any more

    with pytest.raises(SafetyError) as blocked:
        run_day(begun_home)

    assert "daily_loss (could not run);" in blocked.value.what
    assert f"{history} cannot be used: line 2" in blocked.value.what


def test_an_accepted_history_excuses_no_later_day(tmp_path):
    home = lived_home(tmp_path)
    home.performance_file.unlink()
    declare_portfolio(home, HELD, accept_history=True)
    note_history(home)
    refuse_short_history(home, date(2024, 6, 13))
    for day in (date(2024, 6, 13), date(2024, 6, 14)):
        publish(home, day)
    home.performance_file.write_text(home.performance_file.read_text().replace("2024-06-13", "2024-06-07"))

    with pytest.raises(SafetyError, match="no row for 2024-06-13"):
        refuse_short_history(home, date(2024, 6, 17))


def test_a_history_is_accepted_in_a_home_without_a_day(tmp_path):
    home = new_home(tmp_path)

    declare_portfolio(home, HELD, accept_history=True)

    assert noted_in_marker(home, "portfolio") == {"history_rows": 0, "history_since": None}


def test_only_folders_named_as_days_are_written_are_published_days(tmp_path):
    home = lived_home(tmp_path, days=(MONDAY,))
    (home.live / "20240611").mkdir()
    (home.live / "20240611" / "manifest.json").write_text("{}")

    assert published_sessions(home) == {MONDAY}


def test_a_declaration_in_a_home_that_never_counted_its_rows_excuses_no_missing_history(tmp_path):
    home = lived_home(tmp_path, days=(MONDAY,))
    home.marker_file.write_text('{"schema_version": 1}')
    home.performance_file.unlink()

    declare_portfolio(home, HELD, accept_history=False)

    with pytest.raises(SafetyError):
        refuse_short_history(home, TUESDAY)


# issue 10, line 1: the whole way, as a user goes it
def test_fault_119_a_portfolio_whose_files_are_gone_proposes_nothing_until_a_person_declares_it(
    begun_home, tmp_path
):
    home = Home(begun_home)
    assert home.positions_file.read_text() == "symbol,shares\nCASH,1000000.0\n"
    assert noted_in_marker(home, "portfolio") == {"history_rows": 1}
    home.positions_file.unlink()
    before = tree_bytes(begun_home / "live")

    lost = afterclose("daily", "--date", str(LAST_SESSION), home=begun_home)
    examined = afterclose("doctor", home=begun_home)

    assert lost.returncode == 3
    assert "positions import" in lost.stderr
    assert "positions import" in examined.stdout
    assert tree_bytes(begun_home / "live") == before

    file = tmp_path / "mine.csv"
    file.write_text("symbol,shares\nCASH,990000\n")
    said = ("--by", "Ann", "--reason", "from the broker")
    assert (
        afterclose("positions", "import", str(file), "--by", " ", "--reason", "x", home=begun_home).returncode
        == 2
    )
    assert afterclose("positions", "import", str(file), *said, home=begun_home).returncode == 0
    shown = afterclose("positions", "show", "--json", home=begun_home)
    assert json.loads(shown.stdout)["cash_usd"] == 990_000
    assert 'positions_imported,Ann,"from the broker (no positions, sha256' in home.audit_log.read_text()
    assert afterclose("daily", "--date", str(LAST_SESSION), home=begun_home).returncode == 0


def test_a_file_that_cannot_be_positions_is_refused_and_nothing_changes(ready_home, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("symbol,shares\nAAA,1\nCASH,5\nCASH,7\n")

    result = afterclose("positions", "import", str(file), "--by", "Ann", "--reason", "x", home=ready_home)

    assert result.returncode == 3
    assert "CASH is listed twice" in result.stderr
    assert "Correct the file and import it again" in result.stderr
    assert "or run `afterclose positions import" not in result.stderr  # which is what was run
    assert not (ready_home / "live" / "current_positions.csv").exists()
