"""A published day is revised, the revision approved, executed as revised, and the bridge says what was struck."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from flows.operations.decisions.revision import make_revision, preview_revision
from flows.operations.research.replay import read_published
from flows.replay import past_day
from flows.revision import Changes, assess_decided, revise
from flows.terminal import Options
from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import settings_of
from tasks.reporting.day.assessed import assessment_record
from tasks.reporting.day.files import json_bytes
from tests.approval_days import PASSPHRASE, cheap_key, clock_at
from tests.homes import LAST_SESSION, SESSION_BEFORE, afterclose, tree_bytes
from tests.unit.reporting.reading import Report

DAY, FILLS = str(SESSION_BEFORE), str(LAST_SESSION)
EVENING = datetime(2024, 6, 13, 22, tzinfo=UTC)
NEXT_EVENING = datetime(2024, 6, 14, 22, tzinfo=UTC)
ANN = ("--by", "Ann Lee")
WHY = (*ANN, "--reason", "earnings tonight")


class Desk:
    """A home and its operator; the time is what the test sets."""

    def __init__(self, home, key):
        self.home, self.key, self.at = Home(home), key, EVENING

    def ask(self, *arguments):
        with clock_at(self.at):
            ended = afterclose(
                *arguments,
                "--json",
                home=self.home.root,
                AFTERCLOSE_APPROVAL_PASSPHRASE=PASSPHRASE,
                AFTERCLOSE_APPROVAL_KEY_FILE=str(self.key),
            )
        self.said = ended.stderr
        return ended.returncode, json.loads(ended.stdout)

    @property
    def folder(self):
        return self.home.day_folder(DAY)


def shares_in(folder):
    with (folder / "trades.csv").open(newline="") as file:
        return {row["symbol"]: int(row["shares"]) for row in csv.DictReader(file)}


@pytest.fixture
def desk(begun_home, tmp_path):
    made = Desk(begun_home, cheap_key(tmp_path / "keys" / "ann.pem"))
    assert made.ask("approvers", "add", "Ann Lee", *ANN, "--reason", "set-up")[0] == 0
    return made


def test_a_revision_is_previewed_without_a_trace_then_made_and_approved(desk):
    struck, halved, *others = proposed = shares_in(desk.folder)
    before = tree_bytes(desk.home.live)
    with clock_at(EVENING):
        seen = preview_revision(
            Options(home=desk.home.root), DAY, strike=[struck], halve=[halved], solve=True
        )
    assert tree_bytes(desk.home.live) == before

    code, made = desk.ask("revise", DAY, "--strike", struck, "--halve", halved, "--solve", *WHY)

    assert (code, made["revision"]) == (0, 1), made
    revised = shares_in(desk.folder / "revisions" / "1")
    assert revised == {line.symbol: line.shares for line in seen.lines}
    assert struck not in revised
    assert revised[halved] == proposed[halved] // 2
    assert any(revised[name] > proposed[name] for name in others)  # re-optimized: their money is invested
    assert seen.after.cash_usd > 0
    assert all(check.passed for check in seen.checks)
    assert {path.name for path in desk.folder.glob("*")} - {"revisions"} == {
        path.name for path in desk.folder.iterdir() if path.is_file()
    }
    manifest = json.loads((desk.folder / "revisions" / "1" / "manifest.json").read_bytes())
    assert manifest["revision"] | {"at": ""} == {
        "number": 1,
        "by": "Ann Lee",
        "at": "",
        "reason": "earnings tonight",
        "struck": [struck],
        "halved": [halved],
        "solved": True,
    }
    code, approved = desk.ask("approve", DAY, "--revision", "1", *ANN)
    assert (code, approved["state"], approved["revision"]) == (0, "approved", 1), approved
    code, refused = desk.ask("revise", DAY, "--strike", halved, *WHY)
    assert (code, "already approved" in refused["what"]) == (3, True)


@pytest.mark.parametrize("place", [0, -1])
def test_the_first_screen_states_what_the_preview_of_a_strike_states(desk, place):
    shown = {one.name: one for one in Report((desk.folder / "report.html").read_bytes()).figures}
    symbol = [name for name in shown if name.startswith("struck.cash.")][place].removeprefix("struck.cash.")

    with clock_at(EVENING):
        found = preview_revision(Options(home=desk.home.root), DAY, strike=[symbol], halve=[], solve=False)

    assert shown[f"struck.cash.{symbol}"].value == found.after.cash_usd
    assert shown[f"struck.turnover.{symbol}"].value == pytest.approx(found.after.turnover_frac, abs=1e-9)
    assert shown["struck.cash"].value == found.before.cash_usd
    assert shown["struck.turnover"].value == pytest.approx(found.before.turnover_frac, abs=1e-9)
    fails = {check.name for check in found.checks if not check.passed}
    assert bool(fails) == (f"struck.limit.{symbol}" not in shown)
    if not fails:
        after = found.after
        figures = (*after.sectors.values(), 0.0, after.invested_frac, after.volatility_frac, after.var_frac)
        assert min(abs(shown[f"struck.limit.{symbol}"].value - one) for one in figures) < 1e-9


def test_the_approved_revision_is_executed_and_the_bridge_names_what_was_struck(desk):
    struck, *others = proposed = shares_in(desk.folder)

    code, approved = desk.ask("approve", DAY, "--strike", struck, *ANN)
    assert f"struck: {struck}" in desk.said
    assert (code, approved["revision"]) == (0, 1), approved
    assert desk.ask("execute", DAY, "--no-dry-run", "--wait", "0")[0] == 0
    desk.at = NEXT_EVENING
    assert desk.ask("refresh", "--date", FILLS)[0] == 0
    code, done = desk.ask("execute", DAY, "--no-dry-run", "--wait", "0")

    assert code == 0, done
    document = json.loads((desk.folder / "execution.json").read_bytes())
    assert document["revision"] == 1
    assert {order["symbol"] for order in document["orders"]} <= set(others)
    assert {line["symbol"]: int(line["shares"]) for line in document["lines"]} == {
        name: proposed[name] for name in others
    }
    bridge = document["bridge"]
    assert ("approved", "struck") in {(row["step"], row["cause"]) for row in bridge}
    assert sum(Decimal(row["usd"]) for row in bridge[:-1]) == Decimal(bridge[-1]["usd"])
    assert not [row for row in bridge if row["cause"] == "unexplained" and Decimal(row["usd"])]
    assert "Approved revision 1" in (desk.folder / "execution.html").read_text()
    code, replayed = desk.ask("replay", DAY)
    assert (code, replayed["equal"]) == (0, True), replayed  # the day as published


def test_a_revised_day_is_not_approved_until_the_list_is_named(desk):
    struck, *_ = proposed = shares_in(desk.folder)
    assert desk.ask("revise", DAY, "--strike", struck, *WHY)[0] == 0
    before = tree_bytes(desk.home.live)

    for command in (("approve", DAY, *ANN), ("approval", "show", DAY)):
        code, refused = desk.ask(*command)
        assert code == 3
        assert f"Revision 1 (struck {struck}) was made by Ann Lee" in refused["what"]
        assert "earnings tonight" in refused["what"]
        assert all(way in refused["remedy"] for way in ("--revision N", "--revision 0"))
    assert tree_bytes(desk.home.live) == before

    code, approved = desk.ask("approve", DAY, "--revision", "0", *ANN)
    assert (code, approved["revision"]) == (0, 0)
    code, shown = desk.ask("approval", "show", DAY)
    assert (code, shown["revisions"]) == (0, [1])
    assert len(shown["lines"]) == len(proposed)
    assert desk.ask("approve", DAY, *ANN)[0] == 0  # signed already: there is nothing left to name


def test_a_revision_that_fails_a_check_is_not_written(desk, monkeypatch):
    from tasks.safety import table
    from tasks.safety.outcome import Outcome

    def refuses(facts):
        return Outcome(passed=len(facts.trades) != 35, value="35 trades", limit="any other number")

    monkeypatch.setattr(table, "CHECKS", (*table.CHECKS, ("a_test", refuses)))
    monkeypatch.setattr(table.run_checks, "__defaults__", (table.CHECKS,))
    struck, *others = shares_in(desk.folder)
    assert len(others) == 35

    code, refused = desk.ask("revise", DAY, "--strike", struck, *WHY)

    assert (code, refused["fields"]["failed"]) == (3, ["a_test"])
    assert refused["remedy"] == "Re-optimize the other trades (solve), or undo a change."
    assert not (desk.folder / "revisions").exists()


def test_changes_that_cannot_be_made_are_refused_before_anything_is_computed(desk, monkeypatch):
    monkeypatch.setattr("flows.operations.decisions.revision.past_day", pytest.fail)

    code, refused = desk.ask("revise", DAY, "--strike", "XXXX", *WHY)

    assert (code, refused["what"]) == (2, "The day proposes no trade in 'XXXX'.")


def test_a_day_that_is_run_again_loses_its_revisions(desk):
    struck, *_ = shares_in(desk.folder)
    assert desk.ask("revise", DAY, "--strike", struck, *WHY)[0] == 0
    assert desk.ask("daily", "--date", DAY)[0] == 0

    assert not (desk.folder / "revisions").exists()
    assert desk.ask("approve", DAY, "--revision", "1", *ANN)[1]["fields"]["reason"] == "revision"


def test_a_revision_states_the_risk_limits_of_its_own_target(desk):
    options, published = Options(home=desk.home.root), read_published(desk.home, DAY)
    struck, *_ = shares_in(desk.folder)
    settings = settings_of(desk.home, None).settings
    with clock_at(EVENING), past_day(desk.home, published, settings) as past:
        same, _ = revise(past, published, Changes((struck,)))
        again = json.loads(json_bytes(assessment_record(assess_decided(past, published, same))))
        other = b"".join(
            published.trades.splitlines(keepends=True)[:-1]
        )  # what is published is not what the day decides
        with pytest.raises(StorageError, match="the recomputed trades differ from the published ones"):
            revise(
                past, replace(published, files={**published.files, "trades.csv": other}), Changes((struck,))
            )
    recorded = json.loads((desk.folder / "monitoring_log.json").read_bytes())["risk_assessment"]
    assert again == recorded

    with clock_at(EVENING):
        number = make_revision(
            options, DAY, strike=[struck], halve=[], solve=False, by="Ann Lee", reason="earnings"
        ).number

    log = json.loads((desk.folder / "revisions" / str(number) / "monitoring_log.json").read_bytes())
    revised = log["risk_assessment"]
    assert [one["name"] for one in revised["limits"]] == [one["name"] for one in recorded["limits"]]
    assert revised["figures"]["exposure"] < recorded["figures"]["exposure"]
    assert struck not in dict(revised["risk_shares"])
