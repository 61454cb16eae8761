"""The audit log shows where it was touched, and a touched log blocks the day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.home import Home
from tasks.safety.audit import record, verify
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
