"""What changes to a day would do, as the page shows it."""

from dataclasses import replace

from tasks.reporting.day.filled_book import Limits
from tasks.reporting.review.effect.lines import OtherLine, effect_lines
from tasks.reporting.review.schema import Asked, Effect, Figures, Resized

BEFORE = Figures(3, 1000.0, 0.9, 0.2, 12.0, 0.25, 0.0154, {"Energy": 0.5, "Health": 0.4, "Utilities": 0.0001})
AFTER = replace(BEFORE, trades=2, cash_usd=500.0, cost_usd=12.2, sectors={"Energy": 0.3, "Health": 0.4})
LIMITS = Limits(50, 1.0, 10.0, 0.25, 0.0175, {"Energy": 0.25})


def lines(asked, *resized):
    return effect_lines(asked, Effect(BEFORE, AFTER, LIMITS, resized, ()), {"D": -70})


def test_figures_have_both_values_and_the_change():
    found = {one.label: (one.before, one.after, one.change) for one in lines(Asked(("A",))).figures}

    assert found["Trades"] == ("3", "2", "\N{MINUS SIGN}1")
    assert found["Cash afterwards"] == ("$1,000", "$500", "\N{MINUS SIGN}$500")
    assert found["Estimated cost"] == ("$12", "$12", "unchanged")
    assert found["Invested"][2] == "unchanged"


def test_limit_and_room_are_next_to_the_figure_in_its_unit():
    found = {one.label: (one.after, one.limit, one.room, one.is_over) for one in lines(Asked(("A",))).figures}

    assert found["Trades"] == ("2", "50", "room 48", False)
    assert found["Invested"] == ("90.0%", "100.0%", "room 10.0%", False)
    assert found["Volatility a year"] == ("25.0%", "25.0%", "room 0.0%", False)
    assert found["VaR of one day"] == ("1.54%", "1.75%", "room 0.21%", False)
    assert found["Estimated cost"] == ("$12", "$10", "over by $2", True)
    assert found["Cash afterwards"][1:] == found["Turnover"][1:] == ("", "", False)


def test_a_sector_has_its_limit_and_one_without_has_none():
    changed = replace(AFTER, sectors={"Energy": 0.3, "Health": 0.1})

    found = effect_lines(Asked(("A",)), Effect(BEFORE, changed, LIMITS, (), ()), {}).sectors

    assert [(one.name, one.limit, one.is_over) for one in found] == [
        ("Health", None, False),
        ("Energy", 0.25, True),
    ]


def test_sectors_that_shift_are_listed_and_the_others_counted():
    found = lines(Asked(("A",)))

    assert [(one.name, one.before, one.after, one.before_bar, one.after_bar) for one in found.sectors] == [
        ("Energy", 0.5, 0.3, 100.0, 60.0)
    ]
    assert found.same_sectors == 2


def test_no_bar_is_wider_than_that_of_the_widest_sector_be_it_before_or_afterwards():
    wider = replace(AFTER, sectors={"Energy": 0.2, "Health": 0.8})

    found = effect_lines(Asked(("A",)), Effect(BEFORE, wider, LIMITS, (), ()), {}).sectors

    bars = {one.name: (one.before_bar, one.after_bar) for one in found}
    assert bars == {"Health": (50.0, 100.0), "Energy": (62.5, 25.0)}


def test_the_title_names_what_was_asked_for():
    assert lines(Asked(("A", "B"), ("C",))).title == "If you strike A and B and halve C"
    assert lines(Asked((), ("C",), solve=True)).title == "If you halve C, and re-optimize"
    assert lines(Asked(tuple("ABCDEFG"))).title == "If you strike 7 lines"


def test_lines_that_solving_again_resized_are_named_with_both_sizes():
    found = lines(
        Asked(("A",), ("B",), solve=True),
        *(Resized("A", None, 0), Resized("B", 9, 4), Resized("C", -1000, 2), Resized("D", None, 0)),
    )

    assert found.others == (OtherLine("C", "sell 1,000", "buy 2"), OtherLine("D", "sell 70", "no trade"))


def test_differences_of_percentages_are_in_percentage_points():
    after = replace(AFTER, volatility_frac=0.22, var_frac=0.01)

    found = effect_lines(Asked(("A",)), Effect(BEFORE, after, LIMITS, (), ()), {}).figures

    changes = {one.label: one.change for one in found}
    assert changes["Volatility a year"] == "\N{MINUS SIGN}3.0 pp"
    assert changes["VaR of one day"] == "\N{MINUS SIGN}0.54 pp"
