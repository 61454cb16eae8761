"""A mail says before an approval what the report's first screen says, in the same words: nothing more, nothing less."""

import email
import email.policy
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.approval.day import published_day
from tasks.core.homes.home import Home
from tasks.reporting.day.manifest import manifest_json
from tasks.reporting.notify.notices.day import day_notice
from tasks.reporting.notify.rendering.mail import render_mail
from tasks.reporting.notify.rendering.slack import render_slack
from tasks.reporting.notify.rendering.text import as_text
from tasks.reporting.page.rendering import render_day
from tests.builders import make_settings
from tests.unit.reporting.example_day import make_inputs
from tests.unit.reporting.notify.test_notify_mail import STAMP
from tests.unit.reporting.reading import Report

TIGHT = {"risk.daily_budget_frac": 0.0001, "risk.max_volatility": 0.001, "risk.max_beta": 0.001}
LOOSE = {
    f"risk.{name}": 50.0
    for name in (
        "daily_budget_frac",
        "max_var_21d_frac",
        "max_volatility",
        "max_beta",
        "max_cluster_frac",
        "max_scenario_loss_frac",
        "max_drawdown_frac",
    )
}
TOPICS = ("Checks", "Kill switch", "Risk limits", "Data", "Model", "Backtest")


def with_settings(inputs, overrides):
    return replace(inputs, run=replace(inputs.run, settings=make_settings(**overrides)))


def exceeded():
    """Return a day that exceeds three risk limits."""
    return with_settings(make_inputs(), TIGHT)


def ordinary():
    """Return a day with trades, of which nothing is marked and nothing unusual."""
    inputs = with_settings(make_inputs(previous=False), LOOSE)
    records = inputs.records
    champion = replace(records.scores.champion, optimizer=records.portfolio.method)
    records = replace(
        records,
        market=replace(records.market, findings=(), quarantined=()),
        scores=replace(records.scores, champion=champion),
        trades=replace(records.trades, dropped=()),
        tickets=replace(records.tickets, tickets=()),
    )
    trades = inputs.frames.trades.assign(liquidity_warning="")
    return replace(inputs, records=records, frames=replace(inputs.frames, trades=trades))


def made(inputs):
    """Return the notice of the day, and its report."""
    day = render_day(inputs, positions_sha256="70" * 32)
    published = published_day(
        inputs.run.session.day, manifest_json(inputs, day.source, day.files, {}), day.files
    )
    notice = day_notice(Home(Path("/homes/a")), published, is_simulated=False, picture=None)
    return notice, Report(day.files["report.html"])


def said(notice):
    """Return the text of the notice in each of its forms, on one line."""
    mail = email.message_from_bytes(
        render_mail(notice, title="Afterclose", stamp=STAMP), policy=email.policy.default
    )
    blocks = json.loads(render_slack(notice, title="Afterclose"))["blocks"]
    slack = json.dumps(blocks, ensure_ascii=False)
    for escape, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("*", "")):
        slack = slack.replace(escape, character)
    forms = {
        "html": Report(mail.get_body(("html",)).get_content().encode()).text,
        "plain": as_text(notice),
        "slack": slack,
    }
    return {name: " ".join(text.replace("\\n", " ").split()) for name, text in forms.items()}


@pytest.mark.parametrize("day", [exceeded, ordinary])
def test_a_mail_gives_the_answer_the_topics_and_the_unusual_facts_of_the_report(day):
    notice, report = made(day())
    spaced = re.sub(r"\s+([,.;])", r"\1", report.text)

    answer, *unusual = notice.points
    assert answer.title.removeprefix("May it be approved? ") in report.text
    assert [line.words.partition(": ")[0] for line in answer.lines] == list(TOPICS)
    for line in (*answer.lines, *(line for part in unusual for line in part.lines)):
        topic, _, words = line.words.partition(": ")
        shown = f"{line.mark} {topic} {words}" if line in answer.lines else line.words
        assert shown in spaced
        assert all(line.words in text for text in said(notice).values())


def test_a_day_that_exceeds_risk_limits_says_so_before_the_command_that_approves_it():
    notice, _ = made(exceeded())

    for text in said(notice).values():
        warned = text.index("May it be approved? Yes, after reading the marked lines")
        assert warned < text.index("Risk limits: 3 of 7 exceeded after the trades")
        assert text.index("Over the risk limit after the trades: Daily risk budget (VaR 1 d)") < text.index(
            "afterclose approve"
        )
        assert "fragile trades persist" in text
    assert "Read Risk limits: 3 of 7" in said(notice)["plain"]


def test_an_ordinary_day_says_that_nothing_is_marked():
    notice, _ = made(ordinary())

    for text in said(notice).values():
        assert "May it be approved? Yes: nothing is marked" in text
        assert "Risk limits: 7 of 7 met after the trades" in text
        assert "Nothing unusual today" in text
    assert {line.standing for part in notice.points for line in part.lines} == {"good"}


def test_what_lasts_is_apart_from_what_is_new_with_its_number_of_sessions():
    inputs = exceeded()
    before = {f"limit {name}": 4 for name in ("var_1d", "volatility", "beta")}
    notice, _ = made(replace(inputs, previous=replace(inputs.previous, unusual=before)))

    (lasting,) = [part for part in notice.points if part.title == "As in earlier sessions (1)"]
    assert lasting.lines[0].words.endswith("5th session in a row")


def test_a_mail_states_what_the_last_trades_cost_as_the_report_does():
    notice, report = made(make_inputs())
    shown = {one.name: one for one in report.figures}

    cost = dict(notice.facts)["Last trades cost"]

    assert cost.startswith(f"{shown['paid.total'].shown}, ")
    assert f"bps of {shown['paid.traded'].shown} traded (trades of Thursday, 13 June 2024)" in cost
    assert cost in said(notice)["plain"]
    assert "Last trades cost" not in dict(made(make_inputs(previous=False))[0].facts)


def test_a_day_without_the_record_asks_to_read_the_report():
    day = render_day(inputs := make_inputs(), positions_sha256="70" * 32)
    log = json.loads(day.files["monitoring_log.json"])
    del log["first_screen"]
    files = day.files | {"monitoring_log.json": json.dumps(log).encode()}
    published = published_day(inputs.run.session.day, manifest_json(inputs, day.source, files, {}), files)

    notice = day_notice(Home(Path("/homes/a")), published, is_simulated=False, picture=None)

    assert "read the report before you approve" in said(notice)["plain"]
