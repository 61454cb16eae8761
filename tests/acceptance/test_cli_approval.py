"""Approving, rejecting and approvers from the command line."""

import json
import stat
from contextlib import redirect_stdout
from datetime import datetime, timedelta

import pytest

from flows.cli.app import answer
from tasks.approval.plans.audit import record_plan
from tests.approval_days import (
    EVENING,
    OPEN,
    PASSPHRASE,
    cheap_key,
    clock_at,
    day_files,
    folder_of,
    make_home,
    manifest_of,
    publish,
)
from tests.builders import make_run
from tests.homes import afterclose, clean_environ, closed_pipe

DAY = "2024-06-14"
ADD = ("--by", "Root", "--reason", "set-up")


class Desk:
    """A home with a published day, a place for keys outside it, and a clock."""

    def __init__(self, folder, **overrides):
        self.run = make_home(folder / "home", **overrides)
        self.home, self.key = folder / "home", folder / "keys" / "ann.pem"
        self.at = EVENING
        self.environ = {"AFTERCLOSE_APPROVAL_PASSPHRASE": PASSPHRASE}

    def say(self, *arguments):
        with clock_at(self.at):
            return afterclose(*arguments, home=self.home, **self.environ)

    def ask(self, *arguments):
        ended = self.say(*arguments, "--json")
        return ended.returncode, json.loads(ended.stdout)

    def approve(self, *arguments, by="Ann Lee"):
        return self.ask("approve", DAY, "--by", by, "--key", str(self.key), *arguments)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def ann(desk):
    cheap_key(desk.key)
    code, added = desk.ask("approvers", "add", "Ann Lee", *ADD, "--key", str(desk.key))
    assert code == 0, added
    return desk


def test_a_new_key_is_encrypted_and_readable_by_its_owner_only(desk):
    assert desk.ask("approvers", "add", "Ann Lee", *ADD, "--key", str(desk.key))[0] == 0
    content = desk.key.read_text()

    assert content.startswith("afterclose approval key, scrypt 17 ")
    assert "-----BEGIN ENCRYPTED PRIVATE KEY-----" in content
    assert stat.S_IMODE(desk.key.stat().st_mode) == 0o600


def test_approving_shows_every_trade_and_what_is_signed_before_it_signs(ann):
    ended = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key))

    assert ended.returncode == 0, ended.stderr
    for shown in (
        *("SELL", "100 AAPL", "180.0000 to 220.0000", "BUY", "40 MSFT", "405.0000 to 495.0000", "score fell"),
        *("equity before the trades $1,000,000.00", "Account paper (paper, simulated market"),
        *("Mon 2024-06-17 09:30 New York time", "manifest.json", "Estimated cost $2.70"),
    ):
        assert shown in ended.stderr
    assert "is approved until Mon 2024-06-17 09:30 New York time." in ended.stdout
    execute = f"`afterclose execute --home {ann.home} {DAY}`"
    assert f"{execute} shows the orders; with --no-dry-run it sends them." in ended.stdout
    assert "Scheduled" not in ended.stdout


def test_an_approval_that_stands_is_not_a_failure_when_nobody_reads_the_answer(ann, monkeypatch):
    for name, value in clean_environ(ann.home, ann.environ).items():
        monkeypatch.setenv(name, value)
    approve = ("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key))

    with closed_pipe() as stdout, redirect_stdout(stdout), clock_at(ann.at):
        assert answer(["--home", str(ann.home), *approve]) == 0

    assert ann.ask("approval", "show", DAY)[0] == 0


def test_approving_warns_of_each_exceeded_risk_limit_before_it_signs(ann):
    approve = ("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key))
    assert "WARNING: the risk limits were not assessed for these trades." in ann.say(*approve).stderr
    limits = [
        {"name": "beta", "value": 1.234, "limit": 1.1, "state": "breached"},
        {"name": "var_21d", "value": 0.13, "limit": 0.12, "state": "breached"},
        {"name": "volatility", "value": 0.1, "limit": 0.2, "state": "within"},
    ]
    log = json.dumps({"parity": {"state": "equal"}, "risk_assessment": {"limits": limits}}).encode()
    ann.ask("reject", DAY, "--by", "Bob", "--reason", "again")
    files = day_files() | {"monitoring_log.json": log}
    for name, content in {**files, "manifest.json": manifest_of(ann.run, files)}.items():
        (folder_of(ann.run) / name).write_bytes(content)

    ended = ann.say(*approve, "--overrule", "read")

    assert ended.returncode == 0, ended.stderr
    warned = [line for line in ended.stderr.splitlines() if "risk limit" in line]
    assert warned == [
        "WARNING: risk limit exceeded: Beta: 1.23 (limit 1.10).",
        "WARNING: risk limit exceeded: VaR 21 d: 13.00% (limit 12.00%).",
    ]


def test_approving_states_that_the_schedule_sends_the_orders_where_it_does(ann):
    (ann.home / "config.yaml").write_text("execution: {scheduled_dry_run: false}\n")

    ended = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key))

    assert "Scheduled runs of execute-approved send the orders." in ended.stdout


def test_an_approval_is_shown_until_it_expires(ann):
    assert ann.approve()[1]["state"] == "approved"

    code, shown = ann.ask("approval", "show", DAY)
    assert (code, shown["approvers"], shown["account"]) == (0, ["Ann Lee"], "paper")
    assert shown["lines"][1]["highest_price"] == "495.0000"
    ann.at = OPEN
    code, late = ann.ask("approval", "show", DAY)
    assert (code, late["fields"]["reason"]) == (3, "expired")


def test_a_day_without_an_approval_exits_3_and_says_what_to_do(desk):
    code, shown = desk.ask("approval", "show", DAY)

    assert (code, shown["fields"]["reason"]) == (3, "missing")
    assert f"{DAY} --by NAME" in shown["remedy"]


def test_approving_again_changes_nothing(ann):
    ann.approve()
    approval = (folder_of(ann.run) / "approval.json").read_bytes()
    rows = ann.run.home.audit_log.read_bytes()

    code, again = ann.approve()

    assert (code, again["state"]) == (0, "approved")
    assert (folder_of(ann.run) / "approval.json").read_bytes() == approval
    assert ann.run.home.audit_log.read_bytes() == rows


def test_every_act_is_in_the_audit_log(ann):
    ann.approve()
    ann.say("reject", DAY, "--by", "Bob", "--reason", "odd prices")
    ann.approve("--overrule", "prices confirmed")
    ann.say("approvers", "revoke", "Ann Lee", "--by", "Root", "--reason", "left")

    rows = [line.split(",") for line in ann.run.home.audit_log.read_text().splitlines()[1:]]
    assert [row[1] for row in rows] == [
        *("approver_added", "day_approved", "day_rejected", "day_approved", "approver_revoked"),
    ]
    assert ann.say("audit", "verify").returncode == 0


def test_the_audit_log_tells_for_each_day_whether_its_files_are_those_that_were_recorded(ann):
    record_plan(ann.run, (folder_of(ann.run) / "manifest.json").read_bytes(), EVENING)
    ann.approve()

    code, document = ann.ask("audit", "verify")
    assert (code, document["holds"]) == (0, True)
    (day,) = document["days"]
    assert (day["session"], day["state"]) == (DAY, "recorded")
    assert datetime.fromisoformat(day["recorded_at"]) == EVENING
    text = ann.say("audit", "verify").stdout
    assert f"{DAY}: recorded before the open; recorded Fri 2024-06-14 18:00 New York time, approved" in text

    (folder_of(ann.run) / "report.html").write_bytes(b"another")
    assert ann.ask("audit", "verify")[0] == 3
    assert f"{DAY}: changed: {DAY}: report.html is not the file" in ann.say("audit", "verify").stdout


def test_a_second_approval_states_at_once_that_the_day_is_approved_and_names_the_next_step(ann):
    ann.approve()

    again = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key))

    assert again.returncode == 0
    assert again.stdout.startswith(
        f"{DAY} is approved by Ann Lee already. `afterclose execute --home {ann.home} {DAY}`"
    )
    assert "Estimated cost" not in again.stderr


def test_a_rejected_day_is_approved_only_with_a_reason_that_is_signed(ann):
    assert ann.say("reject", DAY, "--by", "Bob", "--reason", "odd prices").returncode == 0

    code, refused = ann.approve()
    assert (code, refused["fields"]["reason"]) == (3, "rejected")
    assert "was rejected by Bob: odd prices" in refused["what"]
    assert ann.ask("approval", "show", DAY)[1]["fields"]["reason"] == "rejected"
    assert ann.approve("--overrule", "prices confirmed")[0] == 0
    stored = json.loads((folder_of(ann.run) / "approval.json").read_bytes())
    statement = stored["signatures"][0]["statement"]
    assert statement["overrules"].startswith("Bob, 2024-06-14T18:00:00-04:00")
    assert statement["reason"] == "prices confirmed"


def test_overruling_what_nobody_rejected_is_a_usage_error(ann):
    assert ann.approve("--overrule", "why not")[0] == 2


def test_a_rejection_withdraws_the_approval_and_the_day_can_be_run_again(ann):
    ann.approve()

    assert ann.say("reject", DAY, "--by", "Bob", "--reason", "odd prices").returncode == 0

    assert ann.ask("approval", "show", DAY)[1]["fields"]["reason"] == "rejected"
    assert not (folder_of(ann.run) / "approval.json").exists()


def test_rejecting_needs_a_name_and_a_reason(desk):
    assert desk.ask("reject", DAY, "--by", " ", "--reason", "odd")[0] == 2
    assert desk.ask("reject", DAY, "--by", "Bob", "--reason", " ")[0] == 2


def test_an_executed_day_is_neither_approved_nor_rejected(ann):
    (folder_of(ann.run) / "execution.json").write_text("{}")

    assert ann.approve()[1]["fields"]["reason"] == "decided"
    assert ann.ask("reject", DAY, "--by", "Bob", "--reason", "late")[1]["fields"]["reason"] == "decided"


def test_a_name_that_is_not_an_approver_cannot_approve(ann):
    code, refused = ann.approve(by="Eve Ray")

    assert (code, refused["fields"]["reason"]) == (3, "approver")
    assert not (folder_of(ann.run) / "approval.json").exists()


def test_a_key_of_another_person_cannot_approve(ann, tmp_path):
    other = cheap_key(tmp_path / "keys" / "eve.pem")

    code, refused = ann.ask("approve", DAY, "--by", "Ann Lee", "--key", str(other))

    assert (code, refused["fields"]["reason"]) == (3, "approver")


def test_a_revoked_key_voids_the_approval_and_cannot_come_back(ann, tmp_path):
    ann.approve()
    assert ann.say("approvers", "revoke", "Ann Lee", "--by", "Root", "--reason", "left").returncode == 0

    assert ann.ask("approval", "show", DAY)[1]["fields"]["reason"] == "revoked"
    assert ann.approve()[0] == 3
    assert ann.ask("approvers", "add", "Ann Lee", *ADD, "--key", str(ann.key))[0] == 2
    new = cheap_key(tmp_path / "keys" / "new.pem")
    assert ann.ask("approvers", "add", "Ann Lee", *ADD, "--key", str(new))[0] == 0
    listed = ann.ask("approvers", "list")[1]["approvers"]
    assert [bool(one["revoked_at"]) for one in listed] == [True, False]


def test_a_name_has_one_key_and_a_key_one_name(ann, tmp_path):
    assert ann.ask("approvers", "add", "Bob Ray", *ADD, "--key", str(ann.key))[0] == 2
    assert ann.ask("approvers", "add", "ann lee", *ADD, "--key", str(cheap_key(tmp_path / "b.pem")))[0] == 2


@pytest.mark.parametrize(
    "name", ["", " Ann", "Ann  Lee", "=Ann", "Ann:Lee", "Ann\tLee", "A" * 61, "Ann\u202eLee"]
)
def test_a_name_that_could_mislead_is_refused(desk, name, tmp_path):
    key = str(cheap_key(tmp_path / "b.pem"))

    assert desk.ask("approvers", "add", "--key", key, *ADD, "--", name)[0] == 2


def test_revoking_somebody_unknown_is_a_usage_error(desk):
    assert desk.ask("approvers", "revoke", "Bob", *ADD)[0] == 2


def test_two_persons_sign_one_after_the_other(tmp_path):
    desk = Desk(tmp_path, **{"approval.persons": 2})
    desk.environ["AFTERCLOSE_APPROVAL__PERSONS"] = "2"
    bob = cheap_key(tmp_path / "keys" / "bob.pem")
    cheap_key(desk.key)
    desk.ask("approvers", "add", "Ann Lee", *ADD, "--key", str(desk.key))
    desk.ask("approvers", "add", "Bob Ray", *ADD, "--key", str(bob))

    code, first = desk.approve()
    assert (code, first["state"], first["missing"]) == (0, "incomplete", 1)
    assert desk.ask("approval", "show", DAY)[1]["fields"]["reason"] == "persons"
    code, second = desk.ask("approve", DAY, "--by", "Bob Ray", "--key", str(bob))
    assert (code, second["state"], second["approvers"]) == (0, "approved", ["Ann Lee", "Bob Ray"])
    assert desk.ask("approval", "show", DAY)[0] == 0


def test_a_detached_signature_stores_nothing_and_approves_without_a_key(ann):
    signed = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key), "--sign-only")
    assert signed.returncode == 0, signed.stderr
    assert not (folder_of(ann.run) / "approval.json").exists()
    ann.key.unlink()
    line = signed.stdout.strip()
    assert line.startswith("afterclose-approval-1.")

    code, approved = ann.ask("approve", DAY, "--by", "Ann Lee", "--signature", line)

    assert (code, approved["state"]) == (0, "approved")


def test_a_detached_signature_is_refused_for_another_day_person_or_text(ann):
    line = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key), "--sign-only").stdout.strip()

    assert ann.ask("approve", DAY, "--by", "Bob Ray", "--signature", line)[0] == 2
    assert ann.ask("approve", DAY, "--by", "Ann Lee", "--signature", line[:-8])[0] == 2
    publish(ann.run, ("AAPL,SELL,50,200.0000,10000.00,-0.01000000,0.00,1.50,REDUCE,x,,MARKET",))
    code, refused = ann.ask("approve", DAY, "--by", "Ann Lee", "--signature", line)
    assert (code, refused["fields"]["reason"]) == (3, "signature")


def test_a_tripped_kill_switch_stops_approving_but_not_rejecting(ann):
    ann.say("kill-switch", "trip", "--by", "Ann", "--reason", "looks odd")

    assert ann.approve()[1]["fields"]["reason"] == "halted"
    assert ann.say("reject", DAY, "--by", "Ann", "--reason", "halted").returncode == 0


def test_a_day_without_trades_needs_no_approval(ann):
    publish(ann.run, ())

    assert ann.approve()[0] == 4


@pytest.mark.parametrize(
    ("day", "code"), [("2024-06-15", 2), ("2024-07-01", 2), ("../../x", 2), ("2024-06-13", 3)]
)
def test_a_date_that_is_closed_future_invalid_or_unpublished_is_refused(ann, day, code):
    ended = ann.ask("approve", day, "--by", "Ann Lee", "--key", str(ann.key))

    assert ended[0] == code


def test_settings_of_another_shell_are_refused(ann):
    ann.environ["AFTERCLOSE_TRADES__MAX_TRADES"] = "7"

    assert ann.approve()[1]["fields"]["reason"] == "config"


def test_a_wrong_passphrase_signs_nothing_and_no_secret_is_printed(ann):
    ann.environ["AFTERCLOSE_APPROVAL_PASSPHRASE"] = "another passphrase"  # noqa: S105

    ended = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key), "--debug")

    assert ended.returncode == 2
    assert "the passphrase is wrong" in ended.stderr
    assert "another passphrase" not in ended.stderr + ended.stdout


def test_without_a_terminal_the_environment_names_the_passphrase(ann):
    ann.environ = {}

    ended = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key))

    assert ended.returncode == 2
    assert "no terminal" in ended.stderr


def test_fault_109_key_and_passphrase_reach_no_output_and_no_file_of_the_home(ann):
    outputs = [
        ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key), "-v", "--debug"),
        ann.say("approval", "show", DAY, "--json"),
        ann.say("approvers", "list"),
        ann.say("approvers", "key", "--key", str(ann.key)),
    ]
    body = ann.key.read_text().splitlines()[2]
    written = b"".join(path.read_bytes() for path in ann.home.rglob("*") if path.is_file())

    for secret in (PASSPHRASE, body):
        assert all(secret not in ended.stdout + ended.stderr for ended in outputs)
        assert secret.encode() not in written


def test_an_approver_is_added_by_public_key_alone(desk, tmp_path):
    _, made = desk.ask("approvers", "key", "--key", str(tmp_path / "keys" / "ann.pem"))

    code, _ = desk.ask("approvers", "add", "Ann Lee", *ADD, "--public-key", made["public_key"])

    assert code == 0
    assert desk.approve()[0] == 0
    assert desk.ask("approvers", "add", "Bob Ray", *ADD, "--public-key", "A" * 64)[0] == 2


def test_fault_115_a_key_that_others_may_read_or_in_the_home_is_refused(ann):
    ann.key.chmod(0o640)
    assert ann.approve()[0] == 2
    ann.key.chmod(0o600)
    inside = ann.home / "ann.pem"
    inside.write_bytes(ann.key.read_bytes())
    inside.chmod(0o600)
    code, refused = ann.ask("approve", DAY, "--by", "Ann Lee", "--key", str(inside))
    assert code == 2
    assert "inside the home" in refused["what"]


def test_a_signature_of_before_the_close_or_of_the_future_is_refused(ann):
    early = EVENING - timedelta(hours=3)  # the close is at 20:00 UTC
    ann.at = early
    assert ann.approve()[0] == 75  # the session has not closed yet
    ann.at = EVENING + timedelta(minutes=5)
    line = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key), "--sign-only").stdout.strip()
    ann.at = EVENING

    code, refused = ann.ask("approve", DAY, "--by", "Ann Lee", "--signature", line)

    assert (code, refused["fields"]["reason"]) == (3, "time")


def test_a_run_that_holds_the_home_does_not_stop_a_decision(ann):
    from tasks.core.homes.lock import exclusive

    with exclusive(make_run(ann.home).home.lock_file, doing="weekly"):
        assert ann.approve()[0] == 0
        assert ann.say("reject", DAY, "--by", "Bob", "--reason", "odd").returncode == 0


def test_a_public_key_that_needs_no_secret_is_refused(desk):
    assert desk.ask("approvers", "add", "Ghost", *ADD, "--public-key", f"01{'0' * 62}")[0] == 2


def test_signing_for_elsewhere_and_storing_a_signature_exclude_each_other(ann):
    assert ann.ask("approve", DAY, "--by", "Ann Lee", "--sign-only", "--signature", "x")[0] == 2


def test_a_signature_of_somebody_else_is_refused_even_if_the_person_has_signed(ann):
    line = ann.say("approve", DAY, "--by", "Ann Lee", "--key", str(ann.key), "--sign-only").stdout.strip()
    assert ann.approve()[0] == 0

    assert ann.ask("approve", DAY, "--by", "Bob Ray", "--signature", line)[0] == 2


def test_an_approved_day_answers_approvers_only(ann):
    assert ann.approve()[0] == 0
    assert ann.approve()[0] == 0

    code, refused = ann.ask("approve", DAY, "--by", "Nobody")

    assert (code, refused["fields"]["reason"]) == (3, "approver")


def test_the_remedy_after_approving_with_a_clock_ahead_leads_to_an_approval(ann):
    ann.at = EVENING + timedelta(minutes=5)
    assert ann.approve()[0] == 0
    ann.at = EVENING
    code, refused = ann.ask("approval", "show", DAY)
    assert (code, refused["fields"]["reason"]) == (3, "time")
    assert "afterclose reject" in refused["remedy"]

    assert ann.ask("reject", DAY, "--by", "Ann Lee", "--reason", "clock")[0] == 0

    assert ann.approve("--overrule", "the clock was ahead")[0] == 0


def test_a_name_and_a_reason_are_logged_and_shown_as_one_line_without_controls(ann):
    shown = ann.say("reject", DAY, "--by", "Ann\nLee", "--reason", "odd\x1b[2J\r\nfill").stdout

    assert "rejected by Ann Lee (name not verified): odd\\x1b[2J fill" in shown
    assert b"\x1b" not in (ann.home / "live" / "audit_log.csv").read_bytes()


def test_an_approval_does_not_hold_while_the_kill_switch_is_on(ann):
    assert ann.approve()[0] == 0
    assert ann.say("kill-switch", "trip", "--by", "Ann", "--reason", "odd").returncode == 0

    code, shown = ann.ask("approval", "show", DAY)
    assert (code, shown["fields"]["reason"]) == (3, "halted")
