"""Identify the code that runs, so that a day and its approval can name it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from tasks.core.ids import sha256_of_bytes, sha256_of_record
from tasks.core.reading import read_bytes

CODE_ROOT = Path(__file__).parents[3]
CODE_FOLDERS = ("config", "flows", "tasks")
CODE_SUFFIXES = (".py", ".yaml", ".html", ".j2", ".css", ".js")


_published_by: ContextVar[str | None] = ContextVar("published_by", default=None)


@contextmanager
def published_by(fingerprint: str) -> Iterator[None]:
    """State this fingerprint as that of the code until the block ends.

    For a replay alone: a day computed again by a later version differs only where its results do.
    """
    token = _published_by.set(fingerprint)
    try:
        yield
    finally:
        _published_by.reset(token)


def code_fingerprint(root: Path) -> str:
    """Return one hash over every source, setting and template, independent of the checkout's location."""
    return _published_by.get() or _fingerprint(root)


@cache
def _fingerprint(root: Path) -> str:
    sources = {
        path.relative_to(root).as_posix(): sha256_of_bytes(read_bytes(path))
        for folder in CODE_FOLDERS
        for path in (root / folder).rglob("*")
        if path.suffix in CODE_SUFFIXES and path.is_file()
    }
    return sha256_of_record(sources)
