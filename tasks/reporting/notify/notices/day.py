"""The notice of a published day: how much is to be bought and sold, until when, and what to look at first. Pure."""

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tasks.approval.day import TRADES, PublishedDay
from tasks.approval.envelope import expiry
from tasks.approval.lines import numbered_rows
from tasks.core.homes.home import Home
from tasks.core.json_text import parse_json
from tasks.core.text import counted
from tasks.reporting.notify.notices.first_screen import before_approval, last_costs
from tasks.reporting.notify.schema import Attachment, Command, Kind, Notice, Picture, Table, Tone
from tasks.reporting.notify.wording import dated_deadline, deadline, exact_usd, whole_usd
from tasks.reporting.page.numerals import UNKNOWN, number, typeset_percent, usd, words
from tasks.trades.simulated_mark import without_mark

MOST_ROWS = 40  # Gmail cuts a mail at 102 KB
COLUMNS = ("Side", "Symbol", "Shares", "Price", "Amount", "Why")
BUY = "BUY"
Row = Mapping[str, str]


def day_notice(home: Home, day: PublishedDay, *, is_simulated: bool, picture: Picture | None) -> Notice:
    """Return the notice. Equal files give an equal key, so that a day that is run again is announced once."""
    rows = tuple(row for _, row in numbered_rows(day.trades))
    if not rows:
        return _nothing_to_do(home, day, is_simulated=is_simulated)
    bought, sold = _cents(rows, is_buy=True), _cents(rows, is_buy=False)
    until = expiry(day)
    amounts = f"buy {whole_usd(bought)}, sell {whole_usd(sold)}"
    return Notice(
        kind=Kind.DAY_PROPOSED,
        key=f"{day.session} {_content(day)}",
        tone=Tone.ACTION,
        subject=f"{day.session}: approve {counted(len(rows), 'trade')} ({amounts}) before {deadline(until)}",
        lead=_lead(day, rows, until),
        points=before_approval(_log(day)),
        facts=_facts(day, bought, sold),
        table=_table(rows),
        commands=_commands(home, day),
        picture=picture,
        attachments=(Attachment(TRADES, day.trades),),
        session=day.session,
        is_simulated=is_simulated,
        data={
            "trades": len(rows),
            "buy_usd": f"{bought / 100:.2f}",
            "sell_usd": f"{sold / 100:.2f}",
            "cost_usd": f"{day.cost_cents / 100:.2f}",
            "equity_usd": f"{day.equity_cents / 100:.2f}",
            "expires_at": until.isoformat(),
            "manifest_sha256": day.manifest_sha256,
        },
    )


def _nothing_to_do(home: Home, day: PublishedDay, *, is_simulated: bool) -> Notice:
    return Notice(
        kind=Kind.NO_TRADES,
        key=f"{day.session} {_content(day)}",
        tone=Tone.INFO,
        subject=f"{day.session}: no trades, nothing to approve",
        lead=("The portfolio is close enough to its target. There is nothing to approve.",),
        points=before_approval(_log(day)),
        facts=_facts(day, 0, 0),
        commands=(Command("Read the report", str(home.day_folder(day.session) / "report.html")),),
        session=day.session,
        is_simulated=is_simulated,
        data={"trades": 0, "equity_usd": f"{day.equity_cents / 100:.2f}"},
    )


def _content(day: PublishedDay) -> str:
    """Return what decides whether a day that was run again is another one: its trades and their terms, no timings."""
    return " ".join(day.inputs.values())


def _lead(day: PublishedDay, rows: tuple[Row, ...], until: datetime) -> tuple[str, ...]:
    buys = sum(row["side"] == BUY for row in rows)
    counts = f"{counted(buys, 'buy')} and {counted(len(rows) - buys, 'sell')}"
    proposed = f"{counts[:1].upper()}{counts[1:]} are proposed for the next open."
    expire = f"without an approval by {dated_deadline(until)}, they expire"
    said = [f"{proposed} Nothing is sent before a person approves; {expire}."]
    log = _log(day)
    if log.get("status") == "reductions_only":
        said.append(
            "Only sells are proposed: the kill switch is on for new risk. Read its reason before you approve."
        )
    if day.differs_from_backtest:
        said.append(
            "The trades differ from those of the backtest of the same session: read the report's comparison first."
        )
    if warned := sum(bool(row["liquidity_warning"]) for row in rows):
        said.append(
            f"{counted(warned, 'trade')} {'was' if warned == 1 else 'were'} cut to the limit on daily volume."
        )
    return tuple(said)


def _facts(day: PublishedDay, bought: int, sold: int) -> tuple[tuple[str, str], ...]:
    log = _log(day)
    spent = last_costs(log)
    turnover = (bought + sold) / 2 / day.equity_cents if day.equity_cents else float("nan")
    return (
        ("Equity at the broker", exact_usd(day.equity_cents)),
        *_due(day),
        ("Turnover", typeset_percent(turnover)),
        ("Estimated cost", exact_usd(day.cost_cents)),
        ("Regime", words(str(log.get("regime", {}).get("state", UNKNOWN)).lower())),
        *((("Last trades cost", spent),) if spent else ()),
    )


def _due(day: PublishedDay) -> tuple[tuple[str, str], ...]:
    """Return the dividends that complete the broker's equity to that at the close, as in the report."""
    if not day.due_cents:
        return ()
    at_close = exact_usd(day.equity_cents + day.due_cents)
    return (("Dividends due", f"{exact_usd(day.due_cents)}, so equity at the close {at_close}"),)


def _log(day: PublishedDay) -> dict[str, Any]:
    found: dict[str, Any] = parse_json(day.files["monitoring_log.json"])
    return found


def _table(rows: tuple[Row, ...]) -> Table:
    shown = tuple(
        (
            words(row["side"].lower()),
            row["symbol"],
            number(float(row["shares"]), 0),
            usd(float(row["price"]), 2),
            usd(float(row["notional"])),
            without_mark(row["reason"]),
        )
        for row in rows[:MOST_ROWS]
    )
    return Table(
        "Trades", COLUMNS, shown, numeric=(2, 3, 4), left_out=len(rows) - len(shown), rest_is_in=TRADES
    )


def _commands(home: Home, day: PublishedDay) -> tuple[Command, ...]:
    place = shlex.quote(str(home.root))
    return (
        Command("Read the report", str(home.day_folder(day.session) / "report.html")),
        Command("Or review it in a browser", f"afterclose review {day.session} --home {place}"),
        Command("Approve", f"afterclose approve {day.session} --home {place} --by NAME"),
        Command("Reject", f"afterclose reject {day.session} --home {place} --by NAME --reason TEXT"),
    )


def _cents(rows: tuple[Row, ...], *, is_buy: bool) -> int:
    return sum(
        round(float(row["shares"]) * float(row["price"]) * 100)
        for row in rows
        if (row["side"] == BUY) == is_buy
    )
