"""The last lines of the demo: true for the state in which the last day is found."""

import json
import shlex
from datetime import date

import pytest

from flows.demo import Demo
from flows.operations.research.demonstration import _lines
from tasks.approval.standing import Standing
from tests.unit.reporting.example_day import make_execution

EARLIER, LAST = date(2024, 6, 13), date(2024, 6, 14)


@pytest.fixture
def demo(tmp_path):
    home = tmp_path / "my demo"
    report = home / "live" / str(LAST) / "report.html"
    report.parent.mkdir(parents=True)
    (report.parent / "trades.csv").write_text("symbol\nAAA\n")
    (report.parent / "monitoring_log.json").write_text(json.dumps({"parity": {"state": "equal"}}))
    return Demo(home, (EARLIER, LAST), report, fresh=1, planted=0.2, found="Champion.")


def execute(demo, day, **changed):
    folder = demo.home / "live" / str(day)
    folder.mkdir(exist_ok=True)
    (folder / "execution.html").touch()
    (folder / "execution.json").write_text(json.dumps(make_execution(session=str(day), **changed)))


def lines(demo, state):
    return _lines(demo, "none", Standing(state, None))


def test_the_command_of_the_last_line_can_be_pasted_where_the_home_s_path_has_a_space(demo):
    *_, last = lines(demo, "open")

    pasted = shlex.split(last.partition(": ")[2])
    assert pasted == ["afterclose", "--home", str(demo.home), "review", "2024-06-14"]


@pytest.mark.parametrize(
    ("state", "said", "decide"),
    [
        ("open", "waits for you", "Then decide in the browser: "),
        ("incomplete", "waits for another signature", "Then decide in the browser: "),
        ("rejected", "is rejected", "Then decide in the browser: "),
        ("approved", "is approved", "See the day in the browser: "),
        ("empty", "proposes no trades", "See the day in the browser: "),
        ("refused", "cannot be approved", "See the day in the browser: "),
        ("unreadable", "cannot be read", "See the day in the browser: "),
    ],
)
def test_the_lines_state_the_decision_about_the_last_day(demo, state, said, decide):
    execute(demo, EARLIER)

    ran, *_, last = lines(demo, state)

    assert ran == (
        f"Simulated market: 2 sessions; 1 earlier day executed, {LAST} {said}. Nothing in it is real."
    )
    assert last.startswith(decide)


def test_a_last_day_whose_execution_has_not_ended_is_not_called_the_last_execution(demo):
    execute(demo, EARLIER)
    execute(demo, LAST, outcome="waiting", bridge=[])

    ran, _, seen, _, last = lines(demo, "executed")

    assert f"1 earlier day executed, {LAST} has an execution that has not ended." in ran
    assert seen.startswith("Last completed execution, its bridge closed to the cent: file://")
    assert f"{EARLIER}/execution.html" in seen
    assert last.startswith("See the day in the browser: ")


def test_an_executed_last_day_is_not_counted_among_the_earlier_ones(demo):
    execute(demo, EARLIER)
    execute(demo, LAST)

    ran, _, seen, *_ = lines(demo, "executed")

    assert f"1 earlier day executed, {LAST} is executed." in ran
    assert f"{LAST}/execution.html" in seen


def test_without_an_execution_that_ended_none_is_shown(demo):
    execute(demo, LAST, outcome="waiting", bridge=[])

    ran, _, seen, *_ = lines(demo, "executed")

    assert "; no earlier days executed, " in ran
    assert seen.startswith("No execution has ended.")
