"""Standing overrides reduce what is ordered of the approved lines; none of them adds anything."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tasks.execution.deciding.reductions import reduced, reductions_by
from tasks.safety.overrides import Instruction, Override
from tests.execution_days import LINES

UNTIL = date(2030, 1, 1)
SECTORS = {"AAA": "Energy", "BBB": "Utilities", "CCC": "Energy", "DDD": "Financials"}


def override(effect, scope, name="", multiplier=1, number=1):
    return Override(
        number, Instruction(effect, scope, name, UNTIL, Decimal(str(multiplier))), "Ada", "", "lawsuit"
    )


def shares_left(*active):
    found = reductions_by(active, LINES, sectors=SECTORS, strategy="trees")
    return [int(reduced(line, found.get(row)).shares) for row, line in enumerate(LINES)]


def test_without_an_override_every_line_is_ordered_as_approved():
    assert shares_left() == [100, 20, 30, 20]
    assert shares_left(override("do_not_trade", "symbol", "EEE")) == [100, 20, 30, 20]


def test_an_override_reduces_the_lines_of_its_symbol_sector_or_strategy():
    assert shares_left(override("do_not_buy", "symbol", "CCC")) == [100, 20, 0, 20]
    assert shares_left(override("do_not_trade", "sector", "Energy")) == [0, 20, 0, 20]
    assert shares_left(override("multiplier", "strategy", "trees", 0.5)) == [100, 20, 15, 10]
    assert shares_left(override("reduce_only", "all")) == [100, 20, 0, 0]


def test_the_strictest_override_is_named():
    mild, strict = override("multiplier", "all", "", 0.5), override("do_not_buy", "symbol", "DDD", number=2)

    found = reductions_by([mild, strict], LINES, sectors=SECTORS, strategy="trees")

    assert {row: one.why for row, one in found.items()} == {2: mild.description, 3: strict.description}


@given(
    st.lists(
        st.builds(
            override,
            st.sampled_from(["do_not_buy", "reduce_only", "do_not_trade", "multiplier"]),
            st.sampled_from(["all"]),
            multiplier=st.decimals(0, 1, places=2),
        ),
        max_size=3,
    )
)
def test_nothing_is_ever_added_and_a_sale_is_whole_or_nothing(active):
    approved = [int(line.shares) for line in LINES]

    for line, before, after in zip(LINES, approved, shares_left(*active), strict=True):
        assert 0 <= after <= before
        assert line.side == "BUY" or after in {0, before}


def test_a_reduced_line_keeps_everything_but_its_shares():
    found = reductions_by([override("multiplier", "all", "", 0.5)], LINES, sectors={}, strategy="")

    assert replace_shares(reduced(LINES[2], found[2])) == replace_shares(LINES[2])


def replace_shares(line):
    return line.model_copy(update={"shares": "1"})
