"""The check of the audit log that a day runs before it publishes anything."""

from datetime import UTC, datetime

from tasks.core.homes.home import Home
from tasks.safety.audit import describe_breaks, record, verify
from tasks.safety.day_checks import audit_log_intact

NOON = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)


def logged(folder, rows):
    home = Home(folder)
    for number in range(rows):
        record(home, event="kill_switch_tripped", by="Ann", detail=f"reason {number}", at=NOON)
    return home


def test_an_intact_log_passes_and_says_how_many_rows_it_has(tmp_path):
    home = logged(tmp_path, 3)

    outcome = audit_log_intact(home)

    assert outcome.passed is True
    assert outcome.value.startswith("3 rows")
    assert (outcome.limit, outcome.detail) == ("intact", "")
    assert describe_breaks(home, verify(home)) == []


# fault 55
def test_an_edited_log_fails_and_names_the_file_the_line_and_what_to_do(tmp_path):
    home = logged(tmp_path, 3)
    home.audit_log.write_text(home.audit_log.read_text().replace("reason 1", "season 1"))

    outcome = audit_log_intact(home)

    assert outcome.passed is False
    assert outcome.value == "1 break in 3 rows"
    assert outcome.limit == "intact"
    assert outcome.detail.startswith("live/audit_log.csv, line 3 (byte ")
    assert "afterclose audit accept --by NAME --reason TEXT" in outcome.detail
