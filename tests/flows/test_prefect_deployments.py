"""The flows under a real local Prefect server: deployed, scheduled, run by name (make test-prefect)."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from flows.daily import STAGES
from flows.deployments import _progress
from tasks.core.errors import TransientError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tests.approval_days import EVENING, PASSPHRASE, cheap_key, clock_at
from tests.homes import LAST_SESSION, afterclose, copy_of, day_bytes, run_day

pytestmark = pytest.mark.prefect

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
HOLIDAY = "2024-07-04"
MAX_WAIT_S = 240
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    """What a person's shell holds who has just installed Prefect, and a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    inherited = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    return {
        **inherited,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "TMPDIR": str(
            tmp_path_factory.mktemp("tmp")
        ),  # Prefect's own folder in /tmp belongs to who came first
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }


@pytest.fixture(scope="module")
def engine(surroundings):
    """A Prefect server of our own; yields the environment in which its clients work."""
    environ = {
        **surroundings,
        "PREFECT_API_URL": f"http://127.0.0.1:{surroundings['PREFECT_SERVER_API_PORT']}/api",
    }
    server = start([str(BIN / "prefect"), "server", "start"], environ)
    wait_for(lambda: answers(f"{environ['PREFECT_API_URL']}/health"), "the server to come up")
    yield environ
    stop(server)


def start(command, environ, **how):
    return subprocess.Popen(
        command,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **how,
    )


def stop(process):
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


@contextmanager
def serving(engine, home):
    """The flows of a home, served by a process of its own until the block ends."""
    service = start([str(BIN / "afterclose"), "--home", str(home), "serve"], engine)
    try:
        wait_for(lambda: home_of(engine, "weekly-champion") == str(home), "the deployments")
        yield service
    finally:
        stop(service)


def with_free_port(environ, prefect_home):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    api = {"PREFECT_SERVER_API_PORT": port, "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    return {**environ, "PREFECT_HOME": str(prefect_home), **api}


def wait_for(condition, what):
    deadline = time.monotonic() + MAX_WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {MAX_WAIT_S} s for {what}")
        time.sleep(0.5)


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200  # noqa: S310 - our own server
    except OSError:
        return False


def ask(engine, path, body=None, method=None):
    request = urllib.request.Request(  # noqa: S310 - our own server
        engine["PREFECT_API_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    for tries_left in reversed(range(10)):  # a busy server's database may be locked: 503
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            if error.code != 503 or not tries_left:
                raise
            time.sleep(2)
    return None


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
    return await_end(engine, re.search(r"UUID: ([0-9a-f-]{36})", said)[1])


def await_end(engine, run_id):
    wait_for(lambda: ask(engine, f"/flow_runs/{run_id}")["state_type"] in ENDED, "the run to end")
    return ask(engine, f"/flow_runs/{run_id}")


def states_of(engine, run_id):
    return [state["name"] for state in ask(engine, f"/flow_run_states/?flow_run_id={run_id}")]


@pytest.fixture
def served(engine, trained_home):
    """The ready home, served."""
    with serving(engine, trained_home):
        yield trained_home
    remove_deployments(engine)


def remove_deployments(engine):
    for entry in deployments(engine).values():
        ask(engine, f"/deployments/{entry['id']}", method="DELETE")


def home_of(engine, name):
    entry = deployments(engine).get(name)
    return entry and entry["parameters"].get("home")


def test_a_served_day_runs_by_name_stage_by_stage_and_equals_the_one_run_by_hand(engine, served, tmp_path):
    by_hand = copy_of(served, tmp_path / "by-hand")
    run_day(by_hand)

    flow_run = run_deployment(engine, "daily-live/daily-live", date=LAST_SESSION)

    stages = {task["name"].rsplit("-", 1)[0] for task in ask(engine, "/task_runs/filter", {})}
    shown = ask(engine, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}})
    tables = {one["key"]: json.loads(one["data"]) for one in shown if one["type"] == "table"}
    trades = (served / "live" / str(LAST_SESSION) / "trades.csv").read_text().splitlines()[1:]
    assert (flow_run["state_name"], flow_run["name"]) == ("Completed", f"daily-live {LAST_SESSION}")
    assert "afterclose" in flow_run["tags"]
    assert [row["symbol"] for row in tables["trades"]] == [line.partition(",")[0] for line in trades]
    assert {row["outcome"] for row in tables["checks"]} == {"passed"}
    assert {one["key"] for one in shown} == {"progress", "trades", "checks", "report"}
    progress = next(one for one in shown if one["key"] == "progress")
    assert (progress["type"], float(progress["data"])) == ("progress", 100)
    assert progress["description"].startswith(f"{STAGES} of {STAGES} stages done; score_in_shadow took ")
    assert {"refresh_market", "score_universe", "build_portfolio", "check_day", "publish_day"} <= stages
    assert day_bytes(served) == day_bytes(by_hand)


def test_an_api_that_does_not_answer_costs_one_try_of_the_progress_and_no_stage(monkeypatch):
    asked = []

    def silent(*_, **given):
        asked.append(given)
        raise OSError("no answer")

    monkeypatch.setattr("flows.deployments.create_progress_artifact", silent)
    monkeypatch.setattr("flows.deployments.update_progress_artifact", silent)

    tell = _progress(3)
    for name in ("one", "two", "three"):
        tell(name, 0.25)

    assert asked == [{"key": "progress", "description": "1 of 3 stages done; one took 0.2 s"}]


def test_fault_015_a_closed_session_shows_as_skipped(engine, served):
    flow_run = run_deployment(engine, "daily-live/daily-live", date=HOLIDAY)

    assert (flow_run["state_type"], flow_run["state_name"]) == ("COMPLETED", "Skipped")


# issue 10, line 11
def test_a_run_that_starts_late_works_on_the_session_it_was_scheduled_for(engine, served):
    friday_evening = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2024-06-14T21:30:00Z"}}
    deployment = deployments(engine)["daily-live"]["id"]

    late = ask(engine, f"/deployments/{deployment}/create_flow_run", {"state": friday_evening})
    flow_run = await_end(engine, late["id"])

    assert flow_run["state_name"] == "Completed"
    assert (served / "live" / str(LAST_SESSION) / "trades.csv").exists()


# issue 10, line 11
def test_a_run_whose_home_is_held_is_retried_until_it_is_free(engine, served):
    with (served / "config.yaml").open("a") as config:
        config.write("\nrunning: {retry_delay_s: 5}\n")
    deployment = deployments(engine)["daily-live"]["id"]
    body = {"parameters": {"date": str(LAST_SESSION), "home": str(served)}}

    with exclusive(Home(served).lock_file, doing="a long import"):
        run_id = ask(engine, f"/deployments/{deployment}/create_flow_run", body)["id"]
        wait_for(lambda: "AwaitingRetry" in states_of(engine, run_id), "the first try to be turned away")
    flow_run = await_end(engine, run_id)

    assert flow_run["state_name"] == "Completed"
    assert flow_run["run_count"] > 1


def test_a_failure_that_is_not_transient_has_a_name_and_is_not_retried(engine, served):
    flow_run = run_deployment(engine, "daily-live/daily-live", date="1999-01-04")

    assert (flow_run["state_type"], flow_run["state_name"]) == ("FAILED", "BadData")
    assert flow_run["run_count"] == 1


# fault 92
def test_two_schedules_of_one_home_give_one_day(engine, served, tmp_path):
    """The second run waits until the home is free, and gives the same bytes."""
    with (served / "config.yaml").open("a") as config:
        config.write("\nrunning: {retry_delay_s: 5}\n")
    undisturbed = copy_of(served, tmp_path / "undisturbed")
    run_day(undisturbed)
    again = start([str(BIN / "afterclose"), "--home", str(served), "serve", "--name", "again"], engine)
    try:
        wait_for(lambda: home_of(engine, "daily-live-again"), "the second set of deployments")
        body = {"parameters": {"date": str(LAST_SESSION), "home": str(served)}}
        runs = [
            ask(engine, f"/deployments/{deployments(engine)[name]['id']}/create_flow_run", body)["id"]
            for name in ("daily-live", "daily-live-again")
        ]
        ended = [await_end(engine, run_id) for run_id in runs]
    finally:
        stop(again)

    assert [run["state_name"] for run in ended] == ["Completed", "Completed"]
    assert day_bytes(served) == day_bytes(undisturbed)


def test_a_blocked_day_and_a_flow_that_may_not_run_are_named(engine, served):
    person = ("--by", "Ann Lee", "--reason", "test")
    afterclose("kill-switch", "trip", *person, home=served)
    blocked = run_deployment(engine, "daily-live/daily-live", date=LAST_SESSION)
    afterclose("flows", "no-run", "daily-live", *person, home=served)
    skipped = run_deployment(engine, "daily-live/daily-live", date=LAST_SESSION)

    assert (blocked["state_type"], blocked["state_name"]) == ("FAILED", "Blocked")
    assert "kill switch" in blocked["state"]["message"]
    assert (skipped["state_type"], skipped["state_name"]) == ("COMPLETED", "Skipped")
    assert "no-run (set by Ann Lee" in skipped["state"]["message"]


# issue 15: Prefect's resume form takes a detached signature
def test_a_signature_in_the_form_of_the_ui_approves_the_day_and_a_foreign_one_does_not(
    engine, trained_home, tmp_path
):
    """The runs' processes have the clock of that evening: later the approval would have expired."""
    run_day(trained_home)
    key = cheap_key(tmp_path / "keys" / "ann.pem")
    with clock_at(EVENING):
        secrets = {"AFTERCLOSE_APPROVAL_PASSPHRASE": PASSPHRASE, "AFTERCLOSE_APPROVAL_KEY_FILE": str(key)}
        person = ("--by", "Ann Lee")
        afterclose("approvers", "add", "Ann Lee", *person, "--reason", "x", home=trained_home, **secrets)
        signed = afterclose(
            "approve", str(LAST_SESSION), *person, "--sign-only", home=trained_home, **secrets
        ).stdout.strip()
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(at=EVENING))
    approval = trained_home / "live" / str(LAST_SESSION) / "approval.json"

    with serving(engine | {"PYTHONPATH": str(tmp_path)}, trained_home):
        refused = approved_in_the_form(engine, by="Eve Roe", signature=signed)
        assert not approval.exists()
        accepted = approved_in_the_form(engine, by="Ann Lee", signature=signed)
    remove_deployments(engine)

    assert refused["state_name"] == "Failed"
    assert "The signature was not made by" in refused["state"]["message"]
    assert (accepted["state_name"], approval.exists()) == ("Completed", True)
    assert "is approved by Ann Lee" in accepted["state"]["message"]


CLOCK = """
import datetime
from tasks.core import clock

class Evening(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromisoformat("{at}").astimezone(tz)

clock.datetime = Evening
"""


def approved_in_the_form(engine, **answer):
    deployment = deployments(engine)["approve-day"]["id"]
    body = {"parameters": {"date": str(LAST_SESSION)}}
    run_id = ask(engine, f"/deployments/{deployment}/create_flow_run", body)["id"]
    wait_for(lambda: "Suspended" in states_of(engine, run_id), "the run to wait for its form")
    assert ask(engine, f"/flow_runs/{run_id}/resume", {"run_input": answer})["status"] == "ACCEPT"
    return await_end(engine, run_id)


# faults 089 and 095
@pytest.mark.parametrize("dies", ["the API", "the process that serves"])
def test_what_dies_in_the_middle_of_a_run_leaves_a_whole_day_or_none(
    surroundings, trained_home, tmp_path, dies
):
    """Whatever Prefect says of the run afterwards: run again by hand, the day equals an undisturbed one."""
    undisturbed = copy_of(trained_home, tmp_path / "undisturbed")
    run_day(undisturbed)
    environ = with_free_port(surroundings, tmp_path / "prefect")
    server = start([str(BIN / "prefect"), "server", "start"], environ)
    try:
        wait_for(lambda: answers(f"{environ['PREFECT_API_URL']}/health"), "the server to come up")
        with serving(environ, trained_home) as service:
            deployment = deployments(environ)["daily-live"]["id"]
            body = {"parameters": {"date": str(LAST_SESSION), "home": str(trained_home)}}
            ask(environ, f"/deployments/{deployment}/create_flow_run", body)
            wait_for((trained_home / "data" / "work" / str(LAST_SESSION)).exists, "the first stage to end")
            os.killpg((server if dies == "the API" else service).pid, signal.SIGKILL)
            wait_for(lambda: is_free(trained_home), "the run to end")
    finally:
        stop(server)

    folder = trained_home / "live" / str(LAST_SESSION)
    assert not folder.exists() or (folder / "manifest.json").exists()
    run_day(trained_home)
    assert day_bytes(trained_home) == day_bytes(undisturbed)


# requirement O4: a run that dies without a word is announced all the same
def test_a_run_whose_process_is_killed_is_crashed_and_announced(engine, trained_home, httpserver):
    httpserver.expect_request("/hook").respond_with_data("")
    with (trained_home / "config.yaml").open("a") as config:
        config.write(f"\nnotifications: {{webhook: {{url: '{httpserver.url_for('/hook')}'}}}}\n")

    with serving(
        engine | {"AFTERCLOSE_WEBHOOK_SECRET": "a secret of tests that is long enough"}, trained_home
    ) as service:
        deployment = deployments(engine)["daily-live"]["id"]
        body = {"parameters": {"date": str(LAST_SESSION), "home": str(trained_home)}}
        run_id = ask(engine, f"/deployments/{deployment}/create_flow_run", body)["id"]
        wait_for((trained_home / "data" / "work" / str(LAST_SESSION)).exists, "the first stage to end")
        for child in children_of(service.pid):
            os.kill(child, signal.SIGKILL)
        flow_run = await_end(engine, run_id)
        wait_for(lambda: httpserver.log, "the announcement")
    remove_deployments(engine)

    assert flow_run["state_type"] == "CRASHED"
    assert "daily-live failed: The process of daily-live ended before its flow did" in httpserver.log[0][
        0
    ].get_data(as_text=True)


def children_of(process):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(path.parent.name))
    return found


def is_free(home):
    try:
        with exclusive(Home(home).lock_file, doing="looking whether it is free"):
            return True
    except TransientError:
        return False


HANGING = """
import signal, sys, time
from flows import deployments
from tasks.core import stage

@stage.stage()
def hang(run):
    if sys.argv[2] == "beyond Python's reach":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(600)

stage.GRACE_S = 3.0
deployments.daily_live = hang
deployments.daily_live_flow(date="2024-06-14", home=sys.argv[1])
"""


# issue 10, line 11
@pytest.mark.parametrize(
    ("where", "says"), [("in Python", "TaskRunTimeoutError"), ("beyond Python's reach", "Timeout (0:00:11)!")]
)
def test_a_run_that_hangs_is_ended_at_its_limit(engine, trained_home, where, says):
    with (trained_home / "config.yaml").open("a") as config:
        config.write("\nrunning: {daily_timeout_s: 8}\n")

    ended = subprocess.run(
        [sys.executable, "-c", HANGING, str(trained_home), where],
        env=engine,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ended.returncode == 1
    assert says in ended.stderr
    with exclusive(Home(trained_home).lock_file, doing="the next day"):
        """The home is free again."""


# issue 10, line 11
def test_two_homes_are_deployed_side_by_side_and_neither_takes_the_other_over(engine, trained_home, tmp_path):
    other = copy_of(trained_home, tmp_path / "other")

    def deploy(home, *arguments):
        return subprocess.run(
            [str(BIN / "afterclose"), "--home", str(home), "--json", "deploy", *arguments],
            env=engine,
            capture_output=True,
            text=True,
            check=False,
        )

    first = deploy(trained_home, "--profile", "prudent")
    refused = deploy(other)
    second = deploy(other, "--name", "other")

    assert json.loads(first.stdout)["deployments"] == [
        "approve-day/approve-day",
        "daily-live/daily-live",
        "execute-approved/execute-approved",
        "intraday-monitor/intraday-monitor",
        "weekly-champion/weekly-champion",
    ]
    assert refused.returncode == 2
    assert f"already belongs to another home: {trained_home}" in json.loads(refused.stdout)["what"]
    assert second.returncode == 0
    found = {name: entry["parameters"] for name, entry in deployments(engine).items()}
    assert found["daily-live"] == {"home": str(trained_home), "profile": "prudent"}
    assert found["weekly-champion-other"] == {"home": str(other), "profile": None}
    schedules = {
        name: [(s["schedule"]["cron"], s["schedule"]["timezone"]) for s in entry["schedules"]]
        for name, entry in deployments(engine).items()
    }
    assert schedules["daily-live"] == [("30 17 * * 1-5", "America/New_York")]
    assert schedules["weekly-champion-other"] == [("0 9 * * 6", "America/New_York")]
    remove_deployments(engine)


LONG_RUNNING = ("prefect server start", "afterclose serve", "prefect worker start")


def commands_under(heading):
    section = (ROOT / "docs/operations.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]
    return [line.partition(" #")[0].strip() for line in block.splitlines()]


# issue 10, done when 3
def test_operations_md_followed_to_the_letter_completes_a_day_served_and_a_day_by_a_worker(
    surroundings, trained_home, tmp_path
):
    """Only the port differs, where another server may listen, and the place of the second home."""
    by_worker = copy_of(trained_home, tmp_path / "book")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environ = {**surroundings, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_SERVER_API_PORT": port}
    api = {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    running, said = [], []

    try:
        for heading in ("Prefect on one machine", "Prefect with a work pool"):
            for line in commands_under(heading):
                command = line.replace("4200", port).replace("/srv/book", str(by_worker))
                if command.startswith(LONG_RUNNING):
                    running.append(start(["sh", "-c", command], environ, cwd=trained_home))
                    wait_for(lambda: answers(f"{api['PREFECT_API_URL']}/health"), "the server to come up")
                    if command.startswith("afterclose serve"):
                        wait_for(lambda: "daily-live" in deployments(api), "the served deployments")
                else:
                    ended = subprocess.run(
                        ["sh", "-c", command],
                        env=environ,
                        cwd=trained_home,
                        capture_output=True,
                        text=True,
                        check=False,
                        timeout=MAX_WAIT_S,
                    )
                    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
                    said.append(ended.stdout)
        runs = ask(api, "/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": list(ENDED)}}}})
    finally:
        for process in reversed(running):
            stop(process)

    assert len(running) == 3
    assert [run["state_name"] for run in runs] == ["Completed", "Completed"]
    assert day_bytes(trained_home) == day_bytes(by_worker)
