"""Years of one account, with everything that moves it: the truth of a broker, and what the broker shows of it.

The truth is kept here in integers and dictionaries, apart from the ledger and from what the reconciliation computes.
Every disturbance knows whether it must lock a name or everything on a day; a day without one must have no lock.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Literal

from tasks.core.sessions import sessions_between
from tasks.execution.brokers.base import (
    Activity,
    ActivityKind,
    BrokerAccount,
    BrokerOrder,
    BrokerPosition,
    Status,
)
from tasks.execution.reconciliation.schema import CorporateAction, Market, OurOrder, Rename, Statement
from tasks.execution.schema import State
from tasks.ledger.entries import Entry

FIRST = date(2016, 1, 4)
NAMES, CASH_CENTS = 40, 500_000_000
RATIOS = tuple(Fraction(*each) for each in ((2, 1), (3, 1), (4, 1), (3, 2), (1, 2), (1, 3), (1, 10)))
QUIET = 12  # sessions between two events of one name, so that each has a verdict of its own


@dataclass
class Payment:
    """A dividend on its way: due in full, paid less a tax."""

    symbol: str
    ex_day: int
    pay_day: int
    due_cents: int
    paid_cents: int
    is_known: bool  # by the lake, on the ex-date
    action: CorporateAction


@dataclass
class Verdict:
    """What must be found on one day."""

    locked: set[str] = field(default_factory=set)
    blocks_all: bool = False
    person_acts_on: set[str] = field(
        default_factory=set
    )  # symbols that a person explains today; "": the cash


class Years:
    """One world. `days()` moves it by a session each time; then `statement()` and `market()` are what is seen."""

    def __init__(self, seed: int, days: int) -> None:
        self.draw = random.Random(seed)
        self.sessions = [each.item() for each in sessions_between(FIRST, FIRST + timedelta(days=2 * days))]
        self.last, self.day = days, 0
        self.prices = {f"N{number}": self.draw.randint(2_000, 40_000) for number in range(NAMES)}
        self.shares = {name: self.draw.randint(60, 400) for name in self.prices}
        self.before = dict(self.prices)  # at the close before
        self.opening_shares, self.cash = dict(self.shares), CASH_CENTS
        self.listed = NAMES
        self.busy = dict.fromkeys(self.prices, 0)  # until which day a name is left alone
        self.payments: list[Payment] = []
        self.actions: list[tuple[int, CorporateAction]] = []  # with the day from which the lake has it
        self.renames: list[tuple[int, Rename]] = []
        self.activities: list[tuple[int, Activity]] = []
        self.shown: dict[str, tuple[int, int]] = {}  # symbol → shares that the broker shows, until which day
        self.locks: list[tuple[int, int, str]] = []  # from day, until day, symbol ("": everything)
        self.fills: list[tuple[int, Entry]] = []  # with the day on which the home books them
        self.transit: list[tuple[int, OurOrder]] = []  # fills of that day, booked on the next
        self.open_orders: list[BrokerOrder] = []
        self.flows: dict[int, int] = {}
        self.wealth: list[int] = []  # at each close, dividends receivable included
        self.numbers = 0
        self.counts: dict[str, int] = {}
        self.verdict = Verdict()

    @property
    def session(self) -> date:
        return self.sessions[self.day]

    @property
    def at(self) -> datetime:
        return datetime(self.session.year, self.session.month, self.session.day, 21, 30, tzinfo=UTC)

    def days(self) -> Iterator[int]:
        """Move the world by one session, and let things happen in it."""
        self.wealth.append(self._worth())
        for day in range(1, self.last + 1):
            self.day = day
            self.verdict, self.open_orders = Verdict(), []
            self.before = dict(self.prices)
            for name in self.prices:
                self.prices[name] = max(500, round(self.prices[name] * self.draw.uniform(0.98, 1.02)))
            self._pay()
            self._trade()
            for event in (
                self._split,
                self._wrong_split,
                self._phantom_split,
                self._dividend,
                self._merger,
                self._rename,
                self._manual_trade,
                self._vanish,
                self._order_by_hand,
                self._bust,
            ):
                if self.draw.random() < 0.06:
                    event()
            for event_without_name in (self._fee, self._interest, self._capital, self._silent):
                if self.draw.random() < 0.08:
                    event_without_name()
            self.wealth.append(self._worth())
            self._judge()
            yield self.day

    # What is seen

    def statement(self) -> Statement:
        """Return what the broker shows at the close."""
        shown = dict(self.shares)
        for symbol, (number, until) in list(self.shown.items()):
            if self.day >= until:
                del self.shown[symbol]
            else:
                shown[symbol] = number
        worth = self.cash + sum(number * self.prices[name] for name, number in shown.items())
        equity = round(worth * self.draw.uniform(0.991, 1.009))  # another figure, within 90 bps
        account = BrokerAccount("A1", "live", self.cash, self.cash, equity, False, False, False)
        return Statement(
            account,
            {name: BrokerPosition(name, Decimal(number)) for name, number in shown.items() if number},
            tuple(activity for day, activity in self.activities if day <= self.day),
            tuple(self.open_orders),
        )

    def market(self) -> Market:
        """Return what the lake knows at the close, and the prices."""
        return Market(
            tuple(action for day, action in self.actions if day <= self.day),
            tuple(rename for day, rename in self.renames if day <= self.day),
            {name: Decimal(cents).scaleb(-2) for name, cents in self.prices.items()},
        )

    def new_fills(self) -> tuple[Entry, ...]:
        """Return the fills that the home books today before it reconciles."""
        return tuple(entry for day, entry in self.fills if day == self.day)

    def orders(self) -> tuple[OurOrder, ...]:
        """Return our orders whose fills are booked tomorrow."""
        return tuple(order for day, order in self.transit if day == self.day)

    # What happens

    def _free(self, least: int = 2) -> str | None:
        names = [name for name, held in self.shares.items() if held >= least and self.busy[name] < self.day]
        return self.draw.choice(names) if len(names) > 5 else None

    def _occupy(self, name: str, kind: str, days: int = QUIET) -> None:
        self.busy[name] = self.day + days
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def _lock(self, symbol: str, days: int = 1) -> None:
        self.locks.append((self.day, self.day + days, symbol))

    def _tell(
        self,
        kind: ActivityKind,
        symbol: str,
        shares: int,
        cents: int,
        *,
        late: int = 0,
        known: int | None = None,
    ) -> None:
        self.numbers += 1
        activity = Activity(f"x{self.numbers}", kind, symbol, Decimal(shares), cents, self.session)
        self.activities.append((self.day + late if known is None else known, activity))

    def _trade(self) -> None:
        for _ in range(self.draw.randint(0, 4)):
            name = self._free()
            if name is None:
                continue
            number = self.draw.randint(1, 20)
            is_sale = self.shares[name] > 60 and self.draw.random() < 0.5
            number = min(number, self.shares[name] - 1) if is_sale else number
            change, cents = (-number if is_sale else number), number * self.prices[name]
            self.numbers += 1
            self.shares[name] += change
            self.cash += cents if is_sale else -cents
            self.busy[name] = self.day + 1
            order = f"o{self.numbers}"
            late = 1 if self.draw.random() < 0.05 else 0
            self.fills.append(
                (
                    self.day + late,
                    Entry(
                        "fill",
                        f"{order}:{number}:{cents}",
                        self.session,
                        self.at,
                        name,
                        Decimal(change),
                        cents if is_sale else -cents,
                        order_id=order,
                    ),
                )
            )
            if late:
                stated = BrokerOrder(
                    order,
                    name,
                    "SELL" if is_sale else "BUY",
                    Decimal(number),
                    Status.FILLED,
                    Decimal(number),
                    cents,
                    0,
                    self.at,
                )
                self.transit.append(
                    (
                        self.day,
                        OurOrder(
                            order,
                            name,
                            is_sale,
                            Decimal(number),
                            State.WORKING,
                            self.at,
                            Decimal(0),
                            0,
                            0,
                            stated,
                        ),
                    )
                )
                self._lock(name)
                self.counts["fill in transit"] = self.counts.get("fill in transit", 0) + 1

    def _apply_split(self, name: str, ratio: Fraction) -> tuple[int, CorporateAction] | None:
        """Split the truth; return the shares before, and the action as a right vendor states it."""
        held = self.shares[name]
        exact = held * ratio
        if exact < 2 or self.before[name] / ratio < 500:
            return None
        self.shares[name] = int(exact)
        self.prices[name] = max(1, round(self.before[name] / ratio * Fraction(self.draw.uniform(0.98, 1.02))))
        lieu = round((exact - int(exact)) * self.prices[name])
        if lieu:
            self.cash += lieu
            self._tell("cash_in_lieu", name, 0, lieu)
        prices = (Decimal(each).scaleb(-2) for each in (self.before[name], self.prices[name]))
        return held, CorporateAction(name, self.session, Decimal(0), ratio, *prices)

    def _split(self) -> None:
        name, ratio = self._free(40), self.draw.choice(RATIOS)
        done = None if name is None else self._apply_split(name, ratio)
        if name is None or done is None:
            return
        held, action = done
        way = self.draw.choice(["at once", "at once", "activity late", "broker late", "lake late"])
        self._occupy(name, f"split, {way}")
        self.actions.append((self.day + 3 if way == "lake late" else self.day, action))
        change = self.shares[name] - held
        late = {"activity late": 1, "broker late": 2}.get(way, 0)
        self._tell("split", name, change, 0, late=late)
        if way == "broker late":
            self.shown[name] = (held, self.day + 2)
            self._lock(name, 2)

    def _wrong_split(self) -> None:
        """The vendor states the other direction; a person settles it on the same day."""
        name, ratio = self._free(40), self.draw.choice([each for each in RATIOS if each != Fraction(3, 2)])
        done = None if name is None else self._apply_split(name, ratio)
        if name is None or done is None:
            return
        self._occupy(name, "split in the wrong direction")
        held, action = done
        wrong = CorporateAction(
            name, self.session, Decimal(0), 1 / ratio, action.price_before, action.price_after
        )
        self.actions.append((self.day, wrong))
        self._tell("split", name, self.shares[name] - held, 0)
        self._lock(name)
        self.verdict.person_acts_on.add(name)

    def _phantom_split(self) -> None:
        name = self._free()
        if name is not None:
            self._occupy(name, "split that never was")
            prices = (Decimal(each).scaleb(-2) for each in (self.before[name], self.prices[name]))
            self.actions.append(
                (self.day, CorporateAction(name, self.session, Decimal(0), Fraction(2), *prices))
            )

    def _dividend(self) -> None:
        name = self._free()
        if name is None or any(payment.symbol == name for payment in self.payments):
            return
        held_before = self.shares[name]
        rate = Decimal(self.draw.randint(100, 9_900)).scaleb(-4)
        due = int((held_before * rate * 100).to_integral_value(ROUND_HALF_EVEN))
        paid = int(due * self.draw.choice([Decimal(1), Decimal(1), Decimal("0.85"), Decimal("0.7")]))
        if not paid:
            return
        wait = self.draw.randint(3, 35)
        self._occupy(name, "dividend", wait + QUIET)
        self.prices[name] = max(1, self.prices[name] - round(rate * 100))
        is_known = self.draw.random() < 0.85
        action = CorporateAction(name, self.session, rate)
        self.payments.append(Payment(name, self.day, self.day + wait, due, paid, is_known, action))
        self.actions.append((self.day if is_known else self.day + wait + 2, action))

    def _pay(self) -> None:
        for payment in [each for each in self.payments if each.pay_day == self.day]:
            self.payments.remove(payment)
            self.cash += payment.paid_cents
            self._tell("dividend", payment.symbol, 0, payment.paid_cents)

    def _merger(self) -> None:
        name = self._free()
        if name is None:
            return
        self._occupy(name, "merger")
        held, price = self.shares.pop(name), self.prices[name]
        self.cash += held * price
        self._tell("merger", name, -held, held * price)
        other = f"N{self.listed}"
        self.listed += 1
        self.prices[other], self.busy[other] = self.draw.randint(2_000, 40_000), self.day + 1
        self.shares[other] = self.draw.randint(60, 200)  # bought with the proceeds, as an order of ours
        cents = self.shares[other] * self.prices[other]
        self.cash -= cents
        self.numbers += 1
        bought = Entry(
            "fill", f"o{self.numbers}", self.session, self.at, other, Decimal(self.shares[other]), -cents
        )
        self.fills.append((self.day, bought))

    def _rename(self) -> None:
        name = self._free()
        if name is None or any(payment.symbol == name for payment in self.payments):
            return
        self._occupy(name, "rename")
        other = f"N{self.listed}"
        self.listed += 1
        for book in (self.shares, self.prices, self.busy):
            book[other] = book.pop(name)
        self.prices[name] = self.prices[other]  # the ledger may still hold the old symbol today
        late = self.draw.choice([0, 0, 2])
        self.renames.append((self.day + late, Rename(name, other, self.session)))
        for symbol in (name, other) if late else ():
            self._lock(symbol, late)

    def _manual_trade(self) -> None:
        name = self._free()
        if name is None:
            return
        late = self.draw.choice([0, 0, 1])
        self._occupy(name, f"manual trade, {'late' if late else 'at once'}")
        change = self.draw.choice([-1, 1]) * self.draw.randint(1, max(1, self.shares[name] // 3))
        cents = -change * self.prices[name]
        self.shares[name] += change
        self.cash += cents
        self._tell("fill", name, change, cents, late=late)
        self.locks.append((self.day, self.day + late + 1, ""))
        if late:
            self._lock(name, 1)

    def _vanish(self) -> None:
        name = self._free()
        if name is not None:
            days = self.draw.randint(1, 3)
            self._occupy(name, "vanished position")
            self.shown[name] = (0, self.day + days)
            self._lock(name, days)

    def _order_by_hand(self) -> None:
        name = self._free()
        if name is not None:
            self._occupy(name, "open order by hand")
            self.numbers += 1
            self.open_orders.append(
                BrokerOrder(
                    f"h{self.numbers}", name, "BUY", Decimal(3), Status.OPEN, Decimal(0), 0, 0, self.at
                )
            )
            self._lock(name)

    def _bust(self) -> None:
        """The broker takes back a fill of ours of an earlier day."""
        for day, entry in self.fills[-40:]:
            held = self.shares.get(entry.symbol, 0) - int(entry.shares)
            if day < self.day and self.busy.get(entry.symbol, self.day) < self.day and held > 1:
                self._occupy(entry.symbol, "busted fill")
                self.shares[entry.symbol] = held
                self.cash -= entry.cash_cents
                self._tell("correction", entry.symbol, -int(entry.shares), -entry.cash_cents)
                return

    def _fee(self) -> None:
        cents = -self.draw.randint(1, 5_000)
        late = self.draw.choice([0, 0, 0, 1])
        self.counts["fee"] = self.counts.get("fee", 0) + 1
        self.cash += cents
        self._tell("fee", "", 0, cents, late=late)
        if late:
            self._lock("")

    def _interest(self) -> None:
        cents = self.draw.randint(1, 5_000)
        self.counts["interest"] = self.counts.get("interest", 0) + 1
        self.cash += cents
        self._tell("interest", "", 0, cents)

    def _capital(self) -> None:
        kind: Literal["deposit", "withdrawal"] = self.draw.choice(["deposit", "withdrawal"])
        cents = self.draw.randint(1, 2_000_000) * (1 if kind == "deposit" else -1)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.cash += cents
        self.flows[self.day] = self.flows.get(self.day, 0) + cents
        self._tell(kind, "", 0, cents)

    def _silent(self) -> None:
        """Cash moves without any activity; a person explains it on the same day, as a capital flow."""
        if any(start <= self.day < end and not symbol for start, end, symbol in self.locks):
            return  # something else is unexplained today: a person waits for it
        cents = self.draw.choice([-1, 1]) * self.draw.randint(1, 50_000)
        self.counts["unexplained cash"] = self.counts.get("unexplained cash", 0) + 1
        self.cash += cents
        self.flows[self.day] = self.flows.get(self.day, 0) + cents
        self._lock("")
        self.verdict.person_acts_on.add("")

    def _judge(self) -> None:
        for start, end, symbol in self.locks:
            if start <= self.day < end:
                self.verdict.locked |= {symbol} if symbol else set()
                self.verdict.blocks_all |= not symbol

    def _worth(self) -> int:
        """Return cash, shares at the close, and the dividends due that the lake knows of."""
        receivable = sum(payment.due_cents for payment in self.payments if payment.is_known)
        return self.cash + receivable + sum(held * self.prices[name] for name, held in self.shares.items())


def unit_value_return(wealth: list[int], flows: dict[int, int]) -> Fraction:
    """Return the time-weighted return from the value of one unit: flows buy and redeem units at the day's value."""
    units = Fraction(wealth[0])
    for day in range(1, len(wealth)):
        flow = flows.get(day, 0)
        value = Fraction(wealth[day] - flow) / units
        units += flow / value
    return Fraction(wealth[-1]) / units - 1
