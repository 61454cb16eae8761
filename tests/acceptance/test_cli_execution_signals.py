"""Signals to a running execution: it ends after its step, or the kill switch is on before its next order."""

import os
import signal
import threading
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from flows import execute
from flows.operations.trading import execution
from flows.operations.trading.execution import stopped_text
from flows.operations.trading.interruption import interruptible
from tasks.core.homes.home import Home
from tests.acceptance.test_cli_execution import ANN, DAY, SEND, Desk
from tests.approval_days import cheap_key
from tests.brokers.scripted import Behavior
from tests.builders import make_run
from tests.execution_days import OPENS, make_day

BEFORE_CLOSE = datetime(2024, 6, 14, 19, 58, tzinfo=UTC)  # when it waits for the close


@pytest.fixture
def begun(begun_home, tmp_path):
    """An execution that waits for the bars of its session."""
    desk = Desk(begun_home, cheap_key(tmp_path / "keys" / "ann.pem"))
    assert desk.ask("approvers", "add", "Ann Lee", *ANN, "--reason", "set-up")[0] == 0
    assert desk.ask("approve", DAY, *ANN)[0] == 0
    assert desk.ask("execute", DAY, SEND, "--wait", "0")[0] == 0
    desk.at = BEFORE_CLOSE
    return desk


def signaled(desk, number):
    """Execute, and send the signal once it waits."""
    timer = threading.Timer(4.0, os.kill, (os.getpid(), number))
    timer.start()
    try:
        return desk.say("execute", DAY, SEND, "--wait", "10")
    finally:
        timer.cancel()
        timer.join()


def test_sigterm_ends_an_execution_after_its_step_and_says_how_it_goes_on(begun):
    stopped = signaled(begun, signal.SIGTERM)

    assert stopped.returncode == 75
    assert "Stopped by SIGTERM after the step in progress. No order is open." in stopped.stdout
    assert f"Continue: `afterclose execute --home {begun.home} {DAY} --no-dry-run`" in stopped.stdout
    code, document = begun.ask("execute", DAY, SEND, "--wait", "0")
    assert (code, document["outcome"]) == (0, "waiting")
    assert "stopped_by" not in document


@pytest.fixture
def approved(begun_home, tmp_path):
    """An approved day whose execution has not begun."""
    desk = Desk(begun_home, cheap_key(tmp_path / "keys" / "ann.pem"))
    assert desk.ask("approvers", "add", "Ann Lee", *ANN, "--reason", "set-up")[0] == 0
    assert desk.ask("approve", DAY, *ANN)[0] == 0
    return desk


def interrupt_at(monkeypatch, name, *, real):
    """Send Ctrl-C when the execution comes to this function."""

    def interrupted(*arguments, **named):
        os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **named)

    monkeypatch.setattr(name, interrupted)


@pytest.mark.parametrize("place", ["execution_run", "bring_bars"])
def test_an_interrupt_before_the_execution_begins_says_that_no_order_was_sent(approved, monkeypatch, place):
    """Before the signal handlers are installed, and after."""
    real = getattr(execution, place)
    interrupt_at(monkeypatch, f"flows.operations.trading.execution.{place}", real=real)

    stopped = approved.say("execute", DAY, SEND, "--wait", "0")

    assert stopped.returncode == 130
    assert "No order was sent: the execution has not begun." in stopped.stderr
    begin = f"`afterclose execute --home {approved.home} {DAY} --no-dry-run`"
    assert f"{begin}, before the next open (09:30 New York time), or the day lapses." in stopped.stderr
    monkeypatch.undo()
    assert approved.ask("execute", DAY, SEND, "--wait", "0")[1]["outcome"] == "waiting"


def test_an_interrupt_before_the_first_order_is_stored_states_until_when_one_can_be(approved, monkeypatch):
    """At the paper broker too, where everything else is continued after the close."""
    interrupt_at(monkeypatch, "flows.execute.begin_execution", real=execute.begin_execution)

    stopped = approved.say("execute", DAY, SEND, "--wait", "0")

    again = f"`afterclose execute --home {approved.home} {DAY} --no-dry-run`"
    before = "before Fri 2024-06-14 09:30 New York time, or the day lapses."
    assert stopped.returncode == 75
    assert f"Waiting: the run was stopped. No order is stored yet: run {again} {before}" in stopped.stdout
    assert "after its close" not in stopped.stdout
    page = (approved.home / "live" / DAY / "execution.html").read_text()
    assert (
        "No order is stored yet: run <code>afterclose execute 2024-06-13 --no-dry-run</code> before" in page
    )
    assert "before 2024-06-14 09:30:00 New York time, or the day lapses." in page

    monkeypatch.undo()
    interrupt_at(
        monkeypatch, "flows.operations.trading.execution.execution_run", real=execution.execution_run
    )
    interrupted = approved.say("execute", DAY, SEND, "--wait", "0")

    assert interrupted.returncode == 130
    assert f"No order is stored yet: run {again} {before}" in interrupted.stderr

    monkeypatch.undo()
    assert approved.ask("execute", DAY, SEND, "--wait", "0")[1]["begins_before"] is None


def test_an_interrupt_before_the_first_step_of_a_later_run_states_what_is_open(begun, monkeypatch):
    real = execution.execution_run
    interrupt_at(monkeypatch, "flows.operations.trading.execution.execution_run", real=real)

    for day in ([DAY], []):
        stopped = begun.say("execute", *day, SEND, "--wait", "0")

        assert stopped.returncode == 130
        assert f"{DAY}: No order is open." in stopped.stderr
        assert "Nothing was canceled by this. Continue: `afterclose execute" in stopped.stderr
        assert "No order is stored yet" not in stopped.stderr


def test_sigusr1_trips_the_kill_switch_of_a_running_execution(begun):
    halted = signaled(begun, signal.SIGUSR1)

    assert halted.returncode == 3
    assert "Halted: the kill switch is on" in halted.stdout
    assert (begun.home / "live" / "STOP").exists()


def test_what_is_open_at_the_broker_is_named(tmp_path):
    day = make_day(tmp_path, behaviors={0: Behavior(fill_frac=Decimal(0))})
    progress = day.steps(until=OPENS)
    run = make_run(tmp_path / "home")

    assert "2 orders may be open at the broker: SELL 100 AAA, SELL" in stopped_text(run, progress, "SIGTERM")


def test_a_second_signal_is_not_held_back(tmp_path):
    with interruptible(Home(tmp_path)) as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        interruption.sleep(600)
        assert (interruption.is_asked(), interruption.by) == (True, "SIGINT")
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
