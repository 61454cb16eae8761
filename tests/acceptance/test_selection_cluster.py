"""The same champion, ledger and trials wherever the folds are trained (W3): here, on a cluster, on one core."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.core.spread.fan_out import workers
from tests.acceptance.test_fan_out_processes import fail_on_three, killed_once, square
from tests.acceptance.test_selection_search import evidence, run_week

pytestmark = pytest.mark.slice
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler and two workers of one thread each, without nannies: a worker that is killed stays dead."""
    folder = tmp_path_factory.mktemp("dask")
    place = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    commands = [
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        *[[*dask, "worker", "--nthreads", "1", "--no-nanny", "--no-dashboard"] for _ in range(2)],
    ]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    log = (folder / "log").open("w")
    running = [
        subprocess.Popen(
            [*command, "--scheduler-file", str(place)], env=environ, stdout=log, stderr=log, cwd=str(ROOT)
        )
        for command in commands
    ]
    try:
        yield _address(place), running[1:]
    finally:
        for process in running:
            process.kill()
            process.wait()
        log.close()


def _address(place):
    for _ in range(600):
        if place.exists() and place.read_text().strip():
            return json.loads(place.read_text())["address"]
        time.sleep(0.1)
    raise TimeoutError("the scheduler did not start")


def test_results_are_in_order_and_their_progress_is_reported(cluster):
    reported = []

    with workers(square, processes=1, cluster=cluster[0], report=reported.append) as run:
        assert list(run(range(5))) == [0, 1, 4, 9, 16]
        assert list(run([3])) == [9]

    assert sum(reported) == 13


def test_the_error_of_an_item_is_raised_with_all_its_parts(cluster):
    with pytest.raises(DataError) as raised, workers(fail_on_three, processes=1, cluster=cluster[0]) as run:
        list(run(range(5)))

    assert raised.value.fields == {"count": 3}


def test_a_scheduler_that_does_not_answer_is_an_error(monkeypatch):
    monkeypatch.setattr("tasks.core.spread.cluster.CONNECT_S", 1)

    with (
        pytest.raises(TransientError, match="does not answer"),
        workers(square, processes=1, cluster="tcp://127.0.0.1:9"),
    ):
        pass


def test_workers_with_other_code_are_refused(cluster, monkeypatch):
    monkeypatch.setattr("tasks.core.spread.cluster.code_fingerprint", lambda _: "other")

    with (
        pytest.raises(ConfigError, match="do not run the same code as this process"),
        workers(square, processes=1, cluster=cluster[0]),
    ):
        pass


def test_the_champion_is_the_same_on_one_core_and_on_a_cluster_whose_worker_is_killed_midway(
    cluster, tmp_path, monkeypatch
):
    address, (first, _) = cluster
    _, alone = run_week(tmp_path / "alone", monkeypatch)
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})
        _, one_core = run_week(tmp_path / "core", monkeypatch)
    finally:
        os.sched_setaffinity(0, cores)
    ledger = tmp_path / "cluster" / "data" / "trials" / "ledger.csv"
    killer = threading.Thread(target=_kill_once_recorded, args=(ledger, first))
    killer.start()

    _, cluster_home = run_week(tmp_path / "cluster", monkeypatch, **{"models.cluster": address})

    killer.join()
    assert first.poll() == -signal.SIGKILL
    assert evidence(one_core) == evidence(alone)
    assert evidence(cluster_home) == evidence(alone)


def _kill_once_recorded(ledger, process):
    """Kill the worker as soon as the first trial is in the ledger."""
    for _ in range(6000):
        if ledger.exists():
            break
        time.sleep(0.01)
    process.kill()
    process.wait()


def test_the_work_of_a_worker_that_dies_is_done_again_and_counted_once(cluster, tmp_path):
    address, (_, second) = cluster
    extra = subprocess.Popen(
        [sys.executable, "-m", "dask", "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    reported, marker = [], tmp_path / "killed"
    try:
        with workers(
            partial(killed_once, marker), processes=1, cluster=address, report=reported.append
        ) as run:
            results = list(run(range(6)))
    finally:
        extra.kill()
        extra.wait()

    assert marker.exists()
    assert [number for number, _ in results] == list(range(6))
    assert sum(reported) == 6
    assert second is not None
