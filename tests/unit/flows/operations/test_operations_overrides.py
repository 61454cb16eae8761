"""`afterclose overrides`: what a person asks for is logged, listed with its number, and ended by it."""

from dataclasses import replace

import pytest

from flows.operations.decisions.overrides import Scoped, add, end, list_all, waive
from flows.terminal import Options
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.safety.audit import read_intact

LATE = "2035-12-31"
NOBODY = Scoped("", "", "", everything=False)
WHO = {"until": LATE, "by": "Ada", "reason": "lawsuit"}


@pytest.fixture
def options(tmp_path):
    set_up(Home(tmp_path))
    return Options(home=tmp_path)


def test_an_override_is_added_listed_and_ended(options):
    added = add(options, "do_not_buy", replace(NOBODY, symbol="AAPL"), multiplier=None, **WHO)

    line = f"1: do_not_buy, symbol AAPL, until {LATE}, by Ada: lawsuit"
    assert added.text == f"Added: {line}"
    assert list_all(options, ended=False).text == f"1 override in {options.home}.\n{line}"

    end(options, 1, by="Bea", reason="settled")

    assert list_all(options, ended=False).text == f"No overrides in {options.home}."
    assert "ended" in list_all(options, ended=True).text
    events = [row.event for row in read_intact(Home(options.home))]
    assert events[-2:] == ["override_added", "override_ended"]


def test_a_multiplier_and_a_waiver_are_written_for_a_script(options):
    half = add(options, "multiplier", replace(NOBODY, sector="Energy"), multiplier="0.5", **WHO)
    waived = waive(options, "ramp", replace(NOBODY, everything=True), **WHO)

    (first,), (second,) = half.document["overrides"], waived.document["overrides"]
    assert (first["effect"], first["scope"], first["name"], first["multiplier"]) == (
        "multiplier",
        "sector",
        "Energy",
        "0.5",
    )
    assert (second["number"], second["effect"], second["gate"], second["scope"]) == (
        2,
        "waive",
        "ramp",
        "all",
    )


@pytest.mark.parametrize(
    "scoped",
    [
        NOBODY,
        replace(NOBODY, symbol="AAPL", sector="Energy"),
        replace(NOBODY, symbol="AAPL", everything=True),
    ],
)
def test_an_override_is_about_exactly_one_thing(options, scoped):
    with pytest.raises(ConfigError, match="scope of the override is missing or ambiguous"):
        add(options, "do_not_buy", scoped, multiplier=None, **WHO)


@pytest.mark.parametrize("until", ["2024-06-14", "tomorrow", "20351231"])
def test_an_override_that_would_never_hold_is_refused(options, until):
    with pytest.raises(ConfigError):
        add(options, "do_not_buy", replace(NOBODY, symbol="A"), multiplier=None, **(WHO | {"until": until}))


@pytest.mark.parametrize(
    ("effect", "multiplier"),
    [("multiplier", None), ("do_not_buy", "0.5"), ("multiplier", "half"), ("multiplier", "2")],
)
def test_a_multiplier_goes_with_its_effect_and_is_a_fraction(options, effect, multiplier):
    with pytest.raises(ConfigError):
        add(options, effect, replace(NOBODY, symbol="A"), multiplier=multiplier, **WHO)


@pytest.mark.parametrize("gate", ["approved_size", "kill_switch", "position", "nonsense"])
def test_a_gate_that_must_hold_cannot_be_waived(options, gate):
    with pytest.raises(ConfigError, match="not a gate that can be waived"):
        waive(options, gate, replace(NOBODY, everything=True), **WHO)
