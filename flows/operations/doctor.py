"""Say on one screen what is missing or stale in a home, and how to mend it. Changes nothing.

Works on an empty folder. A check that cannot run has failed.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from config.settings import Settings
from flows.terminal import Options, Result, failure_of
from tasks.core.clock import now
from tasks.core.errors import ConfigError, DataError, ModelError, SafetyError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import checkout, find_home, named_home, settings_of
from tasks.core.homes.setup import is_set_up
from tasks.core.sessions import Session, last_closed_session, sessions_between

LEAST_PYTHON = (3, 11)
LOW_GB, TOO_LOW_GB = 5.0, 0.5
MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


@dataclass(frozen=True)
class Finding:
    """What one check saw. `mend` is empty when nothing has to be done."""

    check: str
    verdict: Literal["ok", "warn", "fail"]
    says: str
    mend: str = ""
    exit_code: int = 0


class Patient:
    """The home under examination; what several checks need is read once."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.home: Home = named_home(options.home)

    @cached_property
    def loaded(self) -> Settings | ConfigError:
        try:
            return settings_of(self.home, self._options.profile).settings
        except ConfigError as error:
            return error

    @property
    def settings(self) -> Settings:
        if isinstance(self.loaded, ConfigError):
            raise ConfigError(
                "Cannot be judged while the settings are not valid.", remedy="Mend those first."
            )
        return self.loaded

    @cached_property
    def last_session(self) -> Session:
        return last_closed_session(now())


def examine(options: Options) -> Result:
    """Run every check; the exit code is that of the first that failed, 0 when none did."""
    patient = Patient(options)
    findings = [_checked(name, check, patient) for name, check in CHECKS.items()]
    failed = [finding for finding in findings if finding.verdict == "fail"]
    document = {
        "home": str(patient.home.root),
        "healthy": not failed,
        "checks": [asdict(finding) for finding in findings],
    }
    return Result(document, "\n".join(_lines(patient.home, findings)), failed[0].exit_code if failed else 0)


def _checked(name: str, check: Callable[[Patient], Finding], patient: Patient) -> Finding:
    try:
        return check(patient)
    except Exception as error:  # noqa: BLE001 - a check that cannot run has failed, and the others still run
        failure = failure_of(error)
        says, mend = str(failure.details.get("what", failure.message)), str(failure.details.get("remedy", ""))
        return Finding(name, "fail", says, mend, failure.exit_code)


def _lines(home: Home, findings: list[Finding]) -> Iterator[str]:
    yield f"{home.root}"
    for finding in findings:
        yield f"{MARKS[finding.verdict]} {finding.check:<12} {finding.says}"
        if finding.mend:
            yield f"{'':<15}→ {finding.mend}"
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in MARKS}
    yield f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed"


def _python(_: Patient) -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < LEAST_PYTHON:
        return Finding(
            "python", "fail", f"{found} is too old", "Install Python 3.11 or newer.", ConfigError.exit_code
        )
    return Finding("python", "ok", found)


def _packages(_: Patient) -> Finding:
    """Compare what is installed with the lock, where there is one."""
    code = checkout()
    lock = code / "requirements.lock" if code else None
    if lock is None or not lock.exists():
        return Finding(
            "packages", "warn", "no requirements.lock beside the code: versions are not known to fit"
        )
    wanted = dict(_locked(lock))
    other = [name for name, locked in wanted.items() if _installed(name) != locked]
    if other:
        named = ", ".join(f"{name} is {_installed(name)}, not {wanted[name]}" for name in other[:3])
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        return Finding("packages", "warn", f"{named}{more}", "Install again: make install")
    return Finding("packages", "ok", f"as locked ({len(wanted)})")


def _locked(lock: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and versions of a lock; lines for other machines are left out with their marker."""
    for line in lock.read_text().splitlines():
        if line[:1].isalnum() and ";" not in line:
            name, _, rest = line.partition("==")
            yield name, rest.split()[0]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _home(patient: Patient) -> Finding:
    root = patient.home.root
    there = _nearest(root)
    folders = [
        there,
        *(folder for folder in (patient.home.live, patient.home.lake.parent) if folder.exists()),
    ]
    locked = [folder for folder in folders if not os.access(folder, os.W_OK | os.X_OK)]
    if locked:
        return Finding(
            "home", "fail", f"{locked[0]} is not writable", "Mend its permissions.", StorageError.exit_code
        )
    if not is_set_up(patient.home):
        find_home(root)
    return Finding("home", "ok", "set up and writable")


def _disk(patient: Patient) -> Finding:
    free_gb = shutil.disk_usage(_nearest(patient.home.root)).free / 1e9
    says = f"{free_gb:.1f} GB free"
    if free_gb < TOO_LOW_GB:
        return Finding("disk", "fail", says, "Free some space.", StorageError.exit_code)
    return Finding("disk", "warn" if free_gb < LOW_GB else "ok", says)


def _settings(patient: Patient) -> Finding:
    if isinstance(patient.loaded, ConfigError):
        raise patient.loaded
    data = patient.loaded.data
    if "files" in data.providers and data.files.path is not None and not data.files.path.is_dir():
        return Finding(
            "settings",
            "fail",
            f"data.files.path is no folder: {data.files.path}",
            "Name the folder of your files.",
            ConfigError.exit_code,
        )
    return Finding("settings", "ok", f"valid; data from {', '.join(data.providers)}")


def _keys(patient: Patient) -> Finding:
    from tasks.data.providers.http.keys import read_keys

    data = patient.settings.data
    asked = dict.fromkeys((*data.providers, *data.compare_with))
    names = [name for provider in asked for name in read_keys(provider)]
    return Finding("keys", "ok", f"{', '.join(names)} set" if names else "none needed")


def _lake(patient: Patient) -> Finding:
    from tasks.data.lake.head import read_head
    from tasks.data.lake.location import lake_of
    from tasks.data.lake.seals import refuse_damage

    lake = lake_of(patient.home, patient.settings)
    where = "" if lake == patient.home.lake else f" in {lake}"
    head = read_head(lake)
    if head is None or head.last_session is None:
        return Finding("lake", "warn", f"no data yet{where}", "Fetch it: afterclose refresh")
    refuse_damage(lake, head)
    first = patient.settings.data.providers[0]
    if head.provider != first:
        says = f"holds data of {head.provider}, but data.provider is {first}"
        return Finding("lake", "fail", says, "Name another home, or set data.provider.", DataError.exit_code)
    behind = len(sessions_between(head.last_session, patient.last_session.day)) - 1
    if behind > 0:
        says = f"ends {head.last_session}, {behind} behind the last closed session"
        return Finding("lake", "warn", says, "Bring it up: afterclose refresh")
    return Finding("lake", "ok", f"up to {head.last_session}{where}")


def _champion(patient: Patient) -> Finding:
    from tasks.models.registry.store import has_champion, read_production

    if not has_champion(patient.home):
        return Finding("champion", "warn", "none yet", "Train one: afterclose weekly --quick")
    champion = read_production(patient.home).metadata.champion
    age = (patient.last_session.day - champion.selection_date).days
    says = f"{champion.name}, selected {champion.selection_date} ({age} days ago), hash right"
    oldest = patient.settings.models.max_age_days
    if age > oldest:
        says = f"{champion.name} is {age} days old; models.max_age_days is {oldest}"
        return Finding("champion", "fail", says, "Train again: afterclose weekly", ModelError.exit_code)
    return Finding("champion", "ok", says)


def _portfolio(patient: Patient) -> Finding:
    from tasks.portfolio.record import positions_of, refuse_short_history

    held = positions_of(patient.home, initial_cash_usd=patient.settings.portfolio.initial_cash_usd)
    refuse_short_history(patient.home, None)
    return Finding("portfolio", "ok", f"{len(held.positions)} positions and {held.cash_usd:,.2f} USD in cash")


def _kill_switch(patient: Patient) -> Finding:
    from tasks.safety.kill_switch import read_switch, reset_command

    switch = read_switch(patient.home)
    if not is_set_up(patient.home) and not patient.home.kill_switch_file.exists():
        return Finding("kill switch", "ok", "none yet: it comes with the set-up")
    if switch.is_on:
        mend = f"When the cause is understood: {reset_command(patient.home, switch)}"
        return Finding("kill switch", "fail", switch.description, mend, SafetyError.exit_code)
    return Finding("kill switch", "ok", "clear")


def _audit_log(patient: Patient) -> Finding:
    from tasks.safety.audit import describe_breaks, has_key, verify

    verdict = verify(patient.home)
    if verdict.breaks:
        *found, mend = describe_breaks(patient.home, verdict)
        return Finding("audit log", "fail", "; ".join(found), mend, SafetyError.exit_code)
    keyed = "keyed" if has_key(patient.home) else "not keyed (docs/safety.md#the-audit-log)"
    return Finding("audit log", "ok", f"{verdict.rows} rows hold together, {keyed}")


def _last_day(patient: Patient) -> Finding:
    days = sorted(folder.name for folder in patient.home.live.glob("[0-9]*-[0-9]*-[0-9]*") if folder.is_dir())
    if not days:
        return Finding("last day", "warn", "none published yet", "Run one: afterclose daily")
    if days[-1] < str(patient.last_session):
        says = f"{days[-1]}, before the last closed session {patient.last_session}"
        return Finding("last day", "warn", says, "Run it: afterclose daily")
    return Finding("last day", "ok", days[-1])


def _days(patient: Patient) -> Finding:
    """Compare the published days with their manifests, and with the history that has a row of each."""
    from tasks.core.homes.replay_inputs import changed_files
    from tasks.portfolio.record import history_sessions, published_sessions

    published = published_sessions(patient.home)
    if changed := list(changed_files(patient.home)):
        says = f"{len(changed)} files are gone or were edited: {', '.join(changed[:3])}"
        mend = "Restore the day from a backup, or run it again: afterclose daily --date DATE"
        return Finding("days", "fail", says, mend, SafetyError.exit_code)
    rows = history_sessions(patient.home) or set()
    if published and max(published) not in rows:  # earlier ones are the check of the portfolio
        says = (
            f"the history has no row of {max(published)}: its run was killed after the day was put in place"
        )
        return Finding("days", "warn", says, f"Run it again: afterclose daily --date {max(published)}")
    if gone := sorted(rows - published):
        says = f"{len(gone)} days of the history have no folder in live/, the last one {gone[-1]}"
        return Finding("days", "warn", says, "Restore them from a backup, unless they were moved away.")
    return Finding("days", "ok", f"{len(published)} published, each as it was written")


def _nearest(path: Path) -> Path:
    """Return the folder itself, or the closest one above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


CHECKS: dict[str, Callable[[Patient], Finding]] = {
    "python": _python,
    "packages": _packages,
    "home": _home,
    "disk": _disk,
    "settings": _settings,
    "keys": _keys,
    "lake": _lake,
    "champion": _champion,
    "portfolio": _portfolio,
    "kill switch": _kill_switch,
    "audit log": _audit_log,
    "days": _days,
    "last day": _last_day,
}
