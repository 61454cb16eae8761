"""Find the provider that the settings name. One line here adds a provider."""

from importlib import import_module

from tasks.core.run import Run
from tasks.data.providers.base import Provider

MODULES = {
    "simulated": "tasks.data.providers.simulated",
    "files": "tasks.data.providers.files",
}


def make_provider(run: Run) -> Provider:
    """Return the provider of `data.provider`, made from the run's settings. Imports only that one."""
    module = import_module(MODULES[run.settings.data.provider])
    provider: Provider = module.make(run)
    return provider
