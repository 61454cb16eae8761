from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError, TransientError
from tasks.core.homes import opening
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, named_home, open_run, session_named, settings_of
from tests.homes import blank

FRIDAY_EVENING = datetime(2024, 6, 14, 22, 0, tzinfo=UTC)
FRIDAY_NOON = datetime(2024, 6, 14, 16, 0, tzinfo=UTC)
FRIDAY_CLOSE = datetime(2024, 6, 14, 20, 0, tzinfo=UTC)
SATURDAY = datetime(2024, 6, 15, 15, 0, tzinfo=UTC)


@pytest.fixture
def friday_evening(monkeypatch):
    monkeypatch.setattr(opening, "now", lambda: FRIDAY_EVENING)


@pytest.fixture
def home(tmp_path):
    return blank(tmp_path / "home")


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        (None, FRIDAY_EVENING, date(2024, 6, 14)),
        (None, FRIDAY_CLOSE, date(2024, 6, 14)),
        (None, FRIDAY_NOON, date(2024, 6, 13)),
        (None, SATURDAY, date(2024, 6, 14)),
        ("today", SATURDAY, date(2024, 6, 15)),
        ("today", datetime(2024, 6, 15, 2, 0, tzinfo=UTC), date(2024, 6, 14)),  # still Friday in New York
        ("2024-06-14", FRIDAY_CLOSE, date(2024, 6, 14)),
        ("2024-06-15", SATURDAY, date(2024, 6, 15)),
        (
            "2024-07-03",
            datetime(2024, 7, 3, 17, 0, tzinfo=UTC),
            date(2024, 7, 3),
        ),  # a half-day, closed at 13:00
        ("2024-03-10", datetime(2024, 3, 10, 12, 0, tzinfo=UTC), date(2024, 3, 10)),
    ],
)
def test_the_session_that_is_meant(day, at, expected):
    assert session_named(day, at=at).day == expected


def test_a_session_that_is_still_open_asks_for_patience():
    with pytest.raises(TransientError, match="closes at 16:00 New York time"):
        session_named("2024-06-14", at=FRIDAY_NOON)


@pytest.mark.parametrize("day", ["2024-06-15", "2024-06-17", "2030-01-02", "9999-12-31"])
def test_fault_096_a_date_in_the_future_is_refused(day):
    with pytest.raises(ConfigError):
        session_named(day, at=FRIDAY_EVENING)


@pytest.mark.parametrize(
    "day",
    [
        "../../x",
        "",
        " ",
        "tomorrow",
        "2024-6-14",
        "20240614",
        "2024-W24-5",
        "2024-02-30",
        "2024-06-14T00:00",
        "1" * 999,
        "2024-06-14\n",
        "٢٠٢٤-٠٦-١٤",
        "1066-10-14",
        "2024-06-14/..",
        "\0",
        "2024-06-14\u202e",
    ],
)
def test_fault_096_what_is_not_a_date_is_refused(day):
    with pytest.raises(ConfigError):
        session_named(day, at=FRIDAY_EVENING)


def test_fault_096_a_refused_date_leaves_no_trace(tmp_path, friday_evening):
    with (
        pytest.raises(ConfigError),
        open_run(home=tmp_path / "home", day="../../x", doing="test", environ={}),
    ):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_run_knows_what_was_known_at_the_close(home, friday_evening):
    with open_run(home=home, day="2024-06-14", doing="test", environ={}) as run:
        assert run.as_of == FRIDAY_CLOSE
        assert run.session.is_open
        assert run.home.root == home
        assert run.settings.seed == 20240101


def test_a_closed_day_is_known_to_its_end(home, friday_evening):
    with open_run(home=home, day="2024-06-09", doing="test", environ={}) as run:
        assert not run.session.is_open
        assert run.as_of == datetime(2024, 6, 10, 4, 0, tzinfo=UTC)


def test_stepping_back_from_a_closed_day_reaches_the_session_before(home, friday_evening):
    with open_run(home=home, day="2024-06-09", doing="test", step_back=True, environ={}) as run:
        assert run.session.day == date(2024, 6, 7)


# issue 10, line 11
def test_a_run_that_starts_after_midnight_works_on_the_session_it_was_scheduled_for(home, monkeypatch):
    monkeypatch.setattr(opening, "now", lambda: datetime(2024, 6, 15, 6, 0, tzinfo=UTC))  # 2:00 in New York

    for day in ("today", None):
        with open_run(home=home, day=day, doing="test", at=FRIDAY_EVENING, environ={}) as run:
            assert run.session.day == date(2024, 6, 14)


def test_a_home_is_held_by_one_run_at_a_time(home, friday_evening):
    with (
        open_run(home=home, doing="the first", environ={}),
        pytest.raises(TransientError, match="the first"),
        open_run(home=home, doing="the second", environ={}),
    ):
        pass


def test_the_lock_is_free_after_a_failure(home, friday_evening):
    with pytest.raises(ZeroDivisionError), open_run(home=home, doing="a failure", environ={}):
        raise ZeroDivisionError

    with open_run(home=home, doing="the next", environ={}) as run:
        assert run.session.day == date(2024, 6, 14)


def test_fault_054_what_a_dead_run_left_is_swept(home, friday_evening):
    place = Home(home)
    leftovers = [
        place.work / "2024-06-13" / "scores.parquet",
        *(
            folder / ".half.ab.partial"
            for folder in (
                place.root,
                place.live,
                place.live / "2024-06-13",
                place.lake,
                place.scores,
                place.production / "versions",
                place.reports / "blocked",
            )
        ),
    ]
    for leftover in leftovers:
        leftover.parent.mkdir(parents=True, exist_ok=True)
        leftover.write_text("half")

    with open_run(home=home, doing="test", environ={}):
        assert [path for path in leftovers if path.exists()] == []


def test_a_bad_setting_is_reported_before_anything_is_written(home, friday_evening):
    (home / "config.yaml").write_text("seed: x\n")

    with (
        pytest.raises(ConfigError, match="seed: must be a whole number"),
        open_run(home=home, doing="test"),
    ):
        pass

    assert not Home(home).lake.exists()
    assert not Home(home).lock_file.exists()


def test_many_problems_are_counted_not_poured_out(tmp_path):
    (tmp_path / "config.yaml").write_text("\n".join(f"k{i}: 1" for i in range(25)))

    with pytest.raises(ConfigError) as caught:
        settings_of(Home(tmp_path), None, {})

    assert str(caught.value).count("is not a setting") == 20
    assert "and 5 more" in str(caught.value)
    assert len(caught.value.fields["problems"]) == 25


def test_the_profile_may_come_from_the_environment(tmp_path):
    settings = settings_of(Home(tmp_path), None, {"AFTERCLOSE_PROFILE": "institutional"}).settings

    assert settings.portfolio.max_position_frac == 0.02


def test_a_named_home_is_stronger_than_the_environment_and_that_than_the_current_folder(
    tmp_path, monkeypatch
):
    named, environment, current = (blank(tmp_path / name) for name in ("named", "environment", "current"))
    monkeypatch.chdir(current)

    assert find_home(named, {"AFTERCLOSE_HOME": str(environment)}).root == named
    assert find_home(None, {"AFTERCLOSE_HOME": str(environment)}).root == environment
    assert find_home(None, {}).root == current


def test_outside_of_a_home_the_checkout_is_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert (named_home(None, {}).root / "flows").is_dir()


# issue 10, line 12
def test_installed_code_never_takes_its_own_folder_for_a_home(tmp_path, monkeypatch):
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "pyproject.toml").write_text('[project]\nname = "a-careless-package"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "CODE", packages)

    with pytest.raises(ConfigError, match="afterclose init DIR"):
        find_home(None, {})


# issue 10, line 13
@pytest.mark.parametrize("make", [Path.mkdir, Path.absolute], ids=["an empty folder", "nothing there"])
def test_a_mistyped_home_is_refused_and_not_made(tmp_path, friday_evening, make):
    typo = tmp_path / "typo's home"
    make(typo)
    before = list(tmp_path.rglob("*"))

    with (
        pytest.raises(ConfigError, match=r"is not an Afterclose home\. Create it with `afterclose init '"),
        open_run(home=typo, doing="test", environ={}),
    ):
        pass

    assert list(tmp_path.rglob("*")) == before


def test_a_folder_that_init_refuses_is_not_to_be_made_a_home_with_init(tmp_path):
    (tmp_path / "prices.csv").touch()

    with pytest.raises(ConfigError, match=r"It holds prices\.csv, so it cannot become one\.") as refused:
        find_home(tmp_path, {})

    assert str(tmp_path) not in refused.value.remedy


def test_the_checkout_as_a_home_that_nobody_named_is_explained(tmp_path, monkeypatch):
    code = tmp_path / "code"
    code.mkdir()
    (code / "pyproject.toml").write_text('[project]\nname = "afterclose"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "CODE", code)

    with pytest.raises(
        ConfigError, match="It is the checkout, used because neither --home nor AFTERCLOSE_HOME"
    ):
        find_home(None, {})


def test_a_home_of_an_earlier_release_keeps_working(tmp_path, friday_evening):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "home.json").write_text('{"schema_version": 1}')

    with open_run(home=tmp_path, doing="test", environ={}) as run:
        assert run.home.root == tmp_path


def test_a_file_is_not_a_home(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="is not a directory"):
        find_home(tmp_path / "file", {})
