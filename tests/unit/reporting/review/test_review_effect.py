"""What changes to a day would do, as the page shows it."""

from dataclasses import replace

from tasks.reporting.review.effect_lines import effect_lines
from tasks.reporting.review.schema import Asked, Effect, Figures, Resized

BEFORE = Figures(3, 1000.0, 0.9, 0.2, 12.0, 0.25, 90.0, {"Energy": 0.5, "Health": 0.4, "Utilities": 0.0001})
AFTER = replace(BEFORE, trades=2, cash_usd=500.0, cost_usd=12.2, sectors={"Energy": 0.3, "Health": 0.4})


def lines(asked, *resized):
    return effect_lines(asked, Effect(BEFORE, AFTER, resized, ()))


def test_figures_have_both_values_and_the_change():
    found = {one.label: (one.before, one.after, one.change) for one in lines(Asked(("A",))).figures}

    assert found["Trades"] == ("3", "2", "\N{MINUS SIGN}1")
    assert found["Cash afterwards"] == ("$1,000", "$500", "\N{MINUS SIGN}$500")
    assert found["Estimated cost"] == ("$12", "$12", "unchanged")
    assert found["Invested"][2] == "unchanged"


def test_sectors_that_shift_are_listed_and_the_others_counted():
    found = lines(Asked(("A",)))

    assert [(one.name, one.before, one.after, one.before_bar, one.after_bar) for one in found.sectors] == [
        ("Energy", 0.5, 0.3, 100.0, 60.0)
    ]
    assert found.same_sectors == 2


def test_the_title_names_what_was_asked_for():
    assert lines(Asked(("A", "B"), ("C",))).title == "If you strike A and B and halve C"
    assert lines(Asked((), ("C",), solve=True)).title == "If you halve C, and solve again"
    assert lines(Asked(tuple("ABCDEFG"))).title == "If you strike 7 lines"


def test_lines_that_solving_again_resized_are_named():
    found = lines(
        Asked(("A",), ("B",), solve=True), Resized("A", None, 0), Resized("B", 9, 4), Resized("C", 1, 2)
    )

    assert found.others == ("C",)
