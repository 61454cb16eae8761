"""Identify the code that runs, so that a day and its approval can name it."""

from functools import cache
from pathlib import Path

from tasks.core.ids import sha256_of_bytes, sha256_of_record

CODE_ROOT = Path(__file__).parents[2]
CODE_FOLDERS = ("config", "flows", "tasks")
CODE_SUFFIXES = (".py", ".yaml", ".html", ".j2", ".css")


@cache
def code_fingerprint(root: Path) -> str:
    """Return one hash over every source, setting and template, independent of the checkout's location."""
    sources = {
        path.relative_to(root).as_posix(): sha256_of_bytes(path.read_bytes())
        for folder in CODE_FOLDERS
        for path in (root / folder).rglob("*")
        if path.suffix in CODE_SUFFIXES and path.is_file()
    }
    return sha256_of_record(sources)
