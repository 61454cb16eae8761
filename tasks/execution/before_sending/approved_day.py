"""The facts of the approved day for the gates, from files that the approval binds by digest: the bytes, or nothing."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from tasks.approval.day import listed_files, published_day
from tasks.approval.encoding import parse_approval, parse_unanswered
from tasks.approval.lines import approved_lines
from tasks.approval.refusal import refusal
from tasks.approval.schema import Envelope, Line
from tasks.approval.store import read_day, read_no_answer
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.sessions import Session
from tasks.execution.gates.facts import Terms, terms_of

SIGNALS, WEIGHTS = "signals.json", "portfolio_weights.csv"


@dataclass(frozen=True)
class ApprovedDay:
    """The terms, and what the decision assumed of the market."""

    terms: Terms
    champion_sha256: str
    strategy: str  # the champion's name
    state: str  # of the market
    exposure_cap: Decimal
    sectors: Mapping[str, str]


@dataclass(frozen=True)
class Revised:
    """An approved revision, and the trades of the day as published."""

    number: int
    published: tuple[Line, ...]


def read_approved_day(
    home: Home, session: Session, approval_sha256: str, *, by_policy: bytes = b""
) -> ApprovedDay:
    """Return the approved day. Raises SafetyError if a file is not the one that the approval with this digest binds.

    `by_policy`: what the no-answer policy covers, where it is only rehearsed and not stored.
    """
    approval, manifest, files = read_day(home, session)
    unanswered = by_policy or read_no_answer(home, session)
    if approval is not None and sha256_of_bytes(approval) == approval_sha256:
        envelope = parse_approval(approval).envelope
    elif unanswered is not None and sha256_of_bytes(unanswered) == approval_sha256:
        envelope = parse_unanswered(unanswered).envelope
    else:
        raise refusal(
            "approval",
            f"{session}: approval.json is not the approval that is being executed.",
            remedy="Nothing more is sent. Find out who replaced it: `afterclose audit verify`.",
        )
    if sha256_of_bytes(manifest) != envelope.manifest_sha256:
        raise _changed(session, "manifest.json")
    try:
        listed = listed_files(session.day, manifest, files)
        for name in (SIGNALS, WEIGHTS):
            if sha256_of_bytes(files[name]) != listed[name]:
                raise _changed(session, name)
        return approved_day(envelope, files[SIGNALS], files[WEIGHTS])
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise refusal(
            "day",
            f"{session}: what the decision assumed cannot be read ({type(error).__name__}).",
            remedy="Restore the day's directory from a backup.",
        ) from error


def read_revised(home: Home, session: Session, approval_sha256: str) -> Revised | None:
    """Return what an approved revision revised; None if the day was approved as published.

    Informational: None, too, if the approval with this digest is no longer in the directory.
    """
    approval, manifest, _ = read_day(home, session)
    if approval is None or sha256_of_bytes(approval) != approval_sha256:
        return None
    envelope = parse_approval(approval).envelope
    if not envelope.revision or sha256_of_bytes(manifest) != envelope.manifest_sha256:
        return None
    _, own, files = read_day(home, session, revision=0)
    day = published_day(session.day, own, files)
    return Revised(envelope.revision, approved_lines(day.trades, price_band_frac=0.0, size_band_frac=0.0))


def approved_day(envelope: Envelope, signals: bytes, weights: bytes) -> ApprovedDay:
    """Return the day from its files. Raises ValueError, KeyError or TypeError for other content."""
    decided = parse_json(signals)
    return ApprovedDay(
        terms=terms_of(envelope),
        champion_sha256=envelope.champion,
        strategy=str(decided["model"]["name"]),
        state=str(decided["regime"]["state"]),
        exposure_cap=Decimal(str(decided["regime"]["exposure_cap"])),
        sectors={
            row["symbol"]: row["sector"]
            for row in csv.DictReader(io.StringIO(weights.decode(), newline=""))
            if row["sector"]
        },
    )


def _changed(session: Session, name: str) -> Exception:
    return refusal(
        "day",
        f"{session}: {name} is not the file that was approved.",
        remedy="Nothing more is sent. Restore the day's directory from a backup.",
        path=name,
    )
