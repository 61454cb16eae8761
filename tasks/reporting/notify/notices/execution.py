"""The notice of an execution: ended, waiting, or in need of a person. Made from execution.json's document. Pure."""

import shlex
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tasks.core.homes.home import Home
from tasks.core.sessions import exchange_minute
from tasks.core.text import counted
from tasks.reporting.day.executed import Line, lines_of
from tasks.reporting.notify.schema import Command, Kind, Notice, Table, Tone
from tasks.reporting.notify.wording import shortened
from tasks.reporting.page.numerals import UNKNOWN, number, usd, words

MOST_ROWS = 40
COLUMNS = ("Side", "Symbol", "Approved", "Filled", "Average", "State")
ENDED, WAITING, LAPSED = "ended", "waiting", "lapsed"
FEW_WORDS = 140


def execution_notice(home: Home, document: Mapping[str, Any], *, is_simulated: bool) -> Notice:
    """Return the notice. One that waits is announced once; one that needs a person, for each reason."""
    session, outcome, stage = document["session"], document["outcome"], document["stage"]
    lines = lines_of(document)
    bought, sold = float(document["bought_usd"]), float(document["sold_usd"])
    filled = sum(line.filled > 0 for line in lines)
    kind = _kind(outcome, stage)
    detail = {Kind.EXECUTION_WAITING: stage, Kind.EXECUTION_DONE: f"{bought} {sold} {document['fees_usd']}"}
    return Notice(
        kind=kind,
        key=f"{session} {detail.get(kind, document['why'])}",
        tone=Tone.ALERT if kind is Kind.EXECUTION_NEEDS_PERSON else Tone.INFO,
        subject=f"{session}: {_subject(kind, document, lines, filled)}",
        lead=_lead(document, lines, filled),
        facts=_facts(document, lines, filled),
        table=_table(lines),
        commands=_commands(home, session, kind, stage),
        session=date.fromisoformat(session),
        is_simulated=is_simulated,
        data={
            "outcome": outcome,
            "why": document["why"],
            "bought_usd": document["bought_usd"],
            "sold_usd": document["sold_usd"],
            "fees_usd": document["fees_usd"],
            "lines": len(lines),
            "filled": filled,
        },
    )


def _kind(outcome: str, stage: str) -> Kind:
    if outcome == ENDED:
        return Kind.EXECUTION_NEEDS_PERSON if stage == LAPSED else Kind.EXECUTION_DONE
    return Kind.EXECUTION_WAITING if outcome == WAITING else Kind.EXECUTION_NEEDS_PERSON


def _subject(kind: Kind, document: Mapping[str, Any], lines: list[Line], filled: int) -> str:
    if kind is Kind.EXECUTION_DONE:
        return (
            f"{filled} of {counted(len(lines), 'trade')} executed (bought {usd(float(document['bought_usd']))}, "
            f"sold {usd(float(document['sold_usd']))})"
        )
    if kind is Kind.EXECUTION_WAITING:
        return f"execution waits: {shortened(document['why'], FEW_WORDS)}"
    state = LAPSED if document["stage"] == LAPSED else document["outcome"]
    return f"execution {state}, a person is needed: {shortened(document['why'], FEW_WORDS)}"


def _lead(document: Mapping[str, Any], lines: list[Line], filled: int) -> tuple[str, ...]:
    why = document["why"].rstrip(".")
    said = [f"{why[:1].upper()}{why[1:]}."]
    if before := document["begins_before"]:
        at = exchange_minute(datetime.fromisoformat(before))
        said.append(f"No order is stored yet: continue before {at}, or the day lapses.")
    fewer = sum(0 < line.filled < line.approved for line in lines)
    if fewer:
        said.append(f"{counted(fewer, 'trade')} of {filled} filled with fewer shares than approved.")
    differences = document["differences"]
    if differences:
        said.append(
            f"{counted(len(differences), 'difference')} between the ledger and the broker's account: "
            + "; ".join(one["explanation"].rstrip(".") for one in differences[:5])
            + "."
        )
    elif differences is not None:
        said.append("Ledger and broker agree to the share and cent.")
    return tuple(said)


def _facts(document: Mapping[str, Any], lines: list[Line], filled: int) -> tuple[tuple[str, str], ...]:
    slippage = sum(line.slippage_usd or 0.0 for line in lines)
    bridge = tuple(
        (f"{words(one['step'])}: {one['cause']}", usd(float(one["usd"]), 2)) for one in document["bridge"]
    )
    return (
        ("Account", f"{document['account']} at {document['broker']} ({document['mode']})"),
        ("Trades with fills", f"{filled} of {len(lines)}"),
        ("Bought", usd(float(document["bought_usd"]), 2)),
        ("Sold", usd(float(document["sold_usd"]), 2)),
        ("Fees", usd(float(document["fees_usd"]), 2)),
        ("Cost against the decision's prices", usd(slippage, 2)),
        *bridge,
    )


def _table(lines: list[Line]) -> Table:
    rows = tuple(
        (
            words(line.side.lower()),
            line.symbol,
            number(line.approved, 0),
            number(line.filled, 0),
            UNKNOWN if line.average is None else usd(line.average, 4),
            f"{line.state}: {line.reason}" if line.reason else line.state,
        )
        for line in lines[:MOST_ROWS]
    )
    left_out = len(lines) - len(rows)
    return Table("Orders", COLUMNS, rows, numeric=(2, 3, 4), left_out=left_out, rest_is_in="execution.html")


def _commands(home: Home, session: str, kind: Kind, stage: str) -> tuple[Command, ...]:
    report = Command("Read the report", str(home.day_folder(session) / "execution.html"))
    if kind is Kind.EXECUTION_DONE:
        return (report,)
    place = shlex.quote(str(home.root))
    if stage == LAPSED:
        return report, Command("Propose the next list", f"afterclose daily --home {place}")
    return report, Command("Continue", f"afterclose execute {session} --home {place} --no-dry-run")
