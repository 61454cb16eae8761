"""Who may open the page, and how often a secret may be guessed."""

import pytest

from tasks.core.errors import SafetyError
from tasks.reporting.review.access.admission import SESSION_S, Admission
from tasks.reporting.review.access.attempts import FIRST_WAIT_S, FREE, LONGEST_WAIT_S, Attempts


class Watch:
    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


def test_the_start_token_opens_one_session():
    admission = Admission(Watch())
    token = admission.start_token

    assert admission.by_token("") is None
    assert admission.by_token("x" * len(token)) is None
    session = admission.by_token(token)

    assert session
    assert admission.holds(session)
    assert admission.by_token(token) is None
    assert admission.by_token("") is None
    assert not admission.holds("another")


def test_a_session_ends_after_its_time_and_when_it_is_closed():
    watch = Watch()
    admission = Admission(watch, password=b"a long password")
    first, second = admission.by_password("a long password"), admission.by_password("a long password")

    admission.close(first)
    assert [admission.holds(first), admission.holds(second)] == [False, True]
    watch.seconds += SESSION_S
    assert not admission.holds(second)


def test_with_a_password_there_is_no_start_token():
    admission = Admission(Watch(), password=b"a long password")

    assert admission.start_token == ""
    assert admission.by_token("") is None
    assert admission.by_password("a long passwore") is None
    assert Admission(Watch()).by_password("") is None


def test_a_form_token_belongs_to_one_session_of_one_process():
    admission = Admission(Watch())

    assert admission.is_form_token("one", admission.form_token("one"))
    assert not admission.is_form_token("two", admission.form_token("one"))
    assert not Admission(Watch()).is_form_token("one", admission.form_token("one"))
    assert not admission.is_form_token("one", "é")


def test_wrong_passwords_have_to_wait_longer_and_longer():
    watch = Watch()
    admission = Admission(watch, password=b"a long password")
    for _ in range(FREE):
        assert admission.by_password("guess") is None

    with pytest.raises(SafetyError, match="Too many wrong passwords"):
        admission.by_password("a long password")

    watch.seconds += FIRST_WAIT_S
    assert admission.by_password("guess") is None
    watch.seconds += FIRST_WAIT_S
    with pytest.raises(SafetyError):
        admission.by_password("a long password")
    watch.seconds += FIRST_WAIT_S
    assert admission.by_password("a long password")
    assert admission.by_password("guess") is None  # forgotten


def test_the_wait_has_an_end():
    watch = Watch()
    attempts = Attempts("passphrase", watch)
    for _ in range(40):
        attempts.begin()
        watch.seconds += LONGEST_WAIT_S

    attempts.begin()
