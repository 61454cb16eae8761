import pytest

from tasks.core.plural import counted


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (counted(0, "trade"), "no trades"),
        (counted(1, "trade"), "1 trade"),
        (counted(2, "trade"), "2 trades"),
        (counted(1234, "day"), "1,234 days"),
        (counted(2, "company", "companies"), "2 companies"),
    ],
)
def test_a_count_is_written_with_its_noun_in_the_right_number(written, expected):
    assert written == expected
