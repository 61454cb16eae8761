"""The audit log shows where it was touched, and a touched log blocks the day."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.safety.audit import accept, record, verify
from tasks.safety.kill_switch.switch import read_switch, reset_switch, trip_switch
from tests.homes import LAST_SESSION, afterclose

NOON = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)


def logged(folder, count):
    home = Home(folder)
    for number in range(count):
        record(home, event="kill_switch_tripped", by="ana", detail=f"reason {number}", at=NOON)
    return home


def test_an_untouched_log_holds_together_and_tells_exchange_time(tmp_path):
    home = logged(tmp_path, 3)

    assert (verify(home).rows, verify(home).broken_at) == (3, None)
    assert "2024-06-14T12:00:00-04:00,kill_switch_tripped,ana,reason 0," in home.audit_log.read_text()


def test_a_home_without_a_log_has_nothing_to_hold_against_it(tmp_path):
    assert verify(Home(tmp_path)).broken_at is None


@pytest.mark.parametrize("line", [2, 3, 4])
def test_fault_055_an_edited_row_is_found_on_its_line(tmp_path, line):
    home = logged(tmp_path, 3)
    lines = home.audit_log.read_text().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace("reason", "season")
    home.audit_log.write_text("".join(lines))

    assert verify(home).broken_at == line


@pytest.mark.parametrize(("deleted", "found"), [(2, 2), (3, 3), (4, 4)])
def test_fault_055_a_deleted_row_is_found_where_it_stood_the_last_one_too(tmp_path, deleted, found):
    home = logged(tmp_path, 3)
    lines = home.audit_log.read_text().splitlines(keepends=True)
    home.audit_log.write_text("".join(lines[: deleted - 1] + lines[deleted:]))

    assert verify(home).broken_at == found


def test_fault_055_a_deleted_log_is_missed(tmp_path):
    home = logged(tmp_path, 3)
    home.audit_log.unlink()

    assert verify(home).broken_at == 2


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_whatever_a_reason_says_it_stays_one_row_and_the_chain_holds(tmp_path_factory, reasons):
    home = Home(tmp_path_factory.mktemp("log"))
    for reason in reasons:
        record(home, event="kill_switch_tripped", by=reason, detail=reason, at=NOON)

    assert (verify(home).rows, verify(home).broken_at) == (len(reasons), None)
    assert home.audit_log.read_text().count("\n") == len(reasons) + 1


def test_fault_055_a_day_is_blocked_by_a_touched_log_and_says_where(ready_home):
    for action in ("trip", "reset"):
        assert (
            afterclose("kill-switch", action, "--by", "ana", "--reason", "drill", home=ready_home).returncode
            == 0
        )
    log = ready_home / "live" / "audit_log.csv"
    log.write_text(log.read_text().replace("drill", "skill", 1))

    result = afterclose("daily", "--date", str(LAST_SESSION), home=ready_home)

    assert result.returncode == 3
    assert "audit_log" in result.stderr
    assert not (ready_home / "live" / str(LAST_SESSION)).exists()
    assert (
        "line 2" in (ready_home / "reports/blocked" / str(LAST_SESSION) / "monitoring_log.json").read_text()
    )


DAMAGE = {
    "torn": lambda content: content[:-20],
    "torn after the newline": lambda content: content[:-1],
    "blank line": lambda content: content + b"\n",
    "bad byte": lambda content: content.replace(b"reason 1", b"reason \xff"),
    "NUL": lambda content: content.replace(b"reason 1", b"reason \x00"),
    "one cell": lambda content: content + b"garbage\n",
}
FOUND = {
    "torn": (4, "cut off"),
    "torn after the newline": (4, "cut off"),
    "blank line": (5, "blank"),
    "bad byte": (3, "not UTF-8"),
    "NUL": (3, "edited"),
    "one cell": (5, "not a complete row"),
}


# issue 10, line 3
@pytest.mark.parametrize("kind", DAMAGE)
def test_fault_118_a_damaged_log_is_found_where_it_is_takes_rows_and_lets_the_switch_work(tmp_path, kind):
    home = logged(tmp_path, 3)
    set_up(home)
    damaged = DAMAGE[kind](home.audit_log.read_bytes())
    home.audit_log.write_bytes(damaged)
    line, why = FOUND[kind]

    first = verify(home).breaks[0]
    assert first.line == line
    assert why in first.why
    assert home.audit_log.read_bytes()[first.byte - 1 : first.byte] == b"\n"

    assert trip_switch(home, "ana", "odd log", NOON).problems == ()
    assert not reset_switch(home, "ana", "looked into", NOON).is_on
    assert not read_switch(home).is_on
    after = home.audit_log.read_bytes()
    assert after.startswith(damaged)
    assert after.count(b",ana,odd log,") == after.count(b"kill_switch_reset,ana,looked into") == 1
    assert verify(home).broken_at == (None if kind == "torn after the newline" else line)  # the row was whole

    assert accept(home, by="ana", reason="power cut", at=NOON).breaks == ()


# issue 10, line 3
@pytest.mark.parametrize("text", ["-5% today", "=1+1", "+40 bps", "@noon", "'quoted"])
def test_fault_097_what_a_spreadsheet_would_compute_is_quoted_and_stays_readable(tmp_path, text):
    home = Home(tmp_path)

    record(home, event="kill_switch_tripped", by="ana", detail=text, at=NOON)

    row = home.audit_log.read_text().splitlines()[1]
    assert text in row
    assert f",{text}" not in row or text == "'quoted"
    assert verify(home).breaks == ()


# issue 10, line 3
def test_fault_109_the_key_is_in_no_file_and_no_output(ready_home, tmp_path):
    key = "planted-secret-" * 3
    for arguments in (
        ("kill-switch", "trip", "--by", "ana", "--reason", "drill"),
        ("kill-switch", "reset", "--by", "ana", "--reason", "drill"),
        ("audit", "verify"),
        ("doctor",),
        ("config", "show"),
    ):
        result = afterclose(*arguments, "--json", home=ready_home, AFTERCLOSE_AUDIT_KEY=key)
        assert key not in result.stdout + result.stderr
    assert (
        '"keyed": 2'
        in afterclose("audit", "verify", "--json", home=ready_home, AFTERCLOSE_AUDIT_KEY=key).stdout
    )

    assert not [
        path for path in ready_home.rglob("*") if path.is_file() and key.encode() in path.read_bytes()
    ]


# issue 10, line 3: what verification says without the key
def test_a_keyed_log_blocks_whoever_lacks_the_key_and_says_so(tmp_path):
    key = {"AFTERCLOSE_AUDIT_KEY": "planted-secret-" * 3}
    home = Home(tmp_path)
    set_up(home)
    record(home, event="kill_switch_tripped", by="ana", detail="x", at=NOON, environ=key)

    without = afterclose("audit", "verify", "--json", home=tmp_path)
    holds = afterclose("audit", "verify", "--json", home=tmp_path, **key)

    assert (without.returncode, holds.returncode) == (3, 0)
    assert "without the key it cannot be verified" in json.loads(without.stdout)["breaks"][0]["why"]


# issue 10, line 3
def test_accepting_wants_a_name_and_a_reason_and_is_logged(tmp_path):
    set_up(logged(tmp_path, 2))
    log = tmp_path / "live" / "audit_log.csv"
    log.write_text(log.read_text().replace("reason 0", "season 0"))

    assert afterclose("audit", "accept", "--by", " ", "--reason", "x", home=tmp_path).returncode == 2
    assert afterclose("audit", "verify", home=tmp_path).returncode == 3
    assert afterclose("audit", "accept", "--by", "ana", "--reason", "restored", home=tmp_path).returncode == 0
    assert afterclose("audit", "verify", home=tmp_path).returncode == 0
    assert "audit_log_accepted,ana,restored" in log.read_text()
