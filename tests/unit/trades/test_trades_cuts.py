"""Which trades stay when a day may not have them all."""

import numpy as np
import pytest

from tasks.trades.cuts import (
    Drop,
    cut_each,
    drop_beyond,
    drop_small,
    drop_worthless,
    empty_log,
    fit_buys,
    scale_to_fit,
)
from tasks.trades.explanation import cut_words, drop_words, step_words, volume_warnings
from tasks.trades.rules import trade_rules_of
from tests.builders import make_settings
from tests.unit.trades.trades_worlds import lines_of, make_book, make_target

LINES = lines_of(
    make_book(0.0, A=1_000, B=1_000, C=1_000, prices={"A": 10.0, "B": 100.0, "C": 1.0}),
    make_target(
        A={"weight": 0.1, "price": 10.0}, B={"weight": 0.1, "price": 100.0}, C={"weight": 0.1, "price": 1.0}
    ),
)
SHARES = np.array([50, 10, 300])  # 500, 1,000 and 300 USD
NOBODY = np.zeros(3, dtype=bool)


class Wording:
    """The reasons and warnings that a log gives for each line."""

    def __init__(self, lines, log, settings):
        self.lines, self.log, self.rules = lines, log, trade_rules_of(settings)
        self.steps = step_words(lines, self.rules)

    def dropped(self):
        codes = enumerate(self.log.dropped.tolist())
        shares = self.log.dropped_shares.tolist()
        return {
            line: (shares[line], drop_words(code, self.steps, self.rules)) for line, code in codes if code
        }

    @property
    def cut(self):
        return {line: cut_words(line, self.log, self.steps) for line in range(len(self.lines.held))}

    @property
    def warned(self):
        return {line: volume_warnings(line, self.log, self.rules) for line in range(len(self.lines.held))}


@pytest.mark.parametrize(
    ("most", "first", "kept"),
    [
        (3, NOBODY, [50, 10, 300]),
        (2, NOBODY, [50, 10, 0]),
        (1, NOBODY, [0, 10, 0]),
        (0, NOBODY, [0, 0, 0]),
        (1, np.array([False, False, True]), [0, 0, 300]),
        (2, np.array([True, False, True]), [50, 0, 300]),
    ],
)
def test_the_first_stay_and_then_those_that_are_worth_most(most, first, kept):
    log = empty_log(LINES)

    left = drop_beyond(SHARES, LINES, log, most=most, first=first)

    assert left.tolist() == kept
    assert log.dropped.tolist() == [0 if shares else Drop.TOO_MANY for shares in kept]
    assert log.dropped_shares.tolist() == [
        0 if left else all_ for left, all_ in zip(kept, SHARES, strict=True)
    ]


def test_of_equal_trades_the_first_by_name_stays():
    left = drop_beyond(np.array([10, 1, 100]), LINES, empty_log(LINES), most=1, first=NOBODY)

    assert left.tolist() == [10, 0, 0]


@pytest.mark.parametrize(("cost_cents", "kept"), [(99, [1, 0, 1]), (100, [1, 0, 0]), (101, [1, 0, 0])])
def test_one_share_that_costs_what_it_brings_is_not_sold(cost_cents, kept):
    left = drop_worthless(np.array([1, 0, 1]), LINES, empty_log(LINES), np.full(3, cost_cents))

    assert left.tolist() == kept


def test_a_cent_more_than_a_hundred_million_dollars_does_not_fit_into_them():
    room = 10_000_000_000

    assert scale_to_fit(np.array([room]), np.array([1]), room).tolist() == [room]
    assert scale_to_fit(np.array([room + 1]), np.array([1]), room).tolist() == [room]


def test_nothing_fits_into_a_debt():
    assert scale_to_fit(np.array([5]), np.array([1]), -100).tolist() == [0]


def fit(book, target, buys, *, sells=None, selling_costs=0, **overrides):
    settings = make_settings(**overrides)
    lines = lines_of(book, target, settings=settings)
    cut_log = empty_log(lines)
    left = fit_buys(
        np.array(buys),
        np.zeros(len(buys), dtype=np.int64) if sells is None else np.array(sells),
        lines,
        cut_log,
        selling_costs=selling_costs,
        buying_costs=lambda shares: shares * 0 + 100 * (shares > 0),
        rules=trade_rules_of(settings),
    )
    return left.tolist(), Wording(lines, cut_log, settings)


def test_half_a_share_that_is_held_makes_it_no_first_investment():
    target = make_target(A={"weight": 0.0}, **dict.fromkeys("BCDEFGH", 0.1))

    empty, _ = fit(make_book(), make_target(**dict.fromkeys("BCDEFGH", 0.1)), [200] * 7)
    dust, cut_log = fit(make_book(99_975.0, A=0.5), target, [0] + [200] * 7)

    assert empty == [200] * 7
    assert dust == [0] + [114] * 7  # 40% of the portfolio
    assert cut_log.cut[1] == ["cut to fit the day's limit of 40% for buys"]


def test_the_limit_of_a_first_investment_is_named():
    target = make_target(**dict.fromkeys("BCDEFGH", 0.1))

    left, cut_log = fit(make_book(), target, [200] * 7, **{"safety.max_entry_buys_frac": 0.5})

    assert left == [142] * 7
    assert cut_log.cut[0] == ["cut to fit the day's limit of 50% for buys"]


def test_cash_is_shared_in_proportion_and_what_gets_no_share_is_reported_with_its_size():
    poor = make_book(0.0, A=2_000)
    target = make_target(A=0.9, B=0.05, C=0.05)

    left, cut_log = fit(poor, target, [0, 99, 1], sells=[50, 0, 0], selling_costs=10_000)

    assert left == [0, 47, 0]  # 2,500 less 100 of selling and 2 of buying, of 5,000 dollars
    assert cut_log.dropped() == {2: (1, "the exposure limit leaves no room")}
    assert cut_log.cut[2] == ["cut to fit the exposure limit"]
    assert cut_log.cut[1] == [*cut_log.cut[2], "cut to fit the cash available after sells and costs"]


def test_a_trade_is_cut_to_its_share_of_the_volume_and_of_the_portfolio_in_whole_shares():
    target = make_target(
        A={"weight": 0.1, "adv_usd": 50_000.0},
        B={"weight": 0.15},
        C={"weight": 0.1, "adv_usd": 900.0},
        D={"weight": 0.1, "adv_usd": float("nan")},
    )
    lines = lines_of(make_book(), target)
    log, rules = empty_log(lines), trade_rules_of(make_settings())
    cut_log = Wording(lines, log, make_settings())
    wanted = np.array([200, 300, 7, 9])

    bought = cut_each(wanted, lines, log, is_sale=False, rules=rules)

    assert bought.tolist() == [50, 200, 0, 9]
    assert {line: words for line, words in cut_log.cut.items() if words} == {
        0: ["cut to 5% of the average daily volume; the rest is left for later sessions"],
        1: ["cut to 10% of the portfolio in one trade; the rest is left for later sessions"],
        2: ["cut to 5% of the average daily volume; the rest is left for later sessions"],
    }
    assert cut_log.dropped() == {2: (7, "the size limits leave less than one share")}
    assert cut_log.warned[0] == ["cut from 200 to 50 shares, 5% of the average daily volume"]
    assert cut_log.warned[3] == []
    cut_each(wanted, lines, log, is_sale=True, rules=rules)
    assert cut_log.warned[3] == ["the average daily volume is unknown"]


def test_a_trade_of_the_least_worth_stays_and_an_exit_whatever_it_is_worth():
    lines, log = LINES, empty_log(LINES)
    wanted = np.array([10, 1, 99])  # 100, 100 and 99 USD

    left = drop_small(wanted, wanted, lines, log, min_notional_usd=100.0, exempt=NOBODY)
    exits = drop_small(wanted, wanted, lines, empty_log(lines), min_notional_usd=100.0, exempt=~NOBODY)

    assert left.tolist() == [10, 1, 0]
    assert Wording(lines, log, make_settings()).dropped() == {2: (99, "worth less than 100 USD")}
    assert exits.tolist() == [10, 1, 99]


def test_a_name_that_trades_less_than_a_share_a_day_is_not_bought():
    lines = lines_of(make_book(), make_target(A={"weight": 0.1, "adv_usd": 25.0}))  # half a share

    rules = trade_rules_of(make_settings())

    left = cut_each(np.array([3]), lines, empty_log(lines), is_sale=False, rules=rules)

    assert left.tolist() == [0]


def test_a_single_share_below_the_least_worth_is_dropped():
    left = drop_small(
        np.array([1, 1, 0]), SHARES, LINES, empty_log(LINES), min_notional_usd=50.0, exempt=NOBODY
    )

    assert left.tolist() == [0, 1, 0]
