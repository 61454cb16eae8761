"""Decide where a command may write a file that a person asked for."""

import os
from collections.abc import Iterator
from pathlib import Path

from config.settings import Settings
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home


def export_path(path: Path, home: Home, settings: Settings, *, suffix: str = "") -> Path:
    """Return the absolute path. Raises ConfigError unless it is a new file outside the directories that runs read."""
    target = path.expanduser().absolute()
    inside = next((one for one in _directories_of_runs(home, settings) if _is_in(target, one)), None)
    if inside is not None:
        raise _refused(target, f"runs read the files in {inside}")
    if suffix and target.suffix != suffix:
        raise _refused(target, f"it is not a {suffix} file")
    if os.path.lexists(target):
        raise _refused(target, "it already exists")
    return target


def _directories_of_runs(home: Home, settings: Settings) -> Iterator[Path]:
    """Yield the directories of the home's state and of its market data, wherever links or settings place them."""
    for top in (home.live, home.production, home.root / "data"):
        yield top
        yield from (one for one in sorted(top.glob("*")) if one.is_symlink())
    if settings.data.files.path is not None:
        yield settings.data.files.path


def _is_in(target: Path, folder: Path) -> bool:
    return target.parent.resolve().is_relative_to(folder.resolve())


def _refused(target: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{target} was not written: {why}.",
        remedy="Name a new file in a directory of your own, or delete the old one first.",
        path=str(target),
    )
