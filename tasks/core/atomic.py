"""Write files and directories atomically: after a crash, readers see the old content or the new, never a mix.

The order is always: write to a temporary name, fsync, rename, fsync the parent. A failed write leaves the old content.
"""

import os
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tasks.core.errors import StorageError
from tasks.core.reading import opened_file

LEFTOVER_SUFFIX = ".partial"


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the content of the file atomically."""
    with replace_file(path) as file:
        file.write(content)


def write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace the content of each named file atomically; their names are synced once, after the last."""
    for name, content in contents.items():
        with _renamed(folder / name) as file:
            file.write(content)
    if contents:
        _confirm(folder / name)


@contextmanager
def replace_file(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Yield an empty file that replaces `path` when the block succeeds and is deleted otherwise."""
    with _renamed(path, mode=mode) as file:
        yield file
    _confirm(path)


@contextmanager
def _renamed(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Replace `path` by the yielded file, whose new name is not synced yet."""
    refuse_symlink(path)
    temporary = _temporary(path)
    try:
        make_folder(path.parent)
        with open(temporary, "xb", opener=partial(os.open, mode=mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):  # the next run removes it; the first error is the one to report
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _not_written(path, error) from error
        raise


def write_text(path: Path, content: str) -> None:
    """Replace the content of the file atomically, as UTF-8 without newline translation."""
    write_bytes(path, content.encode())


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yield an empty directory that replaces `path` when the block succeeds and is deleted otherwise.

    An existing directory is exchanged atomically. A symbolic link at `path` is refused.
    """
    refuse_symlink(path)
    temporary = _temporary(path)
    try:
        make_folder(path.parent)
        temporary.mkdir()
        yield temporary
        put_in_place(temporary, path)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def put_in_place(new: Path, path: Path) -> None:
    """Move a finished file or directory to `path`; the previous one, if any, is at `new` afterwards."""
    refuse_symlink(path)
    try:
        _sync_tree(new)
        _exchange(new, path)
    except OSError as error:
        raise _not_written(path, error) from error
    _confirm(path)


def make_folder(folder: Path) -> None:
    """Create the directory and its missing parents, and fsync each new name."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Fsync the directory's list of names."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files of killed runs. Only the holder of the home's lock may call this."""
    for leftover in folder.glob(f".*{LEFTOVER_SUFFIX}"):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def refuse_symlink(path: Path) -> None:
    """Raise StorageError if the target is a symbolic link: the data would land elsewhere."""
    if path.is_symlink():
        raise StorageError(
            f"{path} is a symbolic link.", remedy="Remove the link and run again.", path=str(path)
        )


def _temporary(path: Path) -> Path:
    return path.parent / f".{path.name}.{uuid.uuid4().hex}{LEFTOVER_SUFFIX}"


def _exchange(new: Path, path: Path) -> None:
    """Move `new` to `path`; an existing file or directory there is swapped atomically."""
    if path.exists():
        _swap(new, path)
    else:
        new.rename(path)


def _swap(one: Path, other: Path) -> None:
    import ctypes

    exchange = 2  # RENAME_EXCHANGE on Linux, RENAME_SWAP on macOS
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = libc.renamex_np(old, new, exchange)  # pragma: no mutate - macOS alone
    else:
        at_cwd = -100
        failed = libc.renameat2(at_cwd, old, at_cwd, new, exchange)
    if failed:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(other))


def _sync_tree(top: Path) -> None:
    for path in (*top.rglob("*"), top):
        if path.is_file():
            with opened_file(path) as file:
                os.fsync(file.fileno())
        else:
            sync_folder(path)


def _confirm(path: Path) -> None:
    """Fsync the new name. The error of a failure must not claim that the previous content is still in place."""
    try:
        sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"{path} was replaced, but the disk did not confirm it: {error.strerror or error}.",
            remedy="The new content is in place, and may be lost in a power failure. Check the disk, then run again.",
            path=str(path),
        ) from error


def _not_written(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path} could not be written: {error.strerror or error}.",
        remedy="The previous content is intact. Free space or fix the permissions, then run again.",
        path=str(path),
    )
