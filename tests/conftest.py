import os

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from tests.homes import copy_of, make_ready_home
from tests.servers.s3 import serving

# How long an example takes says how busy the machine is, nothing of the code: no deadline, no complaint of slowness.
# The default suite draws the same examples each time, so that what turns it red is the change; `make prove` draws new
# ones (--hypothesis-profile explore).
settings.register_profile(
    "repeat", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("explore", settings.get_profile("repeat"), derandomize=False, print_blob=True)
settings.load_profile("repeat")


@pytest.fixture(scope="session")
def ready_home_template(tmp_path_factory):
    """A trained home, made once for all test processes. Never written to: take `ready_home`."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own  # workers have folders side by side
    home = shared / "ready-home"
    with FileLock(shared / "ready-home.lock"):
        if not (shared / "ready-home.done").exists():
            make_ready_home(home)
            (shared / "ready-home.done").touch()
    return home


@pytest.fixture
def ready_home(ready_home_template, tmp_path):
    return copy_of(ready_home_template, tmp_path / "home")


@pytest.fixture(scope="session")
def object_store():
    """An S3-compatible store with a bucket in it; tests take a prefix of their own."""
    with serving() as store:
        yield store


@pytest.fixture
def bucket_lake(object_store, monkeypatch):
    """The name of an empty lake in the store; the environment says how to get there."""
    for name, value in object_store.environ.items():
        monkeypatch.setenv(name, value)
    return object_store.new_lake()
