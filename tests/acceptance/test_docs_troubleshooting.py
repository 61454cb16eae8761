"""Every symptom of docs/troubleshooting.md is reproduced, with the message and exit code of the page."""

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
import yaml

from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tests.doc_blocks import ROOT
from tests.docs_world import Evening, Shell

pytestmark = pytest.mark.docs

PAGE = ROOT / "docs" / "troubleshooting.md"
ROWS = re.findall(r"^\| `([^`]+)`[^|]*\| (\d+) \|", PAGE.read_text(), re.MULTILINE)

HEAD = "symbol,date,open,high,low,close,volume"
SHORT_TRAINING = {"train_sessions": 60, "min_train_sessions": 30, "test_sessions": 15, "folds": 2}


def last_line_of(*lines, home=None):
    """Return what brings a symptom about: lines of which the last one shows it."""

    def bring_about(me):
        shell = Shell(me, home=me / "book") if home is None else Shell(me, home=me / home)
        shell.at = me
        *before, last = lines
        for line in before:
            shell.run(line)
        return shell.attempt(last)

    return bring_about


def on(at, line):
    """Return what shows a symptom at another time."""

    def bring_about(me):
        with patch.object(Evening, "at", at):
            return last_line_of(line)(me)

    return bring_about


def with_settings(line, **sections):
    """Return what shows a symptom under other settings of the home."""

    def bring_about(me):
        config = me / "book" / "config.yaml"
        settings = yaml.safe_load(config.read_text())
        for name, section in sections.items():
            settings[name] = settings.get(name, {}) | section
        config.write_text(yaml.safe_dump(settings))
        return last_line_of(line)(me)

    return bring_about


def without(pattern, line):
    """Return what shows a symptom in a home that lacks files."""

    def bring_about(me):
        for path in (me / "book").glob(pattern):
            path.unlink()
        return last_line_of(line)(me)

    return bring_about


def with_edited_ledger(me):
    ledger = Home(me / "book").trial_ledger
    ledger.parent.mkdir(parents=True, exist_ok=True)
    ledger.write_text("edited\n")
    return last_line_of("afterclose weekly --quick")(me)


def importing(*rows):
    """Return what imports a file of prices."""

    def bring_about(me):
        (me / "files").mkdir()
        if rows:
            (me / "files" / "prices.csv").write_text("\n".join(rows) + "\n")
        return last_line_of("afterclose data import ~/files", home="new")(me)

    return bring_about


def importing_market(keep, *lines):
    """Return what imports those rows of the market's prices and then runs the lines."""

    def bring_about(me):
        prices = (me / "market-data" / "prices.csv").read_text().splitlines()
        (me / "files").mkdir()
        (me / "files" / "prices.csv").write_text("\n".join([prices[0], *filter(keep, prices[1:])]) + "\n")
        return last_line_of("afterclose data import ~/files", *lines, home="new")(me)

    return bring_about


def without_keys(me):
    shell = Shell(me)
    shell.run("afterclose init ~/new")
    (me / "new" / "config.yaml").write_text("data: {provider: alpaca}\n")
    return shell.attempt("afterclose refresh --home ~/new")


def while_in_use(me):
    with exclusive(Home(me / "book").lock_file, doing="a test"):
        return last_line_of("afterclose refresh")(me)


def in_another_shell(me):
    ended = subprocess.run(
        ["sh", "-c", "afterclose doctor"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stderr.replace(
        "afterclose: not found", "afterclose: command not found"
    )  # dash


def installing_with(lacks):
    """Return what installs with a Python that fails where its code holds that word."""

    def bring_about(me):
        for name in ("Makefile", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, me / name)
        python = me / "python"
        python.write_text(f'#!/bin/sh\ncase "$2" in *{lacks}*) exit 1;; esac\n')
        python.chmod(0o755)
        ended = subprocess.run(
            ["make", "install", f"PYTHON={python}"],
            cwd=me,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stderr

    return bring_about


SYMPTOMS = {
    "command not found": in_another_shell,
    "Python cannot make virtual environments here": installing_with("ensurepip"),
    "Afterclose needs Python 3.11 or newer": installing_with("version_info"),
    "is not an Afterclose home": last_line_of("afterclose daily --home ~/nowhere"),
    "neither empty nor an Afterclose home": last_line_of("afterclose init ~/market-data"),
    "The settings are invalid": with_settings("afterclose refresh", portfolio={"max_position": 0.2}),
    "is not a directory": last_line_of("afterclose init ~/new", "afterclose refresh --home ~/new"),
    "in the environment": without_keys,
    "contains neither prices.parquet nor prices.csv": importing(),
    "has no column": importing("symbol,date,close", "AAPL,2024-06-14,1"),
    "is ambiguous: day and month cannot be distinguished": importing(HEAD, "AAPL,06/14/2024,1,1,1,1,1"),
    "contains a unit": importing(HEAD, "AAPL,2024-06-14,$1,1,1,1,1"),
    "dated after today": importing(HEAD, "AAPL,2025-06-13,1,1,1,1,1"),
    "have no sector": last_line_of("afterclose data import ~/market-data"),
    "unannounced_split": importing_market(bool),
    "The history is too short to select and confirm a candidate": last_line_of("afterclose weekly --quick"),
    "No statistically significant signal was found": with_settings(
        "afterclose weekly --quick",
        data={"universe": {"min_history_sessions": 30}},
        models={**SHORT_TRAINING, "quick_candidates": ["lightgbm"], "max_train_test_gap": 0.0},
    ),
    "The trial ledger is not intact": with_edited_ledger,
    "the exchange was closed": last_line_of("afterclose daily --date 2024-06-09"),
    "has not closed yet": on(datetime(2024, 6, 14, 15, tzinfo=UTC), "afterclose daily --date today"),
    "is in the future": last_line_of("afterclose daily --date 2024-06-20"),
    "The last bar of": importing_market(lambda row: "2024-06-14" not in row, "afterclose refresh"),
    "the universe is empty": with_settings(
        "afterclose daily", data={"universe": {"min_history_sessions": 500}}
    ),
    "There is no champion yet": without("production/*.json", "afterclose daily"),
    "models.max_age_days is": importing_market(
        bool, "afterclose weekly --quick --date 2024-05-01", "afterclose daily"
    ),
    "the kill switch is on": last_line_of(
        'afterclose kill-switch trip --by "Jane Doe" --reason "odd prices"', "afterclose daily"
    ),
    "is missing, though this home has a portfolio": without("live/current_positions.csv", "afterclose daily"),
    "no trades": with_settings(
        "afterclose daily", regime={"exposure_cap": dict.fromkeys(("CRASH", "BEAR", "NEUTRAL", "BULL"), 0.0)}
    ),
    "is in use by": while_in_use,
    "is not approved": last_line_of("afterclose execute 2024-06-14"),
    "No Prefect server is configured": last_line_of("afterclose serve"),
    "last day": on(datetime(2024, 6, 18, 22, tzinfo=UTC), "afterclose doctor"),
}


def test_every_symptom_of_the_page_is_brought_about_here():
    assert [symptom for symptom, _ in ROWS] == list(SYMPTOMS)


# issue 11, part 3
@pytest.mark.parametrize(("symptom", "exit_code"), ROWS, ids=[symptom for symptom, _ in ROWS])
def test_a_symptom_looks_as_the_page_says(symptom, exit_code, me):
    code, said = SYMPTOMS[symptom](me)

    assert symptom in said
    assert code == int(exit_code)
