"""docs/configuration.md agrees with the models."""

from pathlib import Path

import pytest

from config.keys import keys_of
from config.reference import reference
from config.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"
KEYS = keys_of(Settings)


def test_the_reference_is_what_the_models_say_today():
    assert PAGE.read_text() == reference(), "docs/configuration.md is stale: run `make docs`"


def test_every_key_stands_in_the_reference():
    page = reference()

    assert [key for key in KEYS if not KEYS[key].is_section and f"| `{key}` |" not in page] == []


@pytest.mark.parametrize("key", [key.dotted for key in KEYS.values() if key.is_section])
def test_every_section_is_described(key):
    assert KEYS[key].description


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("seed", "a whole number"),
        ("data.alpaca.feed", "one of sip, iex"),
        ("data.files.path", "a path, or null"),
        ("data.simulated.symbols", "a whole number from 20 to 20,000"),
        ("data.simulated.first_session", "a date, YYYY-MM-DD"),
        ("risk.confidence", "a number above 0.5 and below 1"),
        (
            "regime.exposure_cap",
            "a mapping with the keys CRASH, BEAR, NEUTRAL, BULL, each a number from 0 to 1",
        ),
        ("regime.exposure_cap.BULL", "a number from 0 to 1"),
        ("models.label_horizons", "a list of 1 or more entries, each a whole number"),
        ("costs.spread.by_half_hour", "a list of 13 entries, each a number above 0"),
        (
            "models.candidates[].kind",
            (
                "one of xgboost, lightgbm, catboost, random_forest, quadratic_ridge, rank_blend, stacked_blend,"
                " momentum_52_week, best_feature, equal_weight"
            ),
        ),
        ("risk.scenarios", "a mapping with keys of your choice, each a section"),
        ("risk.scenarios[].market", "a number from -1 to 1"),
        ("reporting.title", "text of at most 80 characters"),
    ],
)
def test_what_is_allowed_is_said_in_words(key, allowed):
    assert KEYS[key].allowed == allowed


def test_a_key_that_may_be_empty_says_so():
    assert KEYS["notifications.email.sender"].allowed.endswith(", or empty text")
