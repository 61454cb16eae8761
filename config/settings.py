"""Load the settings: base.yaml, a profile, the home's config.yaml, the environment; later layers override.

Layers are merged key by key. Invalid settings are rejected with all problems at once. No limit has a default in code.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.costs_section import Costs
from config.data_section import Data
from config.environment import read_environment
from config.invalid import SHIPPED_FILE, problems_of
from config.keys import Key, keys_of
from config.monitoring_section import Monitoring
from config.notifications_section import Notifications
from config.problems import InvalidSettings, Problem, did_you_mean
from config.section import Section
from config.sections import (
    Approval,
    Execution,
    Models,
    Portfolio,
    Regime,
    Reporting,
    Risk,
    Running,
    Safety,
    Trades,
)
from config.selection_section import Selection
from config.yaml_file import Tree, read_yaml

SHIPPED = Path(__file__).parent
HOME_FILE = "config.yaml"
YARDSTICK = "best_feature"  # the candidate that is measured whether or not it is listed
MACHINE_KEYS = (
    "data.lake",
    "data.files.path",
    "data.symbols_file",
    "data.network.max_request_s",
    "data.network.max_refresh_s",
    "running.daily_timeout_s",
    "running.weekly_timeout_s",
    "running.retries",
    "running.retry_delay_s",
    "approval.account",
    "approval.mode",
    "approval.persons",
    "approval.price_band_frac",
    "approval.size_band_frac",
    "execution.broker",
    "execution.timing",
    "execution.limit_collar_frac",
    "execution.deadline_minutes",
    "execution.poll_s",
    *(f"execution.export.{name}" for name in ("symbol", "side", "shares", "price", "fee", "id")),
    "execution.scheduled_dry_run",
    "execution.allows_live",
)  # locations, time limits, retries and the terms of an approval (which it names itself) do not affect results
MACHINE_SECTIONS = ("notifications.",)
PLACES = frozenset({"data.lake", "data.files.path", "data.symbols_file", "notifications"})


class Settings(Section):
    """All settings. Frozen; validated as a whole."""

    seed: int
    """Seeds every random choice outside the simulated market."""
    data: Data
    models: Models
    selection: Selection
    regime: Regime
    risk: Risk
    costs: Costs
    portfolio: Portfolio
    trades: Trades
    safety: Safety
    approval: Approval
    execution: Execution
    monitoring: Monitoring
    running: Running
    reporting: Reporting
    notifications: Notifications


@dataclass(frozen=True)
class LoadedSettings:
    """The effective settings, and for each key the layer that set it."""

    settings: Settings
    origins: dict[str, str]


def load_settings(
    *, home: Path, profile: str | None, environ: Mapping[str, str], shipped: Path = SHIPPED
) -> LoadedSettings:
    """Merge the layers and validate the result.

    A relative path in a file is relative to the home, one in the environment to the working directory.
    Raises InvalidSettings with every problem.
    """
    keys = keys_of(Settings)
    tree, origins = _merged(_layers(home, profile, environ, shipped, keys))
    for key in keys.values():
        if key.is_path and "[]" not in key.dotted:
            _anchor(tree, key.dotted, home)
    try:
        settings = Settings.model_validate_json(json.dumps(tree, default=_plain), strict=True)
    except ValidationError as error:
        raise InvalidSettings(problems_of(error, keys, origins)) from error
    if problems := _contradictions(settings, origins):
        raise InvalidSettings(problems)
    return LoadedSettings(settings, origins)


def profiles(shipped: Path = SHIPPED) -> list[str]:
    """Return the names of the shipped profiles."""
    return sorted(path.stem for path in (shipped / "profiles").glob("*.yaml"))


def leaves_of(settings: Section) -> dict[str, object]:
    """Return every effective value by its dotted key, as plain data, secrets masked."""
    return dict(_leaves(settings.model_dump(mode="json")))


def config_hash(settings: Settings) -> str:
    """Return the hash of the settings that affect results: independent of file locations."""
    decided = {
        key: value
        for key, value in leaves_of(settings).items()
        if key not in MACHINE_KEYS and not key.startswith(MACHINE_SECTIONS)
    }
    return hashlib.sha256(json.dumps(decided, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def deciding_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings, nested, without what is read by no stage: where files are, and who is notified."""
    return _without_places(settings.model_dump(mode="json"))


def with_places(deciding: Mapping[str, Any], here: Settings) -> Settings:
    """Return the settings with the places and recipients of `here`. Raises ValueError for those of another release."""
    return Settings.model_validate(_filled(deciding, here.model_dump(mode="json")))


def _without_places(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    kept = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if key in PLACES:
            continue
        kept[name] = _without_places(value, f"{key}.") if isinstance(value, dict) else value
    return kept


def _filled(tree: Mapping[str, Any], here: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the tree with the places from `here`."""
    filled = dict(tree)
    for name, value in here.items():
        key = f"{prefix}{name}"
        if key in PLACES:
            filled[name] = value
        elif isinstance(value, dict) and isinstance(tree.get(name), dict):
            filled[name] = _filled(tree[name], value, f"{key}.")
    return filled


def _layers(
    home: Path, profile: str | None, environ: Mapping[str, str], shipped: Path, keys: Mapping[str, Key]
) -> list[tuple[str, Tree]]:
    """Read the layers in order, collecting the problems of all of them."""
    files = [(SHIPPED_FILE, shipped / SHIPPED_FILE)]
    problems: list[Problem] = []
    if profile is not None and profile not in profiles(shipped):
        guess = did_you_mean(profile, profiles(shipped))
        problems.append(
            Problem("profile", "", f"{profile!r} is not one of {', '.join(profiles(shipped))}.{guess}")
        )
    elif profile is not None:
        files.append((f"profiles/{profile}.yaml", shipped / "profiles" / f"{profile}.yaml"))
    if (home / HOME_FILE).exists():
        files.append((str(home / HOME_FILE), home / HOME_FILE))

    layers: list[tuple[str, Tree]] = []
    for name, path in files:
        try:
            layers.append((name, read_yaml(path, name=name)))
        except InvalidSettings as error:
            problems.extend(error.problems)
    try:
        layers.extend(read_environment(environ, keys).items())
    except InvalidSettings as error:
        problems.extend(error.problems)
    if problems:
        raise InvalidSettings(problems)
    return layers


def _merged(layers: list[tuple[str, Tree]]) -> tuple[Tree, dict[str, str]]:
    merged: Tree = {}
    origins: dict[str, str] = {}
    for name, tree in layers:
        merged = _merge(merged, tree)
        origins |= {key: name for key, _ in _leaves(tree)}
    return merged, {key: origins[key] for key, _ in _leaves(merged)}


def _merge(under: Tree, over: Tree) -> Tree:
    """Return `under` updated with `over`: mappings are merged key by key, and are new ones; lists are replaced."""
    both = dict(under)
    for key, value in over.items():
        below = both.get(key)
        if isinstance(value, dict):
            both[key] = _merge(below if isinstance(below, dict) else {}, value)
        else:
            both[key] = value
    return both


def _leaves(tree: Tree, path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        dotted = f"{path}{key}"
        if isinstance(value, dict) and value:
            found.extend(_leaves(value, f"{dotted}."))
        else:
            found.append((dotted, value))
    return found


def _anchor(tree: Tree, dotted: str, home: Path) -> None:
    """Make a relative path absolute; values other than text are left to validation."""
    *parents, leaf = dotted.split(".")
    branch: Any = tree
    for parent in parents:
        branch = branch.get(parent) if isinstance(branch, dict) else None
    if isinstance(branch, dict) and isinstance(branch.get(leaf), str):
        branch[leaf] = str((home / branch[leaf]).absolute())


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not plain data")


def _contradictions(settings: Settings, origins: Mapping[str, str]) -> list[Problem]:
    """Return combinations of valid values that are not allowed together."""
    found: list[tuple[str, str, str]] = []
    providers = settings.data.providers
    if "files" in providers and settings.data.files.path is None:
        found.append(
            ("data.provider", "data.files.path", "must name a directory, because data.provider is files.")
        )
    if len(set(providers)) < len(providers):
        found.append(("data.provider", "data.provider", "names a provider twice."))
    if "simulated" in providers and len(providers) > 1:
        what = "mixes the simulated market with real data."
        found.append(("data.provider", "data.provider", what))
    if settings.approval.mode == "live" and "simulated" in providers:
        found.append(("approval.mode", "approval.mode", "must be paper, because data.provider is simulated."))
    if settings.data.benchmark == settings.data.volatility_index:
        found.append(
            ("data.benchmark", "data.benchmark", "is also data.volatility_index; the two must differ.")
        )
    if what := _useless_comparison(providers[0], settings.data.compare_with):
        found.append(("data.compare_with", "data.compare_with", what))
    names = [candidate.name for candidate in settings.models.candidates]
    if len(set(names)) < len(names):
        found.append(("models.candidates", "models.candidates", "has two candidates of the same name."))
    if any(each.name == YARDSTICK != each.kind for each in settings.models.candidates):
        what = (
            f"has a candidate {YARDSTICK} of another kind; that name is reserved for the best single feature."
        )
        found.append(("models.candidates", "models.candidates", what))
    if unknown := sorted(set(settings.models.quick_candidates) - set(names)):
        what = f"names {', '.join(unknown)}, but models.candidates does not."
        found.append(("models.quick_candidates", "models.quick_candidates", what))
    return [Problem(origins[cause], key, what) for cause, key, what in found]


def _useless_comparison(first: str, others: Sequence[str]) -> str:
    """Return why the other sources are not evidence for the first provider's prices; "" if they are."""
    if first in others:
        return f"names {first}, the provider itself: every wrong price would be confirmed."
    if len(set(others)) < len(others):
        return "names a provider twice."
    if "simulated" in {first, *others} and others:
        return "compares the simulated market with real data."
    return ""
