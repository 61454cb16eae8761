"""The equity curve that metrics are computed from: one entry per session, checked once.

Reads nothing and measures nothing but the returns between its entries.
"""

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import DataError
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Days
from tasks.risk.ratios import Numbers


@dataclass(frozen=True)
class Curve:
    """The equity curve of an account. The first entry is the start: only its equity, exposure and regime count.

    `exposure`: invested fraction at the close. `buys_usd`, `sells_usd`: notional filled in the session, both positive.
    `benchmark`, `risk_free`: returns of the session, NaN where unknown. `regime`: the state determined after the close,
    on which the next session's holdings are based. Raises DataError for unequal lengths, sessions out of order or an
    equity that is not positive.
    """

    sessions: Days
    equity_usd: Numbers
    exposure: Numbers
    buys_usd: Numbers
    sells_usd: Numbers
    benchmark: Numbers
    risk_free: Numbers
    regime: NDArray[np.str_]

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, field.name)) for field in fields(self)}
        if len(lengths) > 1:
            raise _unusable("its columns have different lengths")
        if not len(self.sessions):
            raise _unusable("it has no session")
        if not (self.sessions[1:] > self.sessions[:-1]).all():
            raise _unusable("its sessions are not in order")
        if not (np.isfinite(self.equity_usd) & (self.equity_usd > 0)).all():
            raise _unusable("its equity is not positive in every session")

    @property
    def first(self) -> date:
        day: date = self.sessions[0].astype("datetime64[D]").item()
        return day

    @property
    def last(self) -> date:
        day: date = self.sessions[-1].astype("datetime64[D]").item()
        return day

    @property
    def returns(self) -> Numbers:
        """Returns of the sessions after the start."""
        change: Numbers = daily_returns(self.equity_usd[:, None])[1:, 0]
        return change

    @property
    def turnover(self) -> Numbers:
        """Half the sum of buys and sells, divided by the previous equity, for the sessions after the start."""
        share: Numbers = (self.buys_usd + self.sells_usd)[1:] / 2 / self.equity_usd[:-1]
        return share


def _unusable(why: str) -> DataError:
    return DataError(
        f"The equity curve cannot be measured: {why}.",
        remedy="This is a defect in the backtest: run it again with --debug and report it.",
    )
