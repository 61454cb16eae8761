"""Faults between a home and its bucket: another home, the network, the credentials."""

import re
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import obstore
import pytest

from tasks.core.errors import ConfigError, StorageError
from tasks.data.lake import commits, store
from tasks.data.lake.head import Head, read_head, write_head
from tasks.data.lake.storage.location import files_of
from tasks.data.providers.base import Delivery
from tasks.data.schema.records import Bucket
from tests.acceptance.test_data_store import CrashError, commit_day, dying_at, id_of
from tests.deliveries import days_of, make_delivery, scaled
from tests.homes import afterclose, configure
from tests.servers.s3 import KEYS

pytestmark = pytest.mark.bucket

ROOT = Path(__file__).parents[2]
MARKET = make_delivery(sessions=14, symbols=4)
OURS = Delivery(bars=MARKET.bars, actions=MARKET.actions, levels=MARKET.levels)
THEIRS = scaled(OURS, "S03", days_of(OURS)[-1], 1.01)  # the two homes deliver different rows
*_, DAY_BEFORE, LAST = days_of(OURS)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The snapshot id that the last day has when we refresh, and when they do."""
    ids = {}
    for name, delivery in (("ours", OURS), ("theirs", THEIRS)):
        lake = tmp_path_factory.mktemp("undisturbed") / name
        commit_day(lake, delivery, LAST)
        ids[name] = id_of(lake, LAST)
    assert ids["ours"] != ids["theirs"]
    return ids


def meanwhile(
    patch: pytest.MonkeyPatch, boundary: str, nth: int, *, after: bool, do: Callable[[], object]
) -> None:
    """Let another home do something at the nth call of a function of the store, before or after it does its work."""
    real, calls, busy = getattr(commits, boundary), 0, False

    def disturbed(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls, busy
        calls += not busy
        if busy or calls != nth:
            return real(*args, **kwargs)
        result = real(*args, **kwargs) if after else None
        busy = True
        do()
        busy = False
        return result if after else real(*args, **kwargs)

    patch.setattr(commits, boundary, disturbed)


MOMENTS = [
    (is_first, boundary, nth, after)
    for is_first in (False, True)
    for boundary, nths in (("_append", (1, 2, 3)), ("_compact", (1, 2)), ("write_head", (1,)))
    for nth in nths
    for after in (False, True)
]
QUICK = {(False, "_append", 2, True), (True, "_compact", 1, False)}


@pytest.mark.parametrize(
    ("is_first", "boundary", "nth", "after"),
    [pytest.param(*moment, marks=[] if moment in QUICK else pytest.mark.prove) for moment in MOMENTS],
)
def test_of_two_homes_that_refresh_one_lake_at_once_one_succeeds_and_the_other_gets_an_error(
    is_first, boundary, nth, after, bucket_lake, expected, monkeypatch
):
    lake = Bucket(bucket_lake)
    if not is_first:
        commit_day(lake, OURS, DAY_BEFORE)
    reported: dict[str, str] = {}

    def refresh_as(who: str, delivery: Delivery) -> None:
        try:
            commit_day(lake, delivery, LAST)
        except StorageError as error:
            reported[who] = error.what

    with monkeypatch.context() as patch:
        meanwhile(patch, boundary, nth, after=after, do=lambda: refresh_as("theirs", THEIRS))
        refresh_as("ours", OURS)

    assert_one_won(lake, reported, expected)
    assert is_first or len(reported) == 1 or (boundary, after) == ("write_head", True)


@pytest.mark.parametrize(
    ("is_first", "boundary"),
    [
        (False, "_at_version"),
        pytest.param(True, "_clear_leftover", marks=pytest.mark.prove),
        pytest.param(False, "_append", marks=pytest.mark.prove),
        pytest.param(True, "_append", marks=pytest.mark.prove),
    ],
)
@pytest.mark.parametrize("nth", [1, pytest.param(2, marks=pytest.mark.prove)])
def test_rows_of_a_home_that_was_killed_before_its_head_are_never_referenced_by_another(
    is_first, boundary, nth, bucket_lake, expected, monkeypatch
):
    lake = Bucket(bucket_lake)
    if not is_first:
        commit_day(lake, OURS, DAY_BEFORE)

    def they_die():
        with (
            dying_at("write_head", 2 if is_first and read_head(lake) is None else 1, after=False),
            suppress(CrashError),
        ):
            commit_day(lake, THEIRS, LAST)

    with monkeypatch.context() as patch:
        meanwhile(patch, boundary, nth, after=True, do=they_die)
        with suppress(StorageError):
            commit_day(lake, OURS, LAST)
    commit_day(lake, OURS, LAST)

    assert_one_won(lake, {"theirs": f"Another home wrote to the lake {lake} during this refresh."}, expected)


def assert_one_won(lake, reported, expected):
    """A refresh without an error was the only one; after two errors the lake is unchanged and can be refreshed."""
    assert set(reported.values()) <= {f"Another home wrote to the lake {lake} during this refresh."}
    won = expected.keys() - reported.keys()
    if not won:
        head = read_head(lake)
        assert head is None or head.last_session != LAST
        commit_day(lake, OURS, LAST)
    assert id_of(lake, LAST) in {expected[who] for who in won or {"ours"}}
    head = read_head(lake)
    assert head is not None
    assert len(store.read_table(lake, head.versions, "bars")) == head.rows["bars"] == len(OURS.bars)


def test_a_head_that_was_read_before_another_home_wrote_is_not_written(bucket_lake):
    lake = Bucket(bucket_lake)
    old = write_head(lake, Head("served"))
    new = write_head(lake, Head("served", 1, tag=old.tag))

    for late in (Head("late", 2, tag=old.tag), Head("late", 2)):
        with pytest.raises(StorageError, match="Another home wrote"):
            write_head(lake, late)

    assert read_head(lake) == new


def test_a_write_whose_answer_was_lost_has_happened(bucket_lake):
    lake = Bucket(bucket_lake)
    first = write_head(lake, Head("served"))
    written = write_head(lake, Head("served", 1, tag=first.tag))

    again = write_head(lake, Head("served", 1, tag=first.tag))  # what the client sends when it heard nothing

    assert again == written
    assert again.tag == written.tag


REFRESH = """
import sys
from tasks.data.lake.storage.location import files_of
from tasks.data.schema.records import Bucket
from tests.faults.test_bucket_faults import LAST, OURS, THEIRS, commit_day
print("ready", flush=True)
sys.stdin.readline()
commit_day(Bucket(sys.argv[1]), OURS if sys.argv[2] == "ours" else THEIRS, LAST)
"""


@pytest.mark.prove
@pytest.mark.parametrize("is_first", [False, True])
def test_two_processes_that_refresh_at_the_same_moment_leave_the_refresh_of_one(
    is_first, bucket_lake, expected
):
    lake = Bucket(bucket_lake)
    if not is_first:
        commit_day(lake, OURS, DAY_BEFORE)
    program = [sys.executable, "-c", REFRESH, bucket_lake]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = {who: subprocess.Popen([*program, who], cwd=ROOT, **pipes) for who in ("ours", "theirs")}

    for process in both.values():
        process.stdout.readline()
    for process in both.values():
        process.stdin.write("\n")
        process.stdin.flush()
    reported = {who: process.communicate()[1] for who, process in both.items() if process.wait() != 0}

    last_lines = {who: said.splitlines()[-1] for who, said in reported.items()}
    assert_one_won(
        lake,
        {
            who: line[line.index("Another") : line.index("during this refresh.") + 20]
            for who, line in last_lines.items()
        },
        expected,
    )


NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
IN_THE_WAY = {
    "unreachable": (NOWHERE, "it cannot be reached", "AWS_ENDPOINT_URL"),
    "no plain http": (
        {"AWS_ALLOW_HTTP": "false"},
        "the endpoint in AWS_ENDPOINT_URL is not valid",
        "AWS_ALLOW_HTTP",
    ),
    "a bad setting": ({"AWS_TIMEOUT": "soon"}, "could not be used", "AWS_"),
}


@pytest.fixture(scope="module")
def filled_lake(object_store):
    lake = Bucket(object_store.new_lake())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in object_store.environ.items():
            patch.setenv(name, value)
        commit_day(lake, OURS, DAY_BEFORE)
    return lake


@pytest.fixture
def a_lake(filled_lake, bucket_lake):
    """A lake with its head, and what a run has read before the fault begins; later requests are refused."""
    return filled_lake, read_head(filled_lake)


def the_ways_there(lake: Bucket, head: Head) -> list[Callable[[], object]]:
    """What goes to the bucket: the small files, the tables to be read, the tables to be written."""
    return [
        lambda: read_head(lake),
        lambda: write_head(lake, head),
        lambda: files_of(lake).size_bytes(),
        lambda: store.read_table(lake, head.versions, "levels"),
        lambda: store.read_bars(lake, head.versions, since=DAY_BEFORE, through=DAY_BEFORE),
        lambda: commits.delete_unreferenced_files(lake, head, keep=[]),
    ]


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_whatever_is_in_the_way_is_named_with_what_to_do(name, a_lake, monkeypatch):
    environ, says, remedy = IN_THE_WAY[name]
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)

    for go in the_ways_there(*a_lake)[: 3 if name == "a bad setting" else None]:
        with pytest.raises(StorageError) as caught:
            go()

        assert caught.value.what.startswith(f"The lake {a_lake[0]}")
        assert says in caught.value.what
        assert remedy in caught.value.remedy


def test_keys_that_are_refused_are_named_and_never_shown(a_lake, object_store):
    object_store.refuse_all_keys(refuse=True)
    try:
        said = [message_of(go) for go in the_ways_there(*a_lake)]
    finally:
        object_store.refuse_all_keys(refuse=False)

    assert all("access was denied: the credentials are wrong" in one for one in said)
    assert not any(key in one for one in said for key in KEYS.values())


def message_of(go: Callable[[], object]) -> str:
    """Return all that a person could see of the error, the traceback with its causes included."""
    with pytest.raises(StorageError) as caught:
        go()
    return "".join(traceback.format_exception(caught.value))


def test_missing_credentials_are_reported(a_lake, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")  # this machine has no role in a cloud

    with pytest.raises(StorageError, match="no credentials were found"):
        read_head(a_lake[0])


def test_a_bucket_that_does_not_exist_is_reported(bucket_lake):
    nowhere = Bucket(bucket_lake.replace("//lakes/", "//no-such-bucket/"))

    for go in the_ways_there(nowhere, Head("served", versions={"levels": 0, "bars": 0})):
        with pytest.raises(StorageError, match="the bucket does not exist"):
            go()


def test_a_store_that_says_nothing_is_given_up_in_bounded_time(a_lake, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_TIMEOUT", "200ms")
        began = time.monotonic()

        head, _, _, table, *_ = the_ways_there(*a_lake)
        for go in (head, table):
            with pytest.raises(StorageError, match="the request timed out"):
                go()

    assert time.monotonic() - began < 10


def test_a_store_that_ignores_write_conditions_is_refused_before_a_row_is_stored(bucket_lake, monkeypatch):
    put = obstore.put
    monkeypatch.setattr(obstore, "put", lambda store, name, data, **_: put(store, name, data))

    with pytest.raises(StorageError, match="ignores If-Match and If-None-Match"):
        commit_day(Bucket(bucket_lake), OURS, LAST)


def test_a_missing_extra_is_named(bucket_lake, monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)

    with pytest.raises(ConfigError, match=re.escape("pip install 'afterclose[s3]'")):
        read_head(Bucket(bucket_lake))


@pytest.mark.parametrize(
    "command", [pytest.param(("refresh", "--date", "2024-06-14"), marks=pytest.mark.prove), ("doctor",)]
)
def test_a_command_ends_with_the_code_of_storage_and_shows_no_key(command, object_store, tmp_path):
    home = configure(
        tmp_path, {"data": {"lake": object_store.new_lake().replace("//lakes/", "//no-such-bucket/")}}
    )

    ended = afterclose(*command, "--debug", home=home, **object_store.environ)

    assert ended.returncode == StorageError.exit_code
    assert "the bucket does not exist" in ended.stdout + ended.stderr
    assert not any(key in ended.stdout + ended.stderr for key in KEYS.values())
