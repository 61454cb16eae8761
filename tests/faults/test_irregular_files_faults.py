"""A pipe or a device where a file is read: refused at once, with its path and an exit code, never waited for."""

import ast
import json
import os
import signal
import socket
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from config.regular_file import open_regular
from flows.cli.app import answer
from tasks.core.chain.heads import Head, write_head
from tasks.core.chain.rows import ChainFile, append, read_rows, verify
from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.ids import sha256_of_file
from tasks.core.reading import NotRegularError, opened_text, read_bytes, read_text
from tasks.selection.trials.ledger import read_contents
from tests.homes import blank

ROOT = Path(__file__).parents[2]
LONGEST_S = 20


@contextmanager
def at_once():
    """Fail instead of hanging."""

    def hangs(*_):
        raise AssertionError("it waits for the pipe")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pipe_at(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.unlink()
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "link to a pipe"])
@pytest.mark.parametrize("read", [read_bytes, read_text, sha256_of_file, opened_text])
def test_only_a_regular_file_is_read(tmp_path, monkeypatch, kind, read):
    path = tmp_path / "file"
    if kind == "socket":
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("file")
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        pipe_at(tmp_path / "pipe")
        path.symlink_to("pipe")
        path = path if kind.startswith("link") else tmp_path / "pipe"

    with at_once(), pytest.raises(NotRegularError, match="is not a regular file") as refused:
        read(path)

    assert isinstance(refused.value, StorageError)
    assert isinstance(refused.value, OSError)
    assert (refused.value.exit_code, refused.value.strerror) == (1, "it is not a regular file")
    assert str(path) in refused.value.what


def test_a_file_that_becomes_a_pipe_while_it_is_opened_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("a")
    really = os.open

    def swapped(name, *rest, **named):
        if str(name) == str(path):
            pipe_at(path)
        return really(name, *rest, **named)

    monkeypatch.setattr(os, "open", swapped)

    with at_once(), pytest.raises(OSError, match="not a regular file"):
        open_regular(path)


def test_a_regular_file_is_read_as_before(tmp_path):
    path = tmp_path / "file"
    path.write_bytes("ä\r\nb\rc".encode())
    (tmp_path / "link").symlink_to("file")

    assert read_bytes(tmp_path / "link") == "ä\r\nb\rc".encode()
    assert read_text(path) == path.read_text(encoding="utf-8") == "ä\nb\nc"
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        read_bytes(tmp_path)


def test_the_trial_ledger_of_a_home_as_a_pipe_is_refused(tmp_path):
    home = Home(tmp_path)
    pipe_at(home.trials / "ledger.csv")

    with (
        at_once(),
        pytest.raises(StorageError, match=r"ledger\.csv cannot be read: it is not a regular file"),
    ):
        read_contents(home, environ={})


def test_a_chained_file_as_a_pipe_is_neither_read_nor_appended_to(tmp_path):
    chain = ChainFile(pipe_at(tmp_path / "log.csv"), tmp_path / "anchor.json", ("a",))

    for act in (verify, append):
        with at_once(), pytest.raises(StorageError, match="not a regular file"):
            act(chain, *((["x"],) if act is append else ()), key=None)
    with at_once(), pytest.raises(StorageError, match="not a regular file"):
        read_rows(chain)


def test_a_lock_file_as_a_pipe_is_refused(tmp_path):
    with (
        at_once(),
        pytest.raises(StorageError, match="not a regular file"),
        exclusive(pipe_at(tmp_path / "lock"), doing="daily"),
    ):
        pass


def test_a_copy_of_the_heads_that_is_a_pipe_without_a_reader_does_not_stop_a_halt(tmp_path, caplog):
    with at_once():
        write_head(pipe_at(tmp_path / "heads"), Head(1, "a" * 64))

    assert "the head of the chain is not copied" in caplog.text


@pytest.mark.parametrize(
    ("file", "command", "code"),
    [
        ("config.yaml", "config show", 2),
        ("data/home.json", "config show", 1),
        ("live/current_positions.csv", "positions show", 3),
        ("production/champion_metadata.json", "champion show", 6),
        ("live/audit_log.csv", "audit verify", 1),
    ],
)
def test_a_pipe_among_the_files_of_a_home_is_refused_with_its_name(tmp_path, capsys, file, command, code):
    blank(tmp_path)
    pipe_at(tmp_path / file)

    with at_once():
        ended = answer(["--json", "--home", str(tmp_path), *command.split()])

    said = json.loads(capsys.readouterr().out)["error"]
    assert ended == code
    assert Path(file).name in said
    assert "Unexpected error" not in said


@pytest.mark.parametrize(
    "command",
    ["positions import FILE --by A --reason B", "fills import FILE --by A", "backtest --positions FILE"],
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_given_to_a_command_is_refused(tmp_path, capsys, command, kind):
    blank(tmp_path / "home")
    (tmp_path / "home" / "config.yaml").write_text("execution: {broker: manual}")
    file = "/dev/zero" if kind == "device" else str(pipe_at(tmp_path / "pipe"))

    with at_once():
        ended = answer(["--json", "--home", str(tmp_path / "home"), *command.replace("FILE", file).split()])

    said = json.loads(capsys.readouterr().out)["error"]
    assert ended == 2
    assert "cannot be read" in said
    assert "Unexpected error" not in said


def test_files_are_read_in_one_place():
    sources = [path for folder in ("flows", "tasks", "config") for path in (ROOT / folder).rglob("*.py")]
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _reads(node)
    }

    assert found == set()


def _reads(call):
    """Whether a path is read: path.read_text(), path.read_bytes(), path.open() other than for writing."""
    name = getattr(call.func, "attr", "")
    if name in {"read_bytes", "read_text"}:
        return True
    mode = next((one.value for one in call.args[:1] if isinstance(one, ast.Constant)), "r")
    is_path = name == "open" and getattr(call.func.value, "id", "") not in {"os", "tarfile"}
    return is_path and isinstance(mode, str) and not set(mode) & set("wxa")
