"""The installed versions of libraries."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the version of each library by name; those not installed are omitted.

    Several names may provide one import: xgboost in place of xgboost-cpu.
    """
    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
