import gc
import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from tests.examples import draw_at_most

# `tests.homes` imports the flows, which takes seconds. Fixtures import it where they need it, because this file is
# also loaded by the controller of pytest-xdist, which runs no test but must be ready before any test process starts.

# The time of an example depends on the machine's load, not on the code: no deadline, no health check for slowness.
# The default suite uses the same few examples each time, so that only a change can make it fail; `make prove` uses the
# full number, with new examples each time (--hypothesis-profile explore), `make test-fast` fewer (fast).
settings.register_profile(
    "repeat", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("fast", settings.get_profile("repeat"))
settings.register_profile("explore", settings.get_profile("repeat"), derandomize=False, print_blob=True)
settings.load_profile("repeat")
EXAMPLES = {"repeat": 25, "fast": 10}  # at most, by profile
MEMORY = Path("/dev/shm")  # noqa: S108 - the file system in memory, which is shared by all users
MEMORY_NEEDED = 8 * 2**30  # a run leaves 1 GB, and pytest retains those of the last three


def pytest_configure(config: pytest.Config) -> None:
    """Put the homes of tests in memory where there is enough: a third of the suite's time is waiting for fsync.

    Linear algebra gets one thread per test process: waiting threads take processor time from the other test process.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector, which otherwise takes a tenth of the time: modules and tests stay.

    Afterwards it runs more rarely than by default, which saves 6% of the suite's processor time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    most = EXAMPLES.get(settings.get_current_profile_name())
    if most is not None:
        draw_at_most(most, [item for item in items if item.get_closest_marker("prove") is None])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums of what tests counted with `record_property`, such as the cases of a proof."""
    counted: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        counted.update({name: int(value) for name, value in report.user_properties if isinstance(value, int)})
    if counted:
        terminalreporter.write_line(", ".join(f"{count:,} {name}" for name, count in counted.items()))


@pytest.fixture(scope="session", autouse=True)
def _charts():
    """Drawing the charts takes a fifth of the time of a day."""
    from tests.drawn_once import drawn_once

    with drawn_once():
        yield


@pytest.fixture(scope="session")
def trained_home_template(tmp_path_factory):
    """A trained home whose lake ends on the session before the last. Read-only: tests use `trained_home`."""
    from tests.homes import make_trained_home

    return made_once(tmp_path_factory, "trained-home", make_trained_home)


@pytest.fixture
def trained_home(trained_home_template, tmp_path):
    """For tests of a day that must refresh the lake first, which is half of its time."""
    from tests.homes import copy_of

    return copy_of(trained_home_template, tmp_path / "home")


@pytest.fixture(scope="session")
def ready_home_template(trained_home_template, tmp_path_factory):
    """A trained home whose lake holds the last session. Read-only: tests use `ready_home`."""
    from tests.homes import LAST_SESSION, afterclose, copy_of

    def refresh(home: Path) -> None:
        copy_of(trained_home_template, home)
        ended = afterclose("refresh", "--date", str(LAST_SESSION), home=home)
        assert ended.returncode == 0, ended.stderr

    return made_once(tmp_path_factory, "ready-home", refresh)


@pytest.fixture
def ready_home(ready_home_template, tmp_path):
    from tests.homes import copy_of

    return copy_of(ready_home_template, tmp_path / "home")


@pytest.fixture(scope="session")
def published_home_template(ready_home_template, tmp_path_factory):
    """A ready home whose only published day is the last session. Read-only: tests use `published_home`."""
    from tests.homes import copy_of, run_day

    return made_once(
        tmp_path_factory, "published-home", lambda home: run_day(copy_of(ready_home_template, home))
    )


@pytest.fixture
def published_home(published_home_template, tmp_path):
    from tests.homes import copy_of

    return copy_of(published_home_template, tmp_path / "home")


@pytest.fixture(scope="session")
def begun_home_template(ready_home_template, tmp_path_factory):
    """A ready home with the session before the last published. Read-only: tests use `begun_home`."""
    from tests.homes import SESSION_BEFORE, copy_of, run_day

    def begin(home: Path) -> None:
        run_day(copy_of(ready_home_template, home), SESSION_BEFORE)

    return made_once(tmp_path_factory, "begun-home", begin)


@pytest.fixture
def begun_home(begun_home_template, tmp_path):
    from tests.homes import copy_of

    return copy_of(begun_home_template, tmp_path / "home")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a home that one test process creates for all."""
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own  # sibling directories of the workers
    with FileLock(shared / f"{name}.lock"):
        if not (shared / f"{name}.done").exists():
            make(shared / name)
            (shared / f"{name}.done").touch()
    return shared / name


@pytest.fixture(scope="session")
def object_store():
    """An S3-compatible server with one bucket; each test uses its own prefix."""
    from tests.servers.s3 import serving

    with serving() as store:
        yield store


@pytest.fixture
def bucket_lake(object_store, monkeypatch):
    """The URL of an empty lake in the bucket; the environment has the endpoint and keys."""
    for name, value in object_store.environ.items():
        monkeypatch.setenv(name, value)
    return object_store.new_lake()
