from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tasks.execution.order_ids import order_id

DAY = date(2024, 6, 14)
DIGEST = "a" * 64
NAMED = st.tuples(
    st.text(max_size=30),
    st.dates(date(1990, 1, 1), date(2035, 12, 31)),
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(0, 10_000),
    st.integers(0, 100),
)


def made(named):
    account, session, digest, row, part = named
    return order_id(account, session, digest, row=row, part=part)


def test_the_id_is_the_same_on_every_machine():
    assert (
        order_id("PA1", DAY, DIGEST, row=0, part=0) == "ac-20240614-b8a97f66ae12a4c1736a6d34f0bd29d7"
    )  # by sha256sum


@given(NAMED)
def test_an_id_is_short_and_plain(named):
    made_id = made(named)

    assert len(made_id) <= 48
    assert set(made_id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@given(NAMED, NAMED)
def test_ids_differ_exactly_when_what_they_name_differs(one, other):
    assert (made(one) == made(other)) == (one == other)


def test_numbers_do_not_run_into_each_other():
    assert order_id("A", DAY, DIGEST, row=1, part=11) != order_id("A", DAY, DIGEST, row=11, part=1)
