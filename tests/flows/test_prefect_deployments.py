"""The flows under a real local Prefect server: deployed, scheduled, run by name (make test-prefect)."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from flows.deployments import PREFECT_FILE
from tests.homes import LAST_SESSION, copy_of, day_bytes, run_day

pytestmark = pytest.mark.prefect

BIN = Path(sys.executable).parent
HOLIDAY = "2024-07-04"
PATIENCE_S = 240
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """A Prefect server of our own; yields the environment in which its clients work."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "TMPDIR": str(
            tmp_path_factory.mktemp("tmp")
        ),  # Prefect's own folder in /tmp belongs to who came first
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }
    server = start([str(BIN / "prefect"), "server", "start", "--port", str(port)], environ)
    wait_for(lambda: answers(f"{environ['PREFECT_API_URL']}/health"), "the server to come up")
    yield environ
    stop(server)


def start(command, environ):
    return subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def stop(process):
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.5)


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200  # noqa: S310 - our own server
    except OSError:
        return False


def ask(engine, path, body=None):
    request = urllib.request.Request(  # noqa: S310 - our own server
        engine["PREFECT_API_URL"] + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def deployments(engine):
    return {entry["name"]: entry for entry in ask(engine, "/deployments/filter", {})}


def run_deployment(engine, name, **parameters):
    arguments = [word for key, value in parameters.items() for word in ("--param", f"{key}={value}")]
    said = subprocess.run(
        [str(BIN / "prefect"), "deployment", "run", name, *arguments],
        env=engine,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    run_id = re.search(r"UUID: ([0-9a-f-]{36})", said)[1]
    wait_for(lambda: ask(engine, f"/flow_runs/{run_id}")["state_type"] in ENDED, f"{name} to end")
    return ask(engine, f"/flow_runs/{run_id}")


@pytest.fixture
def served(engine):
    service = start([str(BIN / "afterclose"), "serve"], engine)
    wait_for(lambda: {"daily-live", "weekly-champion"} <= deployments(engine).keys(), "both deployments")
    yield
    stop(service)


def test_a_served_day_runs_by_name_stage_by_stage_and_equals_the_one_run_by_hand(
    engine, served, ready_home, tmp_path
):
    by_hand = copy_of(ready_home, tmp_path / "by-hand")
    run_day(by_hand)

    flow_run = run_deployment(engine, "daily-live/daily-live", date=LAST_SESSION, home=ready_home)

    stages = {task["name"].rsplit("-", 1)[0] for task in ask(engine, "/task_runs/filter", {})}
    assert flow_run["state_name"] == "Completed"
    assert {"refresh_market", "score_universe", "build_portfolio", "check_day", "publish_day"} <= stages
    assert day_bytes(ready_home) == day_bytes(by_hand)


def test_fault_015_a_closed_session_shows_as_skipped(engine, served, ready_home):
    flow_run = run_deployment(engine, "daily-live/daily-live", date=HOLIDAY, home=ready_home)

    assert (flow_run["state_type"], flow_run["state_name"]) == ("COMPLETED", "Skipped")


def test_deploying_registers_both_schedules_in_the_exchanges_time_zone(engine):
    subprocess.run([str(BIN / "afterclose"), "deploy"], env=engine, check=True, capture_output=True)

    schedules = {
        name: [(s["schedule"]["cron"], s["schedule"]["timezone"]) for s in entry["schedules"]]
        for name, entry in deployments(engine).items()
    }
    assert schedules == {
        "daily-live": [("30 17 * * 1-5", "America/New_York")],
        "weekly-champion": [("0 9 * * 6", "America/New_York")],
    }
    assert PREFECT_FILE.exists()
