"""A day that nobody answers: its sales are executed at the paper broker, where the home is set so beforehand; Z2."""

import csv
import json
from datetime import UTC, datetime

import pytest

from tests.approval_days import PASSPHRASE, cheap_key, clock_at
from tests.homes import SESSION_BEFORE, SMALL_MARKET, afterclose, configure, copy_of, run_day

DAY = str(SESSION_BEFORE)
EVENING = datetime(2024, 6, 13, 22, tzinfo=UTC)
BEFORE_DUE, DUE = datetime(2024, 6, 14, 12, 29, tzinfo=UTC), datetime(2024, 6, 14, 12, 30, tzinfo=UTC)


def ask(home, at, *arguments, **environ):
    with clock_at(at):
        ended = afterclose(*arguments, "--json", home=home, **environ)
    return ended.returncode, json.loads(ended.stdout)


@pytest.fixture(scope="module")
def template(begun_home_template, tmp_path_factory):
    """A home that holds too much of three names, and published Thursday under the policy. Read-only."""
    begun_home = copy_of(begun_home_template, tmp_path_factory.mktemp("no answer") / "home")
    weights = csv.DictReader((begun_home / "live" / DAY / "portfolio_weights.csv").read_text().splitlines())
    held = "".join(f"{row['symbol']},{15 * int(row['shares']) // 2}\n" for row in list(weights)[:3])
    (begun_home / "live" / "current_positions.csv").write_text(f"symbol,shares\n{held}CASH,440000\n")
    configure(begun_home, SMALL_MARKET | {"execution": {"no_answer": "reductions"}})
    with clock_at(EVENING):
        run_day(begun_home, SESSION_BEFORE)
    return begun_home


@pytest.fixture
def home(template, tmp_path):
    return copy_of(template, tmp_path / "home")


def test_the_sales_of_a_day_that_nobody_answers_are_executed_and_its_buys_lapse(home):
    page = (home / "live" / DAY / "report.html").read_text()
    assert "Without an answer by Fri 2024-06-14 08:30 New York time" in page

    assert ask(home, BEFORE_DUE, "execute", DAY)[1]["fields"]["reason"] == "missing"
    assert ask(home, BEFORE_DUE, "execute")[0] == 4  # nothing is due
    code, rehearsed = ask(home, DUE, "execute", DAY)
    assert (code, rehearsed["authority"], rehearsed["dry_run"]) == (0, "no_answer", True)
    assert not (home / "live" / DAY / "no_answer.json").exists()

    code, done = ask(home, DUE, "execute", "--no-dry-run", "--wait", "0")
    (executed,) = done["executions"]
    assert (code, executed["authority"]) == (0, "no_answer")
    assert {order["side"] for order in executed["orders"]} == {"SELL"}
    assert len(executed["orders"]) == len(executed["lines"]) == 3
    assert "day_unanswered,the setting execution.no_answer," in (home / "live" / "audit_log.csv").read_text()
    assert ask(home, DUE, "audit", "verify")[0] == 0


def test_a_day_of_which_a_revision_was_begun_never_goes_though_it_is_run_again(home):
    folder = home / "live" / DAY
    trades = csv.DictReader((folder / "trades.csv").read_text().splitlines())
    symbol = next(row["symbol"] for row in trades if row["side"] == "BUY")
    why = ("--by", "Ann Lee", "--reason", "earnings tonight")
    assert ask(home, EVENING, "revise", DAY, "--halve", symbol, *why)[0] == 0
    assert "revision 1, manifest " in (logged := (home / "live" / "audit_log.csv").read_text())
    assert f"halved {symbol}: earnings tonight" in logged

    with clock_at(EVENING):
        again = afterclose("daily", "--date", DAY, home=home)
    assert (again.returncode, "1 revision is deleted" in again.stderr) == (0, True), again.stderr
    assert not (folder / "revisions").exists()

    assert ask(home, DUE, "execute", DAY)[1]["fields"]["reason"] == "missing"
    assert ask(home, DUE, "execute", "--no-dry-run", "--wait", "0")[0] == 4  # nothing is due
    assert ask(home, EVENING, "replay", DAY)[0] == 0


def test_an_approved_day_whose_approval_is_lost_is_neither_run_again_nor_executed(home, tmp_path):
    key = {
        "AFTERCLOSE_APPROVAL_PASSPHRASE": PASSPHRASE,
        "AFTERCLOSE_APPROVAL_KEY_FILE": str(cheap_key(tmp_path / "keys" / "ann.pem")),
    }
    ann, why = ("--by", "Ann Lee"), ("--by", "Ann Lee", "--reason", "lost")
    assert ask(home, EVENING, "approvers", "add", "Ann Lee", *why, **key)[0] == 0
    assert ask(home, EVENING, "approve", DAY, *ann, **key)[0] == 0
    approval = home / "live" / DAY / "approval.json"
    content = approval.read_bytes()
    approval.unlink()

    code, refused = ask(home, EVENING, "daily", "--date", DAY)
    assert (code, "Restore approval.json from a backup" in refused["remedy"]) == (3, True), refused
    assert ask(home, DUE, "execute", "--no-dry-run", "--wait", "0")[0] == 4
    assert ask(home, DUE, "execute", DAY, "--no-dry-run", "--wait", "0")[0] == 3

    approval.write_bytes(content)
    approval.chmod(0o640)
    assert ask(home, DUE, "execute", DAY)[1]["authority"] == "approval"
    approval.unlink()
    assert ask(home, DUE, "reject", DAY, *why)[0] == 0
    assert ask(home, DUE, "daily", "--date", DAY)[0] == 0
