"""Run, stop, do not run: by command, for every way to start a flow (requirement W8)."""

import json

import pytest

from tests.homes import SESSION_BEFORE, afterclose, blank

PERSON = ("--by", "Ann Lee", "--reason", "holiday")
STARTS = {
    "daily-live": ("daily",),
    "weekly-champion": ("weekly", "--date", "2024-06-14"),
    "execute-approved": ("execute", str(SESSION_BEFORE)),
    "intraday-monitor": ("monitor", "--once"),
}


@pytest.mark.parametrize("flow", STARTS)
def test_a_flow_that_may_not_run_is_refused_and_says_who_said_so(tmp_path, flow):
    home = blank(tmp_path / "home")
    assert afterclose("flows", "no-run", flow, *PERSON, home=home).returncode == 0

    refused = afterclose(*STARTS[flow], "--json", home=home)

    assert refused.returncode == 3
    document = json.loads(refused.stdout)
    assert f"{flow} does not start: its permission is no-run (set by Ann Lee" in document["what"]
    assert f"afterclose flows run {flow}" in document["remedy"]


def test_the_status_and_doctor_show_what_does_not_run_until_it_is_allowed_again(tmp_path):
    home = blank(tmp_path / "home")
    afterclose("flows", "stop", "all", *PERSON, home=home)
    afterclose("flows", "run", "daily-live", *PERSON, home=home)

    status = json.loads(afterclose("flows", "status", "--json", home=home).stdout)["flows"]
    checks = json.loads(afterclose("doctor", "--json", home=home).stdout)["checks"]

    assert {one["flow"]: one["permission"] for one in status} == dict.fromkeys(STARTS, "stop") | {
        "daily-live": "run"
    }
    shown = next(check for check in checks if check["check"] == "flows")
    assert shown["verdict"] == "warn"
    assert "execute-approved: stop (set by Ann Lee" in shown["message"]
    assert "daily-live:" not in shown["message"]


def test_an_unknown_flow_is_a_usage_error(tmp_path):
    home = blank(tmp_path / "home")

    refused = afterclose("flows", "stop", "daily", *PERSON, home=home)

    assert refused.returncode == 2
    assert "'daily' is not a flow" in refused.stderr
