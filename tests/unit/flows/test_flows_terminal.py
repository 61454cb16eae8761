"""Terminal output: results, the progress of stages, and no control characters."""

import json
import logging
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from flows.terminal import Failure, Options, Result, progress, progress_bar, report_failure, show, with_home
from tasks.core.errors import StorageError
from tasks.core.stage import report_step
from tests.homes import closed_pipe

STAGES, STEPS = logging.getLogger("tasks.core.stage"), logging.getLogger("tasks.core.stage.steps")


def test_a_result_is_text_for_a_person_and_one_document_for_a_script(capsys):
    result = Result({"name": "a\x1bb", "n": float("nan")}, "found a\x1bb", exit_code=4)

    assert show(result, Options()) == 4
    assert capsys.readouterr().out == "found a\\x1bb\n"

    assert show(result, Options(as_json=True)) == 4
    assert json.loads(capsys.readouterr().out) == {"name": "a\x1bb", "n": "nan"}


@pytest.mark.parametrize("as_json", [False, True])
def test_a_reader_that_closes_the_pipe_does_not_change_the_exit_code(as_json):
    options = Options(as_json=as_json)

    with closed_pipe() as stdout, redirect_stdout(stdout):
        assert show(Result({}, "done"), options) == 0
    with closed_pipe() as stdout, redirect_stdout(stdout):
        assert report_failure(Failure("it failed", 3), options) == 3


def test_a_full_disk_is_named_and_does_not_hide_a_failure():
    no_space = pytest.raises(StorageError, match="No space left on device")
    with Path("/dev/full").open("w") as full, redirect_stdout(full), no_space:
        show(Result({}, "done"), Options())
    with Path("/dev/full").open("w") as full, redirect_stdout(full):
        assert report_failure(Failure("it failed", 3), Options(as_json=True)) == 3


def test_stages_are_printed_to_stderr_as_they_begin_and_end(capsys):
    with progress(Options()):
        STAGES.info("%s …", "refresh_market")
        STAGES.info("%s done in %.2f s", "refresh_market", 1.234)

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["refresh market …", "refresh market done in 1.23 s"]


def step(done, total, at):
    """Log a step as if it had been made so many seconds after the epoch."""
    record = STEPS.makeRecord(
        STEPS.name,
        logging.INFO,
        "",
        0,
        "%s: %d of %d",
        ("trials", done, total),
        None,
        extra={"what": "trials", "done": done, "total": total},
    )
    record.created = at
    STEPS.handle(record)


def test_the_steps_of_a_long_stage_are_shown_with_the_time_left_every_half_minute(capsys):
    with progress(Options()):
        step(0, 40, 0.0)
        step(10, 40, 20.0)  # too soon
        step(20, 40, 600.0)
        step(30, 40, 610.0)
        step(40, 40, 1200.0)

    assert capsys.readouterr().err.splitlines() == ["trials: 20 of 40, about 10 min left"]


def test_a_stage_reports_its_steps(capsys):
    with progress(Options()):
        report_step("trials", 0, 3)
        report_step("trials", 1, 3)

    assert capsys.readouterr().err == ""


def test_log_lines_of_stages_are_shown_only_with_verbose(capsys):
    log = logging.getLogger("tasks.data.task")

    with progress(Options()):
        log.info("500 bars")
    with progress(Options(verbose=True)):
        log.info("501 bars")

    assert capsys.readouterr().err == "  info: 501 bars\n"


def test_a_warning_of_a_stage_is_always_shown_and_one_of_a_library_is_not(capsys):
    with progress(Options()):
        logging.getLogger("tasks.risk.task").warning("a singular matrix of \x1b[31m was repaired")
        logging.getLogger("matplotlib").warning("fonts")

    assert capsys.readouterr().err == "  warning: a singular matrix of \\x1b[31m was repaired\n"


def test_a_long_line_is_not_wrapped_and_markup_is_not_interpreted(capsys):
    with progress(Options(verbose=True)):
        logging.getLogger("tasks.data.task").info("[bold]%s[/bold]", "x" * 300)

    assert capsys.readouterr().err == f"  info: [bold]{'x' * 300}[/bold]\n"


def test_progress_ends_with_the_block(capsys):
    before = list(logging.getLogger().handlers)

    with pytest.raises(ZeroDivisionError), progress(Options()):
        raise ZeroDivisionError

    assert logging.getLogger().handlers == before


@pytest.mark.parametrize(
    ("remedy", "shown"),
    [
        ("Run `afterclose weekly` again.", "Run `afterclose weekly --home '/a b'` again."),
        ("Fetch it: afterclose data status", "Fetch it: afterclose data status --home '/a b'"),
        ("Then: afterclose daily.", "Then: afterclose daily --home '/a b'."),
        (
            "`afterclose data restore ARCHIVE --replace`",
            "`afterclose data restore --home '/a b' ARCHIVE --replace`",
        ),
        ("`afterclose kill-switch reset --home /x`", "`afterclose kill-switch reset --home /x`"),
        ("Make one with `afterclose init /x`.", "Make one with `afterclose init /x`."),
        ("Install it (pip install 'afterclose[s3]').", "Install it (pip install 'afterclose[s3]')."),
    ],
)
def test_a_command_in_a_remedy_names_the_home_that_the_user_gave(remedy, shown):
    assert with_home(remedy, Options(home=Path("/a b"))) == shown
    assert with_home(remedy, Options()) == remedy


def test_a_command_names_a_home_that_is_found_by_the_directory_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("AFTERCLOSE_HOME", raising=False)
    (tmp_path / "home" / "data").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "home")
    assert with_home("`afterclose daily`", Options()) == "`afterclose daily`"

    (tmp_path / "home" / "data" / "home.json").touch()
    assert with_home("`afterclose daily`", Options()) == f"`afterclose daily --home {tmp_path / 'home'}`"

    monkeypatch.setenv("AFTERCLOSE_HOME", "/elsewhere")
    assert with_home("`afterclose daily`", Options()) == "`afterclose daily`"


def test_a_relative_home_is_named_so_that_the_command_works_in_any_directory(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)

    show(Result({}, "Next: `afterclose approve 2024-06-14 --by NAME`."), Options(home=Path("my home")))

    assert capsys.readouterr().out == (
        f"Next: `afterclose approve --home '{tmp_path}/my home' 2024-06-14 --by NAME`.\n"
    )


def test_progress_without_a_terminal_is_a_line_every_half_minute_with_the_time_left(capsys, monkeypatch):
    seconds = iter([0.0, 10.0, 31.0, 45.0, 3000.0])
    monkeypatch.setattr("tasks.core.clock.stopwatch", lambda: next(seconds))

    with progress_bar("8 of 8 combinations", 100) as report:
        for done in (10, 25, 30, 40):
            report(done)

    assert capsys.readouterr().err.splitlines() == [
        "8 of 8 combinations …",
        "8 of 8 combinations: 25%, about 2 min left",
        "8 of 8 combinations: 40%, about 1 h 15 min left",
    ]
