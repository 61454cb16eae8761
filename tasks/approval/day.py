"""Read a published day from bytes: every file is the one that manifest.json lists, or the day is refused. No disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from tasks.approval.refusal import Reason, refusal
from tasks.backtest.parity.recorded import DAMAGED, parse_day
from tasks.core.errors import SafetyError
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.trades.tickets.record import FILE as TICKETS
from tasks.trades.tickets.record import parse_tickets
from tasks.trades.tickets.schema import Tickets

TRADES = "trades.csv"
FILES = (TRADES, "portfolio_weights.csv", "signals.json", "monitoring_log.json", "report.html")
REVISED_FILES = (
    TRADES,
    "portfolio_weights.csv",
    "monitoring_log.json",
)  # of a revision; the others stay the day's
ADDED_FILES = (TICKETS,)  # since a later release: a day without them stays valid
DUE = "dividends_due_cents"  # in monitoring_log.json; days of earlier builds do not state it
INPUTS = ("snapshot", "champion", "features", "config", "positions")


@dataclass(frozen=True)
class PublishedDay:
    """A day whose files agree with its manifest, what it was computed from, and what it assumed."""

    session: date
    revision: int  # 0: as published
    manifest: bytes  # of the revision, if it is one
    files: Mapping[str, bytes]
    inputs: Mapping[str, str]  # INPUTS, and the code's fingerprint
    kept: str | None  # sha256 of the index of the inputs kept for a replay; None: of an earlier release
    equity_cents: int  # before the trades, as the broker has it
    cost_cents: int  # estimated
    differs_from_backtest: bool
    tickets: Tickets | None = None  # None: the day was published before there were any
    due_cents: int = (
        0  # dividends between ex-date and payment: part of the equity at the close, not yet at the broker
    )

    @property
    def manifest_sha256(self) -> str:
        return sha256_of_bytes(self.manifest)

    @property
    def trades(self) -> bytes:
        return self.files[TRADES]


class _Manifest(NamedTuple):
    """What a manifest states: of a revision, `day_sha256` is the digest of the day's own manifest."""

    listed: dict[str, str]
    inputs: dict[str, str]
    kept: str | None
    revision: int
    day_sha256: str


def published_day(session: date, manifest: bytes, files: Mapping[str, bytes]) -> PublishedDay:
    """Return the day, or the revision of it whose manifest this is.

    For a revision, `files` contain the day's own manifest. Raises SafetyError if a file is missing, edited or damaged,
    or belongs to another session or another day.
    """
    stated = _stated(session, manifest, files)
    for name in sorted(stated.listed):
        if name not in files or sha256_of_bytes(files[name]) != stated.listed[name]:
            reason: Reason = "trades" if name == TRADES else "day"
            what = "missing" if name not in files else "not the file that its manifest lists"
            raise refusal(reason, f"{session}: {name} is {what}.", remedy=_again(session), path=name)
    try:
        recorded = parse_day(session, files, basis=None)
        if isinstance(recorded, str):
            raise ValueError(recorded)  # noqa: TRY004 - one message for every way to be unreadable
        held = sum(round(shares * recorded.price_cents[name]) for name, shares in recorded.held.items())
        log = parse_json(files["monitoring_log.json"])
        compared, due_cents = log["parity"]["state"], int(log.get(DUE, 0))
        tickets = parse_tickets(files[TICKETS]) if TICKETS in stated.listed else None
    except DAMAGED as error:
        raise refusal(
            "day",
            f"{session}: the files cannot be read ({type(error).__name__}: {str(error)[:80]}).",
            remedy=_again(session),
        ) from None
    return PublishedDay(
        session=session,
        revision=stated.revision,
        manifest=manifest,
        files=files,
        inputs=stated.inputs,
        kept=stated.kept,
        equity_cents=recorded.cash_cents + held,
        cost_cents=sum(trade.cost_cents for trade in recorded.trades.values()),
        differs_from_backtest=compared == "different",
        tickets=tickets,
        due_cents=due_cents,
    )


def listed_files(session: date, manifest: bytes, files: Mapping[str, bytes]) -> Mapping[str, str]:
    """Return the SHA-256 of every file of the day, or of the revision, by name. `files` as in `published_day`."""
    return _stated(session, manifest, files).listed


def _stated(session: date, manifest: bytes, files: Mapping[str, bytes]) -> _Manifest:
    """Return what the manifest states; of a revision, with what the day's own manifest lists for the other files."""
    stated = _parsed_manifest(session, manifest)
    if not stated.revision:
        return stated
    own = files.get(MANIFEST, b"")
    if sha256_of_bytes(own) != stated.day_sha256:
        raise refusal(
            "revision",
            f"{session}: revision {stated.revision} was made from another publication of the day.",
            remedy=f"Make it again: `afterclose revise {session}`.",
        )
    day = _parsed_manifest(session, own)
    if day.revision or (day.inputs, day.kept) != (stated.inputs, stated.kept):
        raise _bad_manifest(session, f"revision {stated.revision} states other inputs than the day")
    return stated._replace(listed=day.listed | stated.listed)


def _parsed_manifest(session: date, content: bytes) -> _Manifest:
    try:
        manifest = parse_json(content)
        listed = {name: str(digest) for name, digest in manifest["sha256"].items()}
        inputs = {name: str(manifest["inputs"][name]) for name in INPUTS} | {
            "code": str(manifest["versions"]["code"])
        }
        stated, status, kept = manifest["session"], manifest["status"], manifest["inputs"].get("kept")
        number = int(manifest["revision"]["number"]) if "revision" in manifest else 0
        day_sha256 = str(manifest["day_sha256"]) if number else ""
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _bad_manifest(session, f"it cannot be read ({type(error).__name__})") from None
    if stated != str(session):
        raise refusal(
            "session",
            f"{session}: manifest.json is that of another session.",
            remedy=_again(session),
        )
    if status != "published":
        raise _bad_manifest(session, "the day was not published")
    if set(listed) - set(() if number else ADDED_FILES) != set(REVISED_FILES if number else FILES):
        raise _bad_manifest(session, f"it does not list the files of a {'revision' if number else 'day'}")
    return _Manifest(listed, inputs, None if kept is None else str(kept), number, day_sha256)


def _bad_manifest(session: date, why: str) -> SafetyError:
    return refusal(
        "manifest", f"{session}: manifest.json cannot be used: {why}.", remedy=_again(session), path=MANIFEST
    )


def _again(session: date) -> str:
    return f"Run the day again with `afterclose daily --date {session}`, or restore it from a backup."
