from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from tasks.data.panel.coverage import Coverage
from tasks.selection.promotion import describe
from tasks.selection.report import page
from tests.champions import LIMITS, make_training

COLUMNS = ["feature", "importance", "importance_rank", "rank_ic", "rank_ic_t", "group", "recommendation"]
ICS = pd.DataFrame(index=pd.DatetimeIndex([], name="session"))


def found(*rows):
    """Return what the checks say, one row a feature."""
    return pd.DataFrame(rows, columns=COLUMNS).astype({"importance_rank": "Int64"})


def features_in_report(tmp_path, checks, *, kind="lightgbm"):
    training = make_training(tmp_path, kind=kind)
    champion = describe(training, optimizer="hrp", min_t=2.0).champion
    text = page(training, champion, None, checks, ICS, limits=LIMITS, promoted=True, reason="It was best.")
    return text.partition("## Features of ")[2]


def test_the_most_important_features_come_first_and_only_ten_of_them(tmp_path):
    rows = [(f"f{i}", i / 66, 12 - i, 0.01 * i, 1.0, 0, "keep") for i in range(12)]

    report = features_in_report(tmp_path, found(*rows))

    assert report.startswith("lightgbm\n")
    assert "by mean |SHAP|" in report
    named = [
        line.split(" | ")[0].removeprefix("| ") for line in report.splitlines() if line.startswith("| f")
    ]
    assert named[1:] == [f"f{i}" for i in range(11, 1, -1)]
    assert "| f11 | 16.7% | 0.1100 | 1.00 | keep |" in report


def test_every_dead_and_every_suspect_feature_is_named_and_groups_say_who_stays(tmp_path):
    report = features_in_report(
        tmp_path,
        found(
            ("calm", 0.0, 4, 0.0, 0.0, 0, "drop: dead"),
            ("oracle", 0.7, 1, 0.6, 40.0, 0, "look: possible look-ahead"),
            ("momentum", 0.2, 2, 0.0, 0.0, 1, "keep"),
            ("rate_of_change", 0.1, 3, 0.0, 0.0, 1, "drop: duplicates momentum"),
        ),
    )

    assert "4 features. Dead: 1. Near-duplicates: 1. Possible look-ahead: 1." in report
    assert "- **Possible look-ahead**: oracle\n" in report
    assert "- Dead: calm\n" in report
    assert "- Correlated: momentum, rate_of_change; keep momentum\n" in report


def test_a_rule_ranks_no_feature(tmp_path):
    report = features_in_report(tmp_path, found(("a", None, None, 0.0, 0.0, 0, "keep")), kind="equal_weight")

    assert "A rule is not trained on features" in report
    assert "| a |" not in report


@pytest.mark.parametrize(
    ("coverage", "sentence"),
    [
        (None, ""),
        ((), "The members of the index are unknown"),
        (
            (Coverage(date(2005, 12, 30), 496, 239), Coverage(date(2020, 12, 31), 505, 485)),
            "at the end of the year: 239 of 496 in 2005, 485 of 505 in 2020.",
        ),
    ],
)
def test_results_on_real_prices_say_how_many_members_of_the_index_have_prices(tmp_path, coverage, sentence):
    training = replace(make_training(tmp_path), coverage=coverage)
    champion = describe(training, optimizer="hrp", min_t=2.0).champion

    text = page(training, champion, None, found(), ICS, limits=LIMITS, promoted=True, reason="It was best.")

    assert sentence in text
    assert ("of the index" in text or "Index members" in text) == (coverage is not None)
