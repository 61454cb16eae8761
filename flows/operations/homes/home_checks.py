"""The checks of a home: each compares one part with what a run needs. Changes nothing.

A check returns its result, or raises where it cannot run; `flows.operations.homes.doctor` runs and reports them.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flows.operations.homes.checked import CheckedHome, CheckResult
from flows.operations.homes.trading_checks import TRADING_CHECKS
from tasks.core.errors import ConfigError, DataError, ModelError, SafetyError, StorageError
from tasks.core.homes.opening import checkout, find_home
from tasks.core.homes.setup import is_set_up
from tasks.core.reading import read_text
from tasks.core.sessions import sessions_between
from tasks.core.text import counted

LEAST_PYTHON = (3, 11)
LOW_GB, TOO_LOW_GB = 5.0, 0.5


def _python(_: CheckedHome) -> CheckResult:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < LEAST_PYTHON:
        return CheckResult(
            "python", "fail", f"{found} is too old", "Install Python 3.11 or newer.", ConfigError.exit_code
        )
    return CheckResult("python", "ok", found)


def _packages(_: CheckedHome) -> CheckResult:
    """Compare the installed packages with requirements.lock, if there is one."""
    code = checkout()
    lock = code / "requirements.lock" if code else None
    if lock is None or not lock.exists():
        return CheckResult(
            "packages", "warn", "no requirements.lock next to the code: package versions not checked"
        )
    wanted = dict(_locked(lock))
    other = [name for name, locked in wanted.items() if _installed(name) != locked]
    if other:
        named = ", ".join(f"{name} is {_installed(name)}, not {wanted[name]}" for name in other[:3])
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        return CheckResult("packages", "warn", f"{named}{more}", "Install again: make install")
    return CheckResult("packages", "ok", f"as locked ({len(wanted)})")


def _locked(lock: Path) -> Iterator[tuple[str, str]]:
    """Yield names and versions of a lock file, without lines that have a platform marker."""
    for line in read_text(lock).splitlines():
        if line[:1].isalnum() and ";" not in line:
            name, _, rest = line.partition("==")
            yield name, rest.split()[0]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _mlflow(checked: CheckedHome) -> CheckResult:
    """Return whether full weekly runs write the training history, which is optional."""
    from tasks.selection.tracking import is_available

    if is_available():
        return CheckResult("mlflow", "ok", f"full weekly runs are written to {checked.home.mlflow}")
    return CheckResult(
        "mlflow", "ok", "off; to record the training history: pip install 'afterclose[mlflow]'"
    )


def _home(checked: CheckedHome) -> CheckResult:
    root = checked.home.root
    folders = [
        _nearest(root),
        *(folder for folder in (checked.home.live, checked.home.lake.parent) if folder.exists()),
    ]
    locked = [folder for folder in folders if not os.access(folder, os.W_OK | os.X_OK)]
    if locked:
        return CheckResult(
            "home", "fail", f"{locked[0]} is not writable", "Fix its permissions.", StorageError.exit_code
        )
    if not is_set_up(checked.home):
        find_home(root)
    return CheckResult("home", "ok", "set up and writable")


def _disk(checked: CheckedHome) -> CheckResult:
    free_gb = shutil.disk_usage(_nearest(checked.home.root)).free / 1e9
    message = f"{free_gb:.1f} GB free"
    if free_gb < TOO_LOW_GB:
        return CheckResult("disk", "fail", message, "Free some space.", StorageError.exit_code)
    return CheckResult("disk", "warn" if free_gb < LOW_GB else "ok", message)


def _settings(checked: CheckedHome) -> CheckResult:
    if isinstance(checked.loaded, ConfigError):
        raise checked.loaded
    data = checked.loaded.data
    if "files" in data.providers and data.files.path is not None and not data.files.path.is_dir():
        return CheckResult(
            "settings",
            "fail",
            f"data.files.path is not a directory: {data.files.path}",
            "Set it to the directory of your files.",
            ConfigError.exit_code,
        )
    return CheckResult("settings", "ok", f"valid; data from {', '.join(data.providers)}")


def _keys(checked: CheckedHome) -> CheckResult:
    from tasks.data.providers.http.keys import read_keys

    data = checked.settings.data
    asked = dict.fromkeys((*data.providers, *data.compare_with))
    names = [name for provider in asked for name in read_keys(provider)]
    return CheckResult("keys", "ok", f"{', '.join(names)} set" if names else "none needed")


def _lake(checked: CheckedHome) -> CheckResult:
    from tasks.data.intake.simulated_version import OLDER_REMEDY, older_market, simulated_version
    from tasks.data.lake.head import read_head
    from tasks.data.lake.seals import refuse_damage
    from tasks.data.lake.storage.location import lake_of

    lake = lake_of(checked.home, checked.settings)
    where = "" if lake == checked.home.lake else f" in {lake}"
    head = read_head(lake)
    if head is None or head.last_session is None:
        return CheckResult("lake", "warn", f"no data yet{where}", "Fetch the data: afterclose refresh")
    refuse_damage(lake, head)
    first = checked.settings.data.providers[0]
    if head.provider != first:
        message = f"holds data from {head.provider}, but data.provider is {first}"
        remedy = f"Set data.provider to {head.provider}, or use another home."
        return CheckResult("lake", "fail", message, remedy, DataError.exit_code)
    simulated_version(head, checked.settings)  # raises if the settings name another version
    older = older_market(head)
    note = f"; {older}" if older else ""
    behind = len(sessions_between(head.last_session, checked.last_session.day)) - 1
    if behind > 0:
        message = f"ends {head.last_session}, {counted(behind, 'session')} behind the last closed session"
        files = (
            f"Add the later sessions to {checked.settings.data.files.path}, then run"
            if checked.ended
            else "Run"
        )
        return CheckResult("lake", "warn", f"{message}{note}", f"{files}: afterclose refresh")
    message = f"up to {head.last_session}{where}{note}"
    return CheckResult("lake", "warn" if older else "ok", message, OLDER_REMEDY if older else "")


def _champion(checked: CheckedHome) -> CheckResult:
    from tasks.models.registry.metadata import FIRST_TRAINING
    from tasks.models.registry.store import has_champion, read_production

    if not has_champion(checked.home):
        return CheckResult("champion", "warn", "none yet", f"Train one: {FIRST_TRAINING}")
    champion = read_production(checked.home).metadata.champion
    day = checked.ended or checked.last_session.day
    age = (day - champion.selection_date).days
    oldest = checked.settings.models.max_age_days
    if age > oldest:
        message = f"{champion.name} was {counted(age, 'day')} old on {day}; models.max_age_days is {oldest}"
        return CheckResult(
            "champion", "fail", message, "Train again: afterclose weekly", ModelError.exit_code
        )
    message = f"{champion.name}, selected {champion.selection_date}, {counted(age, 'day')} before {day}; hash verified"
    return CheckResult("champion", "ok", message)


def _last_day(checked: CheckedHome) -> CheckResult:
    days = checked.home.days()
    if not days:
        return CheckResult("last day", "warn", "none published yet", "Run one: afterclose daily")
    if days[-1] < checked.last_session.day:
        message = f"{days[-1]}, before the last closed session {checked.last_session}"
        remedy = "Update the lake first." if checked.ended else "Run it: afterclose daily"
        return CheckResult("last day", "warn", message, remedy)
    return CheckResult("last day", "ok", str(days[-1]))


def _days(checked: CheckedHome) -> CheckResult:
    """Compare the published days with their manifests and with the rows of the performance history."""
    from tasks.core.homes.replay_inputs import changed_files
    from tasks.portfolio.holdings.record import history_sessions, published_sessions

    published = published_sessions(checked.home)
    if changed := list(changed_files(checked.home)):
        message = f"{counted(len(changed), 'file')} missing or edited: {', '.join(changed[:3])}"
        remedy = "Restore the day from a backup, or run it again: afterclose daily --date DATE"
        return CheckResult("days", "fail", message, remedy, SafetyError.exit_code)
    rows = history_sessions(checked.home) or set()
    if published and max(published) not in rows:  # the check "portfolio" covers earlier ones
        message = (
            f"the history has no row for {max(published)}: its run was killed after the day was published"
        )
        return CheckResult("days", "warn", message, f"Run it again: afterclose daily --date {max(published)}")
    if gone := sorted(rows - published):
        message = (
            f"{counted(len(gone), 'day')} of the history without a directory in live/, the last {gone[-1]}"
        )
        return CheckResult(
            "days", "warn", message, "Restore them from a backup, unless they were moved away on purpose."
        )
    unchanged = f"{len(published)} published, all files unchanged"
    return CheckResult("days", "ok", unchanged if published else "none published yet")


def _nearest(path: Path) -> Path:
    """Return the directory, or its closest parent that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


CHECKS: dict[str, Callable[[CheckedHome], CheckResult]] = {
    "python": _python,
    "packages": _packages,
    "home": _home,
    "disk": _disk,
    "settings": _settings,
    "keys": _keys,
    "lake": _lake,
    "champion": _champion,
    **TRADING_CHECKS,
    "days": _days,
    "last day": _last_day,
    "mlflow": _mlflow,
}
