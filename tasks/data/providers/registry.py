"""Create the providers named in the settings. Adding one takes a module and one line here."""

from importlib import import_module

from tasks.core.errors import ConfigError
from tasks.core.homes.run import Run
from tasks.data.providers.base import Provider
from tasks.data.providers.cascade import Cascade

MODULES = {
    "simulated": "tasks.simulation.provider",
    "files": "tasks.data.providers.files.provider",
    "alpaca": "tasks.data.providers.alpaca",
    "tiingo": "tasks.data.providers.tiingo",
    "fred": "tasks.data.providers.fred",
    "yahoo": "tasks.data.providers.yahoo",
    "edgar": "tasks.data.providers.edgar.provider",
}


def make_provider(run: Run) -> Provider:
    """Return the provider of `data.provider`, or a cascade of several. Imports only what is named.

    All are created at once, so that a missing key of the second is reported now, not on the day it is needed.
    """
    data = run.settings.data
    providers = [_make(name, run) for name in data.providers]
    if "bars" not in providers[0].capabilities:
        raise ConfigError(
            f"{providers[0].name} is the first provider and does not deliver bars.",
            remedy="Make a provider that delivers bars the first in data.provider.",
            key="data.provider",
        )
    if len(providers) == 1:
        return providers[0]
    return Cascade(providers, levels=(data.benchmark, data.volatility_index))


def make_second_opinions(run: Run) -> tuple[Provider, ...]:
    """Return the providers of `data.compare_with`, whose bars are compared and not stored."""
    return tuple(_make(name, run) for name in run.settings.data.compare_with)


def _make(name: str, run: Run) -> Provider:
    provider: Provider = import_module(MODULES[name]).make(run)
    return provider
