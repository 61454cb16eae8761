"""A published day, read from bytes."""

import json
from datetime import date

import pytest

from tasks.approval.day import FILES, published_day
from tasks.core.errors import SafetyError
from tasks.trades.tickets.schema import Tickets
from tests.approval_days import day_files, make_home, manifest_of
from tests.builders import FRIDAY


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    run = make_home(tmp_path_factory.mktemp("day") / "home")
    files = day_files()
    return manifest_of(run, files), files


def reason_of(call, *arguments):
    with pytest.raises(SafetyError) as caught:
        call(*arguments)
    return caught.value.fields["reason"]


def test_a_day_states_its_inputs_equity_and_costs(day):
    found = published_day(FRIDAY, *day)

    assert found.equity_cents == 100_000_000  # 200 AAPL at $200 and $960,000
    assert found.cost_cents == 270
    assert found.inputs["champion"] == "c" * 64
    assert not found.differs_from_backtest


def test_a_day_states_that_it_differs_from_the_backtest_and_which_dividends_are_due(tmp_path):
    log = b'{"parity": {"state": "different"}, "dividends_due_cents": 1250}'
    files = {**day_files(), "monitoring_log.json": log}

    found = published_day(FRIDAY, manifest_of(make_home(tmp_path / "home"), files), files)

    assert (found.differs_from_backtest, found.due_cents) == (True, 1250)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_or_not_the_listed_one_is_refused(day, name):
    manifest, files = day
    expected = "trades" if name == "trades.csv" else "day"

    assert reason_of(published_day, FRIDAY, manifest, {**files, name: files[name] + b" "}) == expected
    assert (
        reason_of(published_day, FRIDAY, manifest, {k: v for k, v in files.items() if k != name}) == expected
    )


def with_tickets(tmp_path, content):
    files = {**day_files(), "tickets.json": content}
    return manifest_of(make_home(tmp_path / "home"), files), files


def test_a_day_with_tickets_has_them_and_an_earlier_one_without_stays_valid(day, tmp_path):
    content = b'{"compared_with": "2024-06-13", "notes": ["a note"], "quarantined": [], "tickets": []}'

    assert published_day(FRIDAY, *day).tickets is None
    assert published_day(FRIDAY, *with_tickets(tmp_path, content)).tickets == Tickets(
        date(2024, 6, 13), (), ("a note",)
    )


def test_tickets_that_are_missing_edited_or_damaged_are_refused(tmp_path):
    content = b'{"compared_with": null, "notes": [], "quarantined": [], "tickets": []}'
    manifest, files = with_tickets(tmp_path / "one", content)

    assert reason_of(published_day, FRIDAY, manifest, {**files, "tickets.json": content + b" "}) == "day"
    assert reason_of(published_day, FRIDAY, manifest, day_files()) == "day"
    assert reason_of(published_day, FRIDAY, *with_tickets(tmp_path / "other", b"{}")) == "day"


def test_a_manifest_of_another_session_is_refused(day):
    assert reason_of(published_day, date(2024, 6, 17), *day) == "session"


def changed(manifest, **fields):
    return json.dumps({**json.loads(manifest), **fields}).encode()


def test_a_day_names_the_inputs_that_were_kept_for_a_replay_and_an_earlier_one_has_none(day):
    manifest, files = day
    inputs = {**json.loads(manifest)["inputs"], "kept": "7" * 64}

    assert published_day(FRIDAY, changed(manifest, inputs=inputs), files).kept == "7" * 64
    assert published_day(FRIDAY, manifest, files).kept is None


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "blocked"},
        {"sha256": {}},
        {"sha256": None},
        {"sha256": ["trades.csv"]},
        {"inputs": {}},
        {"versions": None},
        {"sha256": {"../../etc/passwd": "0" * 64}},
    ],
)
def test_a_manifest_that_is_not_one_of_a_published_day_is_refused(day, fields):
    manifest, files = day

    assert reason_of(published_day, FRIDAY, changed(manifest, **fields), files) == "manifest"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"[" * 100_000, b"\xff"])
def test_a_manifest_that_is_not_json_is_refused(day, content):
    assert reason_of(published_day, FRIDAY, content, day[1]) == "manifest"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("signals.json", b"{}"),
        ("signals.json", b'{"decided_from": null}'),
        ("portfolio_weights.csv", b"symbol,weight\n"),
        ("monitoring_log.json", b"[]"),
    ],
)
def test_a_day_whose_other_files_cannot_be_read_is_refused(tmp_path, name, content):
    run = make_home(tmp_path / "home")
    files = {**day_files(), name: content}

    assert reason_of(published_day, FRIDAY, manifest_of(run, files), files) == "day"
