"""Every trial is recorded once, and a ledger that was changed stops the selection (Z8, faults 108, 141, 142)."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from config.sections import Candidate
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.models.registry.store import promote_version, write_version
from tasks.safety import audit
from tasks.selection.promotion import describe
from tasks.selection.schema import SelectedWeek
from tasks.selection.trials.history import Trial
from tasks.selection.trials.ledger import HomeLedger, accept, read_contents, require_intact, with_returns
from tests.champions import make_training, put_into_production

NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
KEYED = {"AFTERCLOSE_AUDIT_KEY": "k" * 64}
LIGHTGBM = Candidate(name="lightgbm", kind="lightgbm", parameters={"num_leaves": 15})


def make_returns(seed=1):
    days = pd.bdate_range("2021-01-04", periods=200)
    return pd.Series(np.random.default_rng(seed).normal(0, 0.01, 200), index=days)


TRIAL = Trial(LIGHTGBM, 1, "a" * 64, make_returns())


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def ledger_of(home, **fields):
    given = {"session": "2024-06-14", "run": "weekly", "snapshot": "5" * 64, "environ": {}}
    return HomeLedger(home, **given | fields)


def filled(home, count, environ=None):
    ledger = ledger_of(home, environ=environ or {})
    if environ:
        accept(home, by="Ana", reason="a key was set", at=NOW, environ=environ)
    for number in range(count):
        ledger.record(replace(TRIAL, seed=number, returns=make_returns(number)))
    return ledger


def test_a_home_without_a_ledger_has_made_no_trial(home):
    assert require_intact(home, {}).count == 0
    assert ledger_of(home).history().count == 0


def test_the_same_week_run_again_counts_once(home):
    for _ in range(2):
        ledger_of(home).record(TRIAL)

    assert ledger_of(home).history().count == 1


@pytest.mark.parametrize(
    ("trial", "fields"),
    [
        (
            replace(TRIAL, candidate=Candidate(name="other", kind="lightgbm", parameters={"num_leaves": 15})),
            {},
        ),
        (
            replace(
                TRIAL, candidate=Candidate(name="lightgbm", kind="xgboost", parameters={"num_leaves": 15})
            ),
            {},
        ),
        (
            replace(
                TRIAL, candidate=Candidate(name="lightgbm", kind="lightgbm", parameters={"num_leaves": 16})
            ),
            {},
        ),
        (replace(TRIAL, seed=2), {}),
        (replace(TRIAL, splits="b" * 64), {}),
        (TRIAL, {"snapshot": "6" * 64}),
        (replace(TRIAL, returns=make_returns(2)), {}),  # the code was changed
    ],
    ids=["candidate", "kind", "parameters", "seed", "splits", "snapshot", "returns"],
)
def test_anything_else_counts(home, trial, fields):
    ledger_of(home).record(TRIAL)
    ledger_of(home, **fields).record(trial)

    assert ledger_of(home).history().count == 2


def test_returns_that_differ_by_rounding_are_the_same_trial(home):
    for returns in (TRIAL.returns, TRIAL.returns * (1 + 1e-14)):
        ledger_of(home).record(replace(TRIAL, returns=returns))

    assert ledger_of(home).history().count == 1


def test_how_the_week_was_started_is_no_other_trial(home):
    ledger_of(home, run="weekly --quick").record(TRIAL)
    ledger_of(home, run="weekly").record(TRIAL)

    contents = read_contents(home, {})
    assert [entry.run for entry in contents.entries] == ["weekly --quick"]


def test_a_row_has_everything_that_the_trial_was_made_with(home):
    ledger_of(home).record(replace(TRIAL, seed=7))

    with home.trial_ledger.open(newline="") as file:
        (row,) = csv.DictReader(file)

    assert (row["event"], row["session"], row["run"]) == ("trial", "2024-06-14", "weekly")
    assert (row["candidate"], row["kind"]) == ("lightgbm", "lightgbm")
    assert row["parameters"] == '{"num_leaves":15}'
    assert (row["seed"], row["snapshot"], row["splits"]) == ("7", "5" * 64, "a" * 64)
    assert row["returns"] == first_returns(home).stem


def test_the_returns_are_kept_with_every_trial(home):
    history = filled(home, 3).history()

    for number in range(3):
        pd.testing.assert_series_equal(
            history.returns[number], make_returns(number), check_names=False, check_freq=False, rtol=1e-8
        )


def edit_a_row(home):
    text = home.trial_ledger.read_text()
    home.trial_ledger.write_text(text.replace("lightgbm", "lightgbn", 1))


def delete_a_row(home):
    lines = home.trial_ledger.read_text().splitlines(keepends=True)
    home.trial_ledger.write_text("".join(lines[:2] + lines[3:]))


def delete_the_last_row(home):
    lines = home.trial_ledger.read_text().splitlines(keepends=True)
    home.trial_ledger.write_text("".join(lines[:-1]))


def delete_the_ledger(home):
    home.trial_ledger.unlink()


def delete_the_anchor(home):
    home.trial_anchor.unlink()


def first_returns(home):
    first = read_contents(home, {}).entries[0]
    return home.trials / first.session / f"{first.returns}.csv"


def edit_returns(home):
    path = first_returns(home)
    path.write_text(path.read_text().replace("-", "", 1))


def delete_returns(home):
    first_returns(home).unlink()


DAMAGE = [
    *(edit_a_row, delete_a_row, delete_the_last_row, delete_the_ledger, delete_the_anchor),
    *(edit_returns, delete_returns),
]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("environ", [{}, KEYED], ids=["plain", "keyed"])
def test_fault_141_a_ledger_that_was_changed_stops_the_selection_until_a_person_accepts_it(
    home, damage, environ
):
    ledger = filled(home, 4, environ)
    damage(home)

    for ask in (ledger.history, lambda: require_intact(home, environ)):
        with pytest.raises(SafetyError, match="The trial ledger is not intact") as stopped:
            ask()
        assert "afterclose trials accept" in str(stopped.value)

    accepted = accept(home, by="Ana", reason="restored", at=NOW, environ=environ)

    assert accepted.problems == ()
    assert accepted.count >= 4  # what was lost still counts, be it the row of an earlier acceptance
    assert ledger.history().count == accepted.count
    assert "trial_ledger_accepted,Ana,restored (" in home.audit_log.read_text()


def test_nothing_is_recorded_in_a_broken_chain(home):
    ledger = filled(home, 4)
    delete_the_last_row(home)

    with pytest.raises(SafetyError):
        ledger.record(TRIAL)


def test_while_returns_are_missing_trials_are_still_recorded(home):
    ledger = filled(home, 2)
    delete_returns(home)

    ledger.record(replace(TRIAL, seed=50))
    ledger.record_selected("lightgbm")

    contents = read_contents(home, {})
    assert (contents.count, len(contents.selected), len(contents.problems)) == (3, 1, 1)


def test_trials_whose_returns_are_lost_count_in_full(home):
    ledger = filled(home, 4)
    delete_returns(home)
    delete_the_last_row(home)

    accept(home, by="Ana", reason="restored", at=NOW, environ={})

    assert (ledger.history().count, ledger.history().unknown) == (4, 2)
    assert ledger.history().returns.shape[1] == 2


def test_lost_returns_are_a_problem_unless_the_caller_does_not_ask_for_them(home):
    filled(home, 4)
    delete_returns(home)

    assert read_contents(home, {}).problems
    assert not read_contents(home, {}, returns=False).problems


def test_lost_returns_are_named_by_their_file_and_the_other_trials_are_known(home):
    filled(home, 3)
    lost = first_returns(home)
    lost.unlink()

    contents = read_contents(home, {})

    assert contents.problems == (f"{lost.relative_to(home.root)} is missing or was edited",)
    assert with_returns(home, contents) == contents.entries[1:]


def test_what_was_accepted_can_be_damaged_again(home):
    ledger = filled(home, 4)
    delete_the_last_row(home)
    accept(home, by="Ana", reason="restored", at=NOW, environ={})
    delete_the_last_row(home)
    delete_returns(home)

    with pytest.raises(SafetyError):
        ledger.history()
    assert accept(home, by="Ana", reason="again", at=NOW, environ={}).count >= 4


def test_trials_that_were_lost_at_two_times_add_up(home):
    ledger = filled(home, 4)
    delete_the_last_row(home)
    accept(home, by="Ana", reason="restored", at=NOW, environ={})
    ledger.record(replace(TRIAL, seed=50))
    delete_the_last_row(home)

    accepted = accept(home, by="Ana", reason="again", at=NOW, environ={})

    assert (len(accepted.entries), accepted.lost, accepted.count) == (3, 2, 5)


def test_a_ledger_that_is_gone_with_its_anchor_is_missed_by_the_champion(home):
    filled(home, 2)
    put_into_production(home)  # measured against five trials
    home.trial_ledger.unlink()
    home.trial_anchor.unlink()

    with pytest.raises(SafetyError, match="has no trials, but a champion's Sharpe ratio was deflated for 5"):
        require_intact(home, {})
    assert accept(home, by="Ana", reason="lost", at=NOW, environ={}).count == 5
    require_intact(home, {})


def test_a_champion_that_was_stored_without_a_number_of_trials_misses_none(home):
    training = make_training(home.work / "made")
    metadata = describe(training, optimizer="hrp", min_t=2.0)
    uncounted = replace(metadata, champion=replace(metadata.champion, metrics={}))
    promote_version(home, write_version(home, uncounted, training.model.path.read_bytes()))

    assert require_intact(home, {}).count == 0


def test_with_a_key_a_missing_ledger_is_not_a_new_one(home):
    with pytest.raises(SafetyError, match="missing"):
        require_intact(home, KEYED)
    accept(home, by="Ana", reason="a key was set", at=NOW, environ=KEYED)
    assert require_intact(home, KEYED).count == 0


def test_with_a_key_what_a_week_selected_is_authenticated_too(home):
    ledger = filled(home, 1, KEYED)
    ledger.record_selected("lightgbm")
    ledger.record_selected(None)

    contents = require_intact(home, KEYED)

    assert [each.candidate for each in contents.selected] == ["lightgbm", None]
    assert (contents.verdict.rows, contents.verdict.keyed) == (4, 4)


def test_the_key_may_be_in_a_file_outside_the_home(home, tmp_path_factory):
    filled(home, 1, KEYED)
    outside = tmp_path_factory.mktemp("keys") / "key"
    for path in (outside, home.root / "key"):
        path.write_text(KEYED["AFTERCLOSE_AUDIT_KEY"])
        path.chmod(0o600)

    assert require_intact(home, {"AFTERCLOSE_AUDIT_KEY_FILE": str(outside)}).count == 1
    with pytest.raises(ConfigError, match="inside the home"):
        require_intact(home, {"AFTERCLOSE_AUDIT_KEY_FILE": str(home.root / "key")})


def test_a_ledger_written_without_the_key_is_found(home):
    filled(home, 2)

    with pytest.raises(SafetyError, match="not authenticated"):
        require_intact(home, KEYED)
    accept(home, by="Ana", reason="a key was set", at=NOW, environ=KEYED)
    assert require_intact(home, KEYED).count == 2


def files_of(home):
    return {path: path.read_bytes() for path in (home.root / "data").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "killed_at", ["tasks.selection.trials.ledger.append", "tasks.core.chain.rows._write_anchor"]
)
@pytest.mark.parametrize("before", [0, 2])
def test_a_week_that_is_killed_between_two_writes_goes_on_and_counts_once(
    home, monkeypatch, killed_at, before
):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    ledger, trial = filled(home, before), replace(TRIAL, seed=50)
    with monkeypatch.context() as patch:
        patch.setattr(killed_at, killed)
        with pytest.raises(KeyboardInterrupt):
            ledger.record(trial)

    for _ in range(2):
        ledger.record(trial)
    ledger.record(replace(TRIAL, seed=99))

    assert ledger.history().count == before + 2


def test_recording_again_writes_nothing(home):
    ledger = filled(home, 2)
    before = files_of(home)

    filled(home, 2)

    assert files_of(home) == before
    assert ledger.history().count == 2


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("Ana", " ")])
def test_accepting_needs_a_name_and_a_reason(home, by, reason):
    with pytest.raises(ConfigError):
        accept(home, by=by, reason=reason, at=NOW, environ={})
    assert not home.audit_log.exists()


@pytest.mark.parametrize("environ", [{}, KEYED], ids=["plain", "keyed"])
def test_an_acceptance_is_in_the_audit_log_whose_chain_holds(home, environ):
    filled(home, 1, environ)
    accept(home, by="Ana", reason="checked", at=NOW, environ=environ)

    assert audit.verify(home, environ).breaks == ()


def test_an_edited_acceptance_adds_no_trials(home):
    ledger = filled(home, 4)
    delete_the_last_row(home)
    accept(home, by="Ana", reason="restored", at=NOW, environ={})
    assert ledger.history().count == 4
    home.trial_ledger.write_text(home.trial_ledger.read_text().replace('""lost"":1', '""lost"":""one""'))

    contents = read_contents(home, {})

    assert (contents.count, contents.lost) == (3, 0)
    assert "was edited" in contents.problems[0]


def test_what_a_week_selected_is_recorded_once_and_is_no_trial(home):
    ledger = filled(home, 2)
    for candidate in ("lightgbm", "lightgbm", None, None, "lightgbm"):
        ledger.record_selected(candidate)
    ledger_of(home, session="2024-06-21").record_selected("lightgbm")

    contents = require_intact(home, {})

    friday, next_friday = date(2024, 6, 14), date(2024, 6, 21)
    assert contents.selected == (
        SelectedWeek(friday, "lightgbm"),
        SelectedWeek(friday, None),
        SelectedWeek(friday, "lightgbm"),
        SelectedWeek(next_friday, "lightgbm"),
    )
    assert (contents.count, ledger.history().count) == (2, 2)


def test_an_older_week_run_again_after_a_newer_one_is_not_recorded_again(home):
    older, newer = ledger_of(home), ledger_of(home, session="2024-06-21")
    older.record_selected("lightgbm")
    newer.record_selected("xgboost")
    before = files_of(home)

    older.record_selected("lightgbm")

    assert files_of(home) == before


def test_a_home_that_recorded_no_selection_has_none(home):
    filled(home, 2)

    assert require_intact(home, {}).selected == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("selected,2024-06-14", "selected,2024-06-15"),
        ("selected,2024-06-14", "selected,last week"),
        ("selected", "x"),
    ],
)
def test_an_edited_selection_stops_the_next_week(home, old, new):
    filled(home, 2).record_selected("lightgbm")
    home.trial_ledger.write_text(home.trial_ledger.read_text().replace(old, new, 1))

    with pytest.raises(SafetyError, match="line 4"):
        ledger_of(home).record_selected("xgboost")
