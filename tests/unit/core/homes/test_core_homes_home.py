from datetime import date

from tasks.core.homes.home import Home


def test_the_days_of_a_home_are_the_folders_named_after_one_oldest_first(tmp_path):
    home = Home(tmp_path)
    for name in (
        "2024-06-14",
        "2024-06-13",
        "20240612",
        "2024-W24-5",
        "2024-06-13-copy",
        ".2024-06-12.partial",
    ):
        (home.live / name).mkdir(parents=True)

    assert home.days() == [date(2024, 6, 13), date(2024, 6, 14)]


def test_a_home_without_live_has_no_days(tmp_path):
    assert Home(tmp_path).days() == []
