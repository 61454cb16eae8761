"""Read a published day from bytes: every file is the one that manifest.json lists, or the day is refused. No disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tasks.approval.refusal import Reason, refusal
from tasks.backtest.parity.recorded import DAMAGED, parse_day
from tasks.core.errors import SafetyError
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json

TRADES = "trades.csv"
FILES = (TRADES, "portfolio_weights.csv", "signals.json", "monitoring_log.json", "report.html")
INPUTS = ("snapshot", "champion", "features", "config", "positions")


@dataclass(frozen=True)
class PublishedDay:
    """A day whose files agree with its manifest, what it was computed from, and what it assumed."""

    session: date
    manifest: bytes
    files: Mapping[str, bytes]
    inputs: Mapping[str, str]  # INPUTS, and the code's fingerprint
    kept: (
        str | None
    )  # sha256 of the index of the inputs kept for a replay; None: published by an earlier release
    equity_cents: int  # before the trades
    cost_cents: int  # estimated
    differs_from_backtest: bool

    @property
    def manifest_sha256(self) -> str:
        return sha256_of_bytes(self.manifest)

    @property
    def trades(self) -> bytes:
        return self.files[TRADES]


def published_day(session: date, manifest: bytes, files: Mapping[str, bytes]) -> PublishedDay:
    """Return the day. Raises SafetyError if a file is missing, edited or damaged, or belongs to another session."""
    listed, inputs, kept = _parsed_manifest(session, manifest)
    for name in FILES:
        if name not in files or sha256_of_bytes(files[name]) != listed[name]:
            reason: Reason = "trades" if name == TRADES else "day"
            what = "missing" if name not in files else "not the file that its manifest lists"
            raise refusal(reason, f"{session}: {name} is {what}.", remedy=_again(session), path=name)
    try:
        recorded = parse_day(session, files, basis=None)
        if isinstance(recorded, str):
            raise ValueError(recorded)  # noqa: TRY004 - one message for every way to be unreadable
        held = sum(round(shares * recorded.price_cents[name]) for name, shares in recorded.held.items())
        compared = parse_json(files["monitoring_log.json"])["parity"]["state"]
    except DAMAGED as error:
        raise refusal(
            "day",
            f"{session}: the files cannot be read ({type(error).__name__}: {str(error)[:80]}).",
            remedy=_again(session),
        ) from None
    return PublishedDay(
        session=session,
        manifest=manifest,
        files=files,
        inputs=inputs,
        kept=kept,
        equity_cents=recorded.cash_cents + held,
        cost_cents=sum(trade.cost_cents for trade in recorded.trades.values()),
        differs_from_backtest=compared == "different",
    )


def _parsed_manifest(session: date, content: bytes) -> tuple[dict[str, str], dict[str, str], str | None]:
    """Return the digests of the files, the inputs with the code's fingerprint, and the index of what was kept."""
    try:
        manifest = parse_json(content)
        listed = {name: str(digest) for name, digest in manifest["sha256"].items()}
        inputs = {name: str(manifest["inputs"][name]) for name in INPUTS} | {
            "code": str(manifest["versions"]["code"])
        }
        stated, status, kept = manifest["session"], manifest["status"], manifest["inputs"].get("kept")
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
    if set(listed) != set(FILES):
        raise _bad_manifest(session, "it does not list the files of a day")
    return listed, inputs, None if kept is None else str(kept)


def _bad_manifest(session: date, why: str) -> SafetyError:
    return refusal(
        "manifest", f"{session}: manifest.json cannot be used: {why}.", remedy=_again(session), path=MANIFEST
    )


def _again(session: date) -> str:
    return f"Run the day again with `afterclose daily --date {session}`, or restore it from a backup."
