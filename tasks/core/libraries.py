"""Say which versions of libraries are installed here."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the version of each library by its name; one that is not installed is left out.

    Several names may stand for one import: xgboost itself in the place of xgboost-cpu.
    """
    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
