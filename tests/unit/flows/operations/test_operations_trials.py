"""`trials` shows how many trials there were, of what; `trials accept` continues a ledger that is not intact."""

import json

import pandas as pd
import pytest

from config.sections import Candidate
from flows.cli.app import answer
from tasks.core.homes.home import Home
from tasks.selection.trials.history import Trial
from tasks.selection.trials.ledger import HomeLedger
from tests.homes import blank
from tests.unit.selection.trials.test_trials_ledger import make_returns


@pytest.fixture
def home(tmp_path):
    blank(tmp_path)
    home = Home(tmp_path)
    for session, name, seed in (
        ("2024-06-07", "lightgbm", 1),
        ("2024-06-14", "lightgbm", 2),
        ("2024-06-14", "equal_weight", 3),
    ):
        candidate = Candidate(name=name, kind="lightgbm", parameters={})
        returns = make_returns(seed) if seed < 3 else pd.Series(0.0, make_returns().index)
        HomeLedger(home, session, "weekly", "5" * 64, {}).record(Trial(candidate, seed, "a", returns))
    return home


@pytest.fixture
def ask(home, capsys):
    def run(*words):
        code = answer([*words, "--home", str(home.root)])
        return code, capsys.readouterr().out

    return run


def test_it_counts_the_trials_by_candidate(ask):
    code, text = ask("trials")

    assert code == 0
    assert text.splitlines() == [
        "3 trials to date, equivalent to 2.0 independent trials.",
        "Over 3 years, the best of them would be expected to reach a Sharpe ratio of 0.30 by chance.",
        "candidate     trials  first       last",
        "lightgbm      2       2024-06-07  2024-06-14",
        "equal_weight  1       2024-06-14  2024-06-14",
    ]


def test_the_document_has_every_trial(ask):
    document = json.loads(ask("trials", "--json")[1])

    assert (document["trials"], document["candidates"]) == (3, {"lightgbm": 2, "equal_weight": 1})
    assert [entry["session"] for entry in document["entries"]] == ["2024-06-07", "2024-06-14", "2024-06-14"]
    assert document["problems"] == []


def test_a_new_home_has_none(tmp_path, capsys):
    blank(tmp_path)

    assert answer(["trials", "--home", str(tmp_path)]) == 0
    assert "no trials to date, equivalent to 0.0 independent trials." in capsys.readouterr().out


def test_a_ledger_that_is_not_intact_exits_3_until_a_person_accepts_it(ask, home):
    home.trial_ledger.write_text("".join(home.trial_ledger.read_text().splitlines(keepends=True)[:-1]))

    code, text = ask("trials")
    assert code == 3
    assert "rows are missing: 3 were logged" in text
    assert f"afterclose trials accept --home {home.root}" in text

    code, text = ask("trials", "accept", "--by", "Ana", "--reason", "power failure")
    assert code == 0
    assert "3 trials to date" in text
    assert "1 trial lost from the ledger, still counted." in text
    assert ask("trials")[0] == 0
