from datetime import date, timedelta

from tasks.selection.schema import SelectedWeek
from tasks.selection.stability.weeks import WEEKS, earlier_weeks

FRIDAY = date(2024, 6, 14)


def selected(weeks_before, candidate="lightgbm", *, days=0):
    return SelectedWeek(FRIDAY - timedelta(weeks=weeks_before, days=days), candidate)


def test_the_last_eight_weeks_before_this_one_are_returned_newest_first():
    recorded = [selected(number) for number in range(12, -1, -1)]

    found = earlier_weeks(recorded, FRIDAY)

    assert found == tuple(selected(number) for number in range(1, WEEKS + 1))


def test_a_week_that_was_run_again_counts_once_with_its_last_result():
    recorded = [selected(2), selected(1, "xgboost"), selected(1, None), selected(2, "xgboost")]

    assert earlier_weeks(recorded, FRIDAY) == (selected(1, None), selected(2, "xgboost"))


def test_of_several_sessions_of_a_week_the_last_one_counts_however_late_the_other_was_run():
    recorded = [selected(1), selected(1, "xgboost", days=2)]

    assert earlier_weeks(recorded, FRIDAY) == (selected(1),)


def test_this_week_and_later_ones_are_no_earlier_weeks():
    recorded = [selected(0), selected(0, days=3), selected(-1), selected(-40)]

    assert earlier_weeks(recorded, FRIDAY) == ()


def test_the_order_of_weeks_holds_across_a_new_year():
    recorded = [SelectedWeek(date(2024, 12, 27), "old"), SelectedWeek(date(2025, 1, 3), "new")]

    assert [each.candidate for each in earlier_weeks(recorded, date(2025, 1, 10))] == ["new", "old"]


def test_a_home_without_recorded_weeks_has_none():
    assert earlier_weeks([], FRIDAY) == ()
