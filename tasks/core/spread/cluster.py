"""The same fan-out on a Dask cluster (`pip install 'afterclose[dask]'`). Only this module knows Dask.

Results are in the order of the items. The work itself is a task of the scheduler, so that a worker that starts later
receives it too; an item whose worker died is processed again.
"""

import pickle
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from tasks.core.errors import ConfigError, TransientError
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint

Report = Callable[[int], None]
Work = Callable[[Any, Report], Any]

CONNECT_S = 30
RETRIES = 3  # of an item whose worker died


@contextmanager
def cluster_workers(
    work: Work, *, scheduler: str, report: Report = lambda _: None
) -> Iterator[Callable[[Sequence[Any]], Iterator[Any]]]:
    """Yield a function that returns the results of items in order, computed by the workers of this scheduler.

    Raises ConfigError if the library is missing or a worker runs different code, TransientError if the scheduler does
    not answer or an item's workers die.
    """
    if find_spec("distributed") is None:
        raise ConfigError(
            "models.cluster needs the library distributed, which is not installed.",
            remedy="Run: pip install 'afterclose[dask]'; or remove models.cluster.",
            key="models.cluster",
        )
    from distributed import Client

    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call] # its types are incomplete
    except OSError as error:
        raise TransientError(
            f"The Dask scheduler {scheduler} does not answer.",
            remedy="Start it, or remove models.cluster; finished work is retained.",
        ) from error
    with client:
        _require_same_code(client)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")  # once for all items
            given = client.submit(pickle.loads, pickle.dumps(work), pure=False, retries=RETRIES)

        def run(items: Sequence[Any]) -> Iterator[Any]:
            futures = [client.submit(_processed, given, item, pure=False, retries=RETRIES) for item in items]
            for future in futures:
                result, units = _result_of(future)
                report(units)
                yield result

        yield run


def _processed(work: Work, item: Any) -> tuple[Any, int]:
    """Return the result of one item and the units of work that it reported; runs on a worker."""
    units: list[int] = []
    return work(item, units.append), sum(units)


def _result_of(future: Any) -> tuple[Any, int]:
    from distributed import CancelledError, KilledWorker

    try:
        found: tuple[Any, int] = future.result()
    except (KilledWorker, CancelledError, OSError) as error:
        raise TransientError(
            "Workers of the Dask cluster died, perhaps because memory ran out.",
            remedy="Run again: finished work is retained. If memory is short, use workers with fewer threads.",
        ) from error
    return found


def _require_same_code(client: Any) -> None:
    """Raise ConfigError if a worker has different code: results must not depend on where they are computed."""
    own = code_fingerprint(CODE_ROOT)
    others = sorted(name for name, found in client.run(_fingerprint).items() if found != own)
    if others:
        raise ConfigError(
            f"Workers of the Dask cluster do not run the same code as this process: {', '.join(others)}.",
            remedy="Install the same version of afterclose on every worker, then restart them.",
            key="models.cluster",
        )


def _fingerprint() -> str:
    return code_fingerprint(CODE_ROOT)
