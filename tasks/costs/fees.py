"""Regulatory fees on sales by trade date, from the dated tables of the settings.

A rate applies from its date until the next one; look-ups use no later rate.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date

from config.costs_section import Fees, SecFee, Taf
from tasks.core.errors import ConfigError


def sec_fee_on(session: date, *, fees: Fees) -> SecFee:
    """Return the rate of the SEC's Section 31 fee on this trade date."""
    return fees.sec[_row(fees.sec, session, "sec", fees)]


def taf_on(session: date, *, fees: Fees) -> Taf:
    """Return the rate of FINRA's trading activity fee on this trade date."""
    return fees.taf[_row(fees.taf, session, "taf", fees)]


def _row(rates: Sequence[SecFee | Taf], session: date, table: str, fees: Fees) -> int:
    row = bisect_right(rates, session, key=lambda rate: rate.since) - 1
    if row < 0 and fees.before_first == "refuse":
        raise ConfigError(
            f"costs.fees.{table} has no rate for {session}: its first rate is dated {rates[0].since}.",
            remedy=f"Start at a later date, add the rate to costs.fees.{table}, or set costs.fees.before_first: first.",
        )
    return max(row, 0)
