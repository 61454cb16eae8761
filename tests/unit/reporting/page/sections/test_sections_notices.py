import pytest

from tasks.reporting.page.sections.notices import halt_words


@pytest.mark.parametrize(
    ("switch", "sentence_goes_on"),
    [
        ("clear", ""),
        (
            "on, tripped by check_day at noon: daily_loss 3.4%.",
            ", tripped by check_day at noon: daily_loss 3.4%",
        ),
        ("on: the file is missing", ": the file is missing"),
        ("daily loss", ": daily loss"),
    ],
)
def test_the_kill_switch_is_reported_in_one_sentence(switch, sentence_goes_on):
    assert halt_words(switch) == sentence_goes_on
