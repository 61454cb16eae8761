"""Overrides begin and end with a row of the audit log; the strictest one decides; none is dropped silently (A3)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.safety.audit import Row, read_intact, record
from tasks.safety.overrides import (
    ADDED,
    ENDED,
    Instruction,
    Override,
    add_override,
    end_override,
    overrides_in,
    permitted_shares,
    read_overrides,
    waiver_of,
)

NOON = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)
UNTIL = date(2024, 6, 28)
DO_NOT_BUY = Instruction("do_not_buy", "symbol", "BRK.B", UNTIL)
EVERY = [
    DO_NOT_BUY,
    Instruction("reduce_only", "sector", "Information Technology", UNTIL),
    Instruction("do_not_trade", "strategy", "momentum_52_week", UNTIL),
    Instruction("do_not_trade", "all", "", UNTIL),
    Instruction("multiplier", "symbol", "A", UNTIL, multiplier=Decimal("0.5")),
    Instruction("multiplier", "all", "", UNTIL, multiplier=Decimal(0)),
    Instruction("waive", "symbol", "A", UNTIL, gate="name_trades"),
    Instruction("waive", "all", "", UNTIL, gate="ramp"),
]


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    set_up(home)
    return home


def override(instruction, number=1):
    return Override(number, instruction, "Ada", "", "a reason")


def permitted(*instructions, shares=101, is_sale=False, symbol="A", sector="Energy", strategy="lightgbm"):
    active = [override(instruction, number) for number, instruction in enumerate(instructions, start=1)]
    return permitted_shares(
        shares, is_sale=is_sale, symbol=symbol, sector=sector, strategy=strategy, active=active
    )


@pytest.mark.parametrize("instruction", EVERY, ids=lambda instruction: instruction.description)
def test_an_override_is_read_back_as_it_was_added(home, instruction):
    added = add_override(home, instruction, "Ada", "lawsuit: see memo, page 3", NOON)

    assert read_overrides(home) == (added,)
    assert (added.number, added.instruction, added.by) == (1, instruction, "Ada")
    assert added.at == "2024-06-14T12:00:00-04:00"
    assert added.reason == "lawsuit: see memo, page 3"
    assert read_intact(home)[-1].event == ADDED


def test_an_override_holds_through_its_last_session(home):
    added = add_override(home, DO_NOT_BUY, "Ada", "lawsuit", NOON)

    assert added.is_active(UNTIL)
    assert not added.is_active(date(2024, 7, 1))


def test_an_ended_override_holds_no_longer_and_stays_in_the_log(home):
    added = add_override(home, DO_NOT_BUY, "Ada", "lawsuit", NOON)
    add_override(home, EVERY[1], "Ada", "too much of it", NOON)

    returned = end_override(home, 1, "Bea", "settled", NOON)

    ended, other = read_overrides(home)
    assert returned == ended
    assert ended == replace(added, ended_at="2024-06-14T12:00:00-04:00", ended_by="Bea")
    assert (ended.is_active(UNTIL), other.is_active(UNTIL)) == (False, True)


@pytest.mark.parametrize("number", [0, 2])
def test_an_unknown_override_cannot_be_ended(home, number):
    add_override(home, DO_NOT_BUY, "Ada", "lawsuit", NOON)

    with pytest.raises(ConfigError, match="does not exist"):
        end_override(home, number, "Ada", "a reason", NOON)


def test_an_override_is_ended_once(home):
    add_override(home, DO_NOT_BUY, "Ada", "lawsuit", NOON)
    end_override(home, 1, "Ada", "settled", NOON)

    with pytest.raises(ConfigError, match="has already ended"):
        end_override(home, 1, "Ada", "settled", NOON)


@pytest.mark.parametrize(("by", "reason"), [("", "a reason"), ("Ada", " \n")])
def test_an_override_needs_an_owner_and_a_reason(home, by, reason):
    with pytest.raises(ConfigError, match="requires a name and a reason"):
        add_override(home, DO_NOT_BUY, by, reason, NOON)


@pytest.mark.parametrize(
    "instruction",
    [
        Instruction("do_not_buy", "symbol", "../x", UNTIL),
        Instruction("do_not_buy", "symbol", "", UNTIL),
        Instruction("do_not_buy", "all", "A", UNTIL),
        Instruction("do_not_buy", "sector", "Energy, until 1999-01-01: no", UNTIL),
        Instruction("do_not_buy", "sector", "Energy\nX", UNTIL),
        Instruction("multiplier", "symbol", "A", UNTIL, multiplier=Decimal("1.01")),
        Instruction("multiplier", "symbol", "A", UNTIL, multiplier=Decimal("-0.1")),
        Instruction("multiplier", "symbol", "A", UNTIL, multiplier=Decimal("NaN")),
        Instruction("multiplier", "symbol", "A", UNTIL, multiplier=Decimal("0.12345")),
    ],
    ids=lambda instruction: ascii(instruction.description.replace("\n", " ")),
)
def test_what_could_not_be_read_back_is_refused(home, instruction):
    with pytest.raises(ConfigError):
        add_override(home, instruction, "Ada", "a reason", NOON)

    assert read_overrides(home) == ()


def test_a_row_that_cannot_be_read_stops_instead_of_being_dropped(home):
    record(home, event=ADDED, by="Ada", detail="do_not_buy everything", at=NOON)

    with pytest.raises(SafetyError, match="override 1 cannot be read"):
        read_overrides(home)


def test_a_damaged_log_is_refused(home):
    add_override(home, DO_NOT_BUY, "Ada", "lawsuit", NOON)
    home.audit_log.write_text(home.audit_log.read_text().replace("BRK.B", "BRK.A"))

    with pytest.raises(SafetyError, match="not intact"):
        read_overrides(home)


def test_rows_of_other_events_are_ignored():
    assert overrides_in([Row("", "kill_switch_reset", "Ada", "override 1: x")]) == ()


@pytest.mark.parametrize("detail", ["override 0: x", "override 3: x", "override: x"])
def test_an_end_of_no_known_override_ends_none(detail):
    added = Row("", ADDED, "Ada", "do_not_buy, symbol A, until 2024-06-28: x")

    known = overrides_in([added, added, Row("noon", ENDED, "Bea", detail)])

    assert [each.is_active(UNTIL) for each in known] == [True, True]


def test_an_override_is_ended_by_the_first_row_that_ends_it():
    added = Row("", ADDED, "Ada", "do_not_buy, symbol A, until 2024-06-28: x")
    ends = [Row(at, ENDED, by, "override 1: x") for at, by in (("noon", "Bea"), ("night", "Cid"))]

    (known,) = overrides_in([added, *ends])

    assert (known.ended_at, known.ended_by) == ("noon", "Bea")


@pytest.mark.parametrize(
    ("effect", "bought", "sold"),
    [("do_not_buy", 0, 101), ("reduce_only", 0, 101), ("do_not_trade", 0, 0), ("multiplier", 50, 101)],
)
def test_what_each_effect_leaves(effect, bought, sold):
    instruction = Instruction(effect, "symbol", "A", UNTIL, multiplier=Decimal("0.5"))

    for is_sale, left in ((False, bought), (True, sold)):
        found = permitted(instruction, instruction, is_sale=is_sale)
        assert (found.shares, found.by and found.by.number) == (left, 1 if left < 101 else None)


@pytest.mark.parametrize(
    ("scope", "name", "covered"),
    [
        ("symbol", "A", True),
        ("symbol", "B", False),
        ("sector", "Energy", True),
        ("sector", "Utilities", False),
        ("strategy", "lightgbm", True),
        ("strategy", "forest", False),
        ("all", "", True),
    ],
)
def test_an_override_covers_its_scope(scope, name, covered):
    assert permitted(Instruction("do_not_buy", scope, name, UNTIL)).shares == (0 if covered else 101)


def test_a_name_of_unknown_sector_is_covered_by_every_sector():
    assert permitted(Instruction("do_not_buy", "sector", "Utilities", UNTIL), sector="").shares == 0


def test_an_override_of_something_else_hides_no_later_one():
    other = Instruction("do_not_buy", "symbol", "B", UNTIL)
    nothing = Instruction("do_not_trade", "all", "", UNTIL)

    assert permitted(other, EVERY[7], nothing).shares == 0


def test_the_strictest_override_decides_and_is_named():
    half, fifth = (
        Instruction("multiplier", "symbol", "A", UNTIL, multiplier=Decimal(text)) for text in ("0.5", "0.2")
    )

    left = permitted(half, fifth)

    assert (left.shares, left.by.number) == (20, 2)


@given(st.integers(1, 10**6), st.decimals(0, 1, places=4))
def test_a_multiplier_rounds_down_and_never_adds(shares, multiplier):
    left = permitted(Instruction("multiplier", "all", "", UNTIL, multiplier=multiplier), shares=shares).shares

    assert left <= shares * multiplier < left + 1


def test_a_waiver_is_for_one_gate_and_what_it_covers():
    active = [override(EVERY[6]), override(EVERY[7], 2)]

    def waived(gate, symbol, sector="Energy"):
        found = waiver_of(gate, symbol=symbol, sector=sector, strategy="lightgbm", active=active)
        return found and found.number

    assert waived("name_trades", "A") == 1
    assert waived("name_trades", "B") is None
    assert waived("ramp", "B") == 2
    assert waived("ramp", "") == 2  # a batch gate
    assert waived("name_trades", "") is None
    assert permitted(EVERY[6], EVERY[7]).shares == 101


@pytest.mark.parametrize(
    ("scope", "name", "number"),
    [
        ("strategy", "lightgbm", 1),
        ("strategy", "forest", None),
        ("sector", "Energy", 1),
        ("sector", "Utilities", None),
    ],
)
def test_a_waiver_is_for_the_names_of_its_strategy_or_sector(scope, name, number):
    active = [override(Instruction("waive", scope, name, UNTIL, gate="ramp"))]

    found = waiver_of("ramp", symbol="A", sector="Energy", strategy="lightgbm", active=active)

    assert (found and found.number) == number


def test_a_waiver_of_a_sector_does_not_cover_a_name_of_unknown_sector():
    active = [override(Instruction("waive", "sector", "Energy", UNTIL, gate="ramp"))]

    assert waiver_of("ramp", symbol="A", sector="", strategy="", active=active) is None
