from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.data.lake.digest import COVERED, session_digests, snapshot_id
from tasks.data.schema.finding_rows import make_findings
from tasks.data.schema.tables import empty_table
from tests.deliveries import make_bars

DAY, NEXT = date(2024, 6, 13), date(2024, 6, 14)


def digests(bars: pd.DataFrame) -> dict[date, str]:
    return session_digests({**{name: empty_table(name) for name in COVERED}, "bars": bars})


@settings(max_examples=20)
@given(st.permutations(range(4)), st.booleans())
def test_a_digest_depends_on_rows_and_not_on_their_order_or_form(order, as_category):
    bars = make_bars(("B", DAY, 1), ("A", DAY, 2), ("A", NEXT, 3), ("C", NEXT, 4))
    shuffled = bars.iloc[order]
    if as_category:
        shuffled = shuffled.assign(symbol=pd.Categorical(shuffled["symbol"], categories=["Z", "C", "B", "A"]))

    assert digests(shuffled) == digests(bars)
    assert list(digests(bars)) == [DAY, NEXT]


def test_any_change_of_a_row_changes_the_digest_of_its_session_alone():
    bars = make_bars(("A", DAY, 2), ("A", NEXT, 3))
    other = bars.assign(close=[np.nextafter(2.0, 3.0), 3.0])

    assert digests(other)[DAY] != digests(bars)[DAY]
    assert digests(other)[NEXT] == digests(bars)[NEXT]


def test_a_finding_for_its_own_session_alone_has_another_digest():
    findings = make_findings(make_bars(("A", DAY, 2)), "flat_bar", "quarantine", ["one price"], "stored")
    empty = {name: empty_table(name) for name in COVERED}

    of_severity = {
        name: session_digests({**empty, "findings": findings.assign(severity=name)})
        for name in ("quarantine", "stop")
    }

    assert of_severity["quarantine"] != of_severity["stop"]


SESSIONS = pd.DataFrame({"session": np.array([DAY, NEXT], dtype="datetime64[s]"), "digest": ["a", "b"]})


def test_a_snapshot_id_covers_sessions_and_lasting_tables_whatever_their_row_order():
    lives = pd.DataFrame({"symbol": ["A", "B"], "first": np.array([DAY, NEXT], dtype="datetime64[s]")})
    name = snapshot_id(SESSIONS, {"lives": lives})

    assert snapshot_id(SESSIONS.iloc[::-1], {"lives": lives.iloc[::-1]}) == name
    assert snapshot_id(SESSIONS.iloc[:1], {"lives": lives}) != name
    assert snapshot_id(SESSIONS, {"lives": lives.assign(symbol=["A", "C"])}) != name


@pytest.mark.parametrize("value", [np.nan, -0.0, 1.0])
def test_numbers_that_differ_in_the_last_bit_have_different_digests(value):
    frame = pd.DataFrame({"symbol": ["A"], "figure": [0.0]})

    assert snapshot_id(SESSIONS, {"f": frame.assign(figure=value)}) != snapshot_id(SESSIONS, {"f": frame})
