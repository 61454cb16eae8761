"""Render the monthly page of the decision ledger: one self-contained HTML file. Pure."""

from tasks.monitoring.decisions.outcomes import HORIZON_SESSIONS, LEAST_SESSIONS
from tasks.monitoring.decisions.schema import MEANINGS, DecisionLedger, Outcome, Total
from tasks.reporting.page.document import environment, style
from tasks.reporting.page.numerals import UNKNOWN, signed_usd

MOST_LISTED = 200
WITHHELD = f"withheld below {LEAST_SESSIONS} sessions"


def render_month(ledger: DecisionLedger, month: str, *, title: str, is_simulated: bool) -> bytes:
    """Return the page. Equal ledgers give equal bytes. The largest amounts come first; at most 200 are listed."""
    listed = sorted(ledger.outcomes, key=lambda one: -abs(one.earned_usd or 0.0))
    every = next((one for one in ledger.totals if one.kind == "all"), None)
    return (
        environment()
        .get_template("monthly.html.j2")
        .render(
            title=title,
            is_simulated=is_simulated,
            month=month,
            ledger=ledger,
            every=every,
            totals=ledger.totals,
            outcomes=listed[:MOST_LISTED],
            left_out=max(len(listed) - MOST_LISTED, 0),
            unpriced=sum(one.earned_usd is None for one in ledger.outcomes),
            meanings=MEANINGS,
            horizon=HORIZON_SESSIONS,
            earned=earned_text,
            interval=interval_text,
            style=style(),
        )
        .encode()
    )


def earned_text(one: Outcome | Total | None) -> str:
    """Write what was earned with its sign."""
    if one is None or one.earned_usd is None:
        return UNKNOWN
    return signed_usd(one.earned_usd)


def interval_text(total: Total | None) -> str:
    """Write the 95% interval, or why there is none."""
    if total is None or total.low_usd is None or total.high_usd is None:
        return WITHHELD
    return f"{signed_usd(total.low_usd)} to {signed_usd(total.high_usd)}"
