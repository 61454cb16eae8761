import pytest

from tasks.execution.remaining import remaining


@pytest.mark.parametrize(
    ("states", "without_order", "text"),
    [
        (["working"] * 5 + ["unknown", "filled"], 7, "6 orders open at the broker, 7 not sent yet"),
        (["canceling", "intended"], 0, "1 order open at the broker, 1 not sent yet"),
        (["filled", "void", "intended"], 1, "2 orders not sent yet"),
        (["filled", "expired", "a state of another release"], 0, ""),
    ],
)
def test_an_order_is_open_from_its_first_request_to_its_end_and_before_it_is_not_sent_yet(
    states, without_order, text
):
    assert remaining(states, without_order=without_order).text() == text


def test_the_states_of_open_orders_are_named_once_each():
    left = remaining(["working", "unknown", "working"], without_order=1)

    assert left.text(with_states=True) == "3 orders open at the broker (unknown, working), 1 not sent yet"
