"""What an approval binds."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.approval.day import published_day
from tasks.approval.envelope import Current, expiry, make_envelope
from tasks.core.errors import SafetyError
from tests.approval_days import day_files, make_home, manifest_of
from tests.builders import FRIDAY, make_settings

TERMS = make_settings().approval


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    run = make_home(tmp_path_factory.mktemp("envelope") / "home")
    files = day_files()
    return published_day(FRIDAY, manifest_of(run, files), files)


@pytest.fixture
def now(day):
    inputs = day.inputs
    return Current(inputs["config"], inputs["code"], inputs["positions"], demo=True)


def test_an_envelope_names_the_day_its_inputs_the_account_and_the_expiry(day, now):
    envelope = make_envelope(day, now, terms=TERMS)

    assert (envelope.session, envelope.account, envelope.mode, envelope.persons) == (
        *("2024-06-14", "paper", "paper", 1),
    )
    assert (envelope.manifest_sha256, envelope.champion) == (day.manifest_sha256, "c" * 64)
    assert (envelope.equity_usd, envelope.demo) == ("1000000.00", True)
    assert envelope.expires_at == "2024-06-17T13:30:00+00:00"
    assert [line.symbol for line in envelope.lines] == ["AAPL", "MSFT"]
    assert make_envelope(day, now, terms=TERMS) == envelope


@pytest.mark.parametrize("name", ["config", "code", "positions"])
def test_what_changed_since_the_day_was_published_is_named(day, now, name):
    with pytest.raises(SafetyError) as caught:
        make_envelope(day, replace(now, **{name: "other"}), terms=TERMS)

    assert caught.value.fields["reason"] == name


@pytest.mark.parametrize("cents", [-1, 10**15])
def test_an_equity_that_cannot_be_is_refused(day, now, cents):
    with pytest.raises(SafetyError, match="equity_usd") as caught:
        make_envelope(replace(day, equity_cents=cents), now, terms=TERMS)

    assert caught.value.fields["reason"] == "day"


@pytest.mark.parametrize(("cents", "text"), [(0, "0.00"), (1, "0.01"), (100_000_000_05, "100000000.05")])
def test_equity_is_exact_to_the_cent(day, now, cents, text):
    assert make_envelope(replace(day, equity_cents=cents), now, terms=TERMS).equity_usd == text


def test_the_expiry_follows_the_session(day):
    assert expiry(replace(day, session=date(2024, 11, 27))).isoformat() == "2024-11-29T14:30:00+00:00"
