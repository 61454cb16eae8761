"""A second account of a walk: one company after another, in exact fractions. For tests."""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Day:
    """Events of one session by company; None: no event."""

    split: tuple
    dividend: tuple
    pays_in: int
    closing: tuple
    is_stated: tuple
    days: int
    interest_rate: float
    borrow_rate: float
    trade: tuple  # signed shares
    fill: tuple
    cost: tuple
    close: tuple


@dataclass
class SlowAccount:
    """A second account: one company after another, in exact fractions, P&L from price changes instead of values."""

    cash: int
    shares: list
    price: list
    owed: list = field(default_factory=list)

    def live(self, row: int, day: Day) -> tuple[list[Fraction], int]:
        """Return the price P&L of each company and the sum of all other flows, in cents."""
        other = round(self.cash * Fraction(str(day.interest_rate)) * day.days / 360)
        for held, price in zip(self.shares, self.price, strict=True):
            other -= round(max(-held, 0) * price * Fraction(str(day.borrow_rate)) * day.days / 360)
        self.cash += other
        pnl = []
        for company in range(len(self.shares)):
            moved, paid = self._company(row, day, company)
            pnl.append(moved)
            other += paid
        for owed in [owed for owed in self.owed if owed[0] <= row]:
            self.owed.remove(owed)
            self.cash += owed[1]
        self.price = list(day.close)
        return pnl, other

    def _company(self, row: int, day: Day, company: int) -> tuple[Fraction, int]:
        held, price = self.shares[company], Fraction(self.price[company])
        pnl = Fraction(0)
        if day.split[company] is not None:
            ratio = next(
                r for r in RATIOS if abs(r / Fraction(repr(day.split[company])) - 1) < Fraction(1, 10**5)
            )
            exact = held * ratio
            whole = abs(exact) // 1 * (1 if exact > 0 else -1)
            rest_value = (exact - whole) * price / ratio
            in_lieu = round(rest_value)
            pnl += in_lieu - rest_value
            self.cash += in_lieu
            held, price = int(whole), price / ratio
        dividend = 0
        if day.dividend[company] is not None:
            dividend = round(held * Fraction(repr(day.dividend[company])) * 100)
            self.owed.append((row + day.pays_in, dividend))
        if day.closing[company] is not None:
            stated = day.is_stated[company]
            each = Fraction(repr(day.closing[company])) * 100 if stated else price
            received = round(held * each)
            pnl += received - held * price
            self.cash += received
            held = 0
        pnl += held * (day.close[company] - price)
        traded, fill = day.trade[company], day.fill[company]
        pnl += traded * (day.close[company] - fill)
        self.cash -= traded * fill + day.cost[company]
        self.shares[company] = held + traded
        return pnl, dividend - day.cost[company]


RATIOS = [Fraction(n) for n in ("2", "3", "3/2", "1/10", "1/100", "1/3", "1", "1.281129", "0.0001", "1/7")]
