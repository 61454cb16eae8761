"""Make the envelope of a day: everything that an approval of it covers. Pure; the same inputs give the same envelope.

It is made when a person approves and made again when the approval is used, so that whatever changed in between shows.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from pydantic import ValidationError

from config.sections import Approval as Terms
from tasks.approval.day import PublishedDay
from tasks.approval.lines import approved_lines
from tasks.approval.refusal import Reason, refusal
from tasks.approval.schema import Envelope
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import session_after, session_on
from tasks.core.text import instant_text

MOVED: dict[str, tuple[Reason, str]] = {
    "config": ("config", "the settings"),
    "code": ("code", "the installed code"),
    "positions": ("positions", "the positions held"),
}


@dataclass(frozen=True)
class Current:
    """What holds now, to be compared with what the day was computed from."""

    config: str
    code: str
    positions: str
    demo: bool  # the market is simulated


def make_envelope(day: PublishedDay, current: Current, *, terms: Terms) -> Envelope:
    """Return the envelope. Raises SafetyError if settings, code or positions changed since the day was published."""
    for name, (reason, what) in MOVED.items():
        if getattr(current, name) != day.inputs[name]:
            raise refusal(
                reason,
                f"{day.session}: {what} changed after the day was published, so its trades are out of date.",
                remedy=f"Undo the change, or run the day again: `afterclose daily --date {day.session}` (reject it "
                "first if it was approved). Environment variables and --profile count as settings.",
            )
    try:
        return Envelope(
            format="afterclose approval 1",
            session=str(day.session),
            revision=day.revision,
            manifest_sha256=day.manifest_sha256,
            trades_sha256=sha256_of_bytes(day.trades),
            **day.inputs,
            equity_usd=f"{Decimal(day.equity_cents) / 100:.2f}",
            account=terms.account,
            mode=terms.mode,
            demo=current.demo,
            persons=terms.persons,
            expires_at=instant_text(expiry(day)),
            lines=approved_lines(
                day.trades, price_band_frac=terms.price_band_frac, size_band_frac=terms.size_band_frac
            ),
        )
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise refusal(
            "day",
            f"{day.session}: {field} has a value that cannot be recorded in an approval.",
            remedy="Read the report; correct the positions or the settings, then run the day again.",
        ) from None


def expiry(day: PublishedDay) -> datetime:
    """Return the next regular open after the session: half-days, holidays and daylight saving included."""
    return next_open(day.session)


def next_open(session: date) -> datetime:
    """Return the regular open of the session after this one."""
    opens_at = session_on(session_after(session)).opens_at
    if opens_at is None:
        raise ValueError(f"{session} has no next session")  # the calendar's own contradiction
    return opens_at
