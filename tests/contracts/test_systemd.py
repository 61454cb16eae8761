"""The systemd units that `deploy --systemd` writes: schedules, commands, hardening, and hostile paths."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from datetime import UTC, datetime

import pytest

from flows.cli.app import answer
from flows.operations.homes.units import TEMPLATES, unit_text
from tests.homes import blank

SERVICES = sorted(path.name for path in TEMPLATES.glob("*.service"))
TIMERS = sorted(path.name for path in TEMPLATES.glob("*.timer"))
PERSISTENT = {
    "afterclose-daily.timer": "true",
    "afterclose-weekly.timer": "true",
    "afterclose-execute.timer": "false",
}


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units of a home with a space, a quote, a per cent sign and a dollar in its path."""
    folder = tmp_path_factory.mktemp("systemd")
    home = blank(folder / 'a "book" 100% $HOME')
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(folder / "state"))
        assert answer(["deploy", "--systemd", str(folder / "units"), "--home", str(home)]) == 0
    return folder / "units"


def options_of(path):
    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read_string(path.read_text())
    return unit


def needs(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def test_every_timer_has_its_service():
    assert [name for name in TIMERS if name.replace(".timer", ".service") not in SERVICES] == []


def test_nothing_of_a_template_is_left_open(units):
    assert [path.name for path in units.iterdir() if re.search(r"@[A-Z]+@", path.read_text())] == []


@pytest.mark.parametrize("name", TIMERS)
def test_a_schedule_is_in_new_york_time_and_a_missed_session_is_made_up_for(units, name):
    timer = options_of(units / name)["Timer"]
    schedules = re.findall(r"^OnCalendar=(.*)$", (units / name).read_text(), re.MULTILINE)

    assert schedules
    assert all(schedule.endswith(" America/New_York") for schedule in schedules)
    assert timer["Persistent"] == PERSISTENT[name]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_sees_its_home_and_nothing_else_to_write(units, name):
    service = options_of(units / name)["Service"]

    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert re.findall(r'"((?:[^"\\]|\\.)*)"', service["ReadWritePaths"])[0].endswith(
        'a \\"book\\" 100%% $HOME'
    )


def test_the_units_are_sound(units):
    needs("systemd-analyze")

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(units.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_little_of_the_machine_is_exposed(units, name):
    needs("systemd-analyze")

    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(units / name)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert rated.returncode == 0, rated.stdout[-200:]


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("Mon..Fri 17:30", datetime(2024, 6, 14, 12, tzinfo=UTC), "Fri 2024-06-14 21:30:00 UTC"),
        ("Mon..Fri 17:30", datetime(2024, 12, 13, 12, tzinfo=UTC), "Fri 2024-12-13 22:30:00 UTC"),
        ("Sat 09:00", datetime(2024, 6, 14, 12, tzinfo=UTC), "Sat 2024-06-15 13:00:00 UTC"),
    ],
)
def test_a_schedule_follows_daylight_saving(schedule, after, expected):
    needs("systemd-analyze")
    assert any(schedule in (TEMPLATES / name).read_text() for name in TIMERS)

    shown = subprocess.run(
        [
            "systemd-analyze",
            "calendar",
            f"--base-time={after:%Y-%m-%d %H:%M:%S UTC}",
            f"{schedule} America/New_York",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    )

    assert expected in shown.stdout


def test_a_profile_is_passed_on():
    text = unit_text("[Service]\nEnvironmentFile=-/etc/x\n", {}, profile="prudent")

    assert "Environment=AFTERCLOSE_PROFILE=prudent\n" in text


def test_a_path_that_no_unit_can_hold_is_refused(tmp_path):
    home = blank(tmp_path / "a\nb")

    assert answer(["deploy", "--systemd", str(tmp_path / "units"), "--home", str(home)]) == 2
    assert not (tmp_path / "units").exists()
