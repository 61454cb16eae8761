"""Write files into one archive with a listing, and extract them only if every byte matches the listing.

A plain tar, readable by any tool. Its first member lists every file with size, mode and SHA-256; the files follow in
that order. An archive is not trusted: paths that leave the directory, links and unlisted members are refused.
"""

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from config.data_section import LakeName
from tasks.core.atomic import replace_file
from tasks.core.errors import StorageError, TransientError
from tasks.core.reading import opened_file

LISTING = "backup.json"
OWNER_ONLY = 0o600  # an archive holds positions and orders
CHUNK_BYTES = 1 << 20


class Entry(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str  # below the directory, with slashes
    size: int
    mode: int
    sha256: str


class BackupListing(BaseModel):
    """Listing of an archive: what was backed up, from where, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    made_by: str
    made_at: datetime
    last_session: date | None  # of the lake; None where it is empty
    lake: LakeName = "home"  # its location; its files are listed below data/lake/ in any case
    files: tuple[Entry, ...]

    @property
    def size_bytes(self) -> int:
        return sum(entry.size for entry in self.files)


def list_files(sources: Mapping[str, Path]) -> tuple[Entry, ...]:
    """Return size, mode and hash of every file, sorted by its name in the archive."""
    return tuple(_entry(name, sources[name]) for name in sorted(sources))


def write_archive(target: Path, sources: Mapping[str, Path], listing: BackupListing) -> None:
    """Write the listed files to the target, readable by its owner only; atomically."""
    with replace_file(target, mode=OWNER_ONLY) as file, tarfile.open(fileobj=file, mode="w") as tar:
        content = (listing.model_dump_json(indent=1) + "\n").encode()
        tar.addfile(_member(LISTING, len(content), OWNER_ONLY, listing.made_at), io.BytesIO(content))
        for entry in listing.files:
            _add_file(tar, sources[entry.path], entry, listing.made_at)


def unpack_archive(archive: Path, folder: Path, *, belongs: Callable[[str], bool]) -> BackupListing:
    """Extract every file into the empty directory. Raises StorageError for a path that does not belong in a home."""
    try:
        with tarfile.open(archive, "r:") as tar:
            listing = _read_listing(archive, tar)
            for entry in listing.files:
                if not (_is_plain(entry.path) and belongs(entry.path)):
                    raise _refused(archive, f"{entry.path!r} does not belong in a home")
                _extract(archive, tar, entry, folder)
            if tar.next() is not None:
                raise _refused(archive, "it holds files that its listing does not name")
    except tarfile.ReadError as error:
        raise _refused(archive, f"it is not an archive of a backup, or it is damaged ({error})") from error
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise _refused(archive, str(error) or type(error).__name__) from error
    return listing


def _entry(name: str, path: Path) -> Entry:
    with opened_file(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = path.stat()
    return Entry(path=name, size=found.st_size, mode=stat.S_IMODE(found.st_mode), sha256=digest)


def _add_file(tar: tarfile.TarFile, path: Path, entry: Entry, made_at: datetime) -> None:
    """Copy the file; refuse one that changed since it was listed (the kill switch does not wait for a backup)."""
    try:
        source = opened_file(path)
    except FileNotFoundError:
        raise _changed(path) from None
    with source:
        size, digest = os.fstat(source.fileno()).st_size, hashlib.file_digest(source, "sha256")
        if (size, digest.hexdigest()) != (entry.size, entry.sha256):
            raise _changed(path)
        source.seek(0)
        tar.addfile(_member(entry.path, entry.size, entry.mode, made_at), source)


def _changed(path: Path) -> TransientError:
    return TransientError(
        f"{path} changed during the backup: the kill switch was tripped or reset.",
        remedy="No archive was written. Run the backup again.",
        path=str(path),
    )


def _member(name: str, size: int, mode: int, made_at: datetime) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, mode, int(made_at.timestamp())
    return member


def _read_listing(archive: Path, tar: tarfile.TarFile) -> BackupListing:
    content = _read_member(archive, tar, LISTING).read()
    try:
        return BackupListing.model_validate_json(content)
    except ValidationError as error:
        raise _refused(archive, f"this release cannot read its {LISTING}") from error


def _extract(archive: Path, tar: tarfile.TarFile, entry: Entry, folder: Path) -> None:
    source = _read_member(archive, tar, entry.path)
    target = folder / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as file:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            size += file.write(chunk)
    target.chmod(entry.mode & 0o777)
    if (size, digest.hexdigest()) != (entry.size, entry.sha256):
        raise _refused(archive, f"{entry.path} differs from what was backed up (sha256)")


def _read_member(archive: Path, tar: tarfile.TarFile, name: str) -> "tarfile.ExFileObject":
    """Open the next member, which must be a regular file of that name: no link, device or sparse file."""
    member = tar.next()
    if member is None or member.name != name or member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
        found = (
            "the archive ends before it"
            if member is None
            else f"it is {member.name!r}"
            if member.name != name
            else "that is not a regular file"
        )
        raise _refused(archive, f"its next member should be {name!r}, but {found}")
    file = tar.extractfile(member)
    if not isinstance(file, tarfile.ExFileObject):
        raise _refused(archive, f"{name!r} is not a file")
    return file


def _is_plain(path: str) -> bool:
    """Return whether the path stays below the target directory on every platform."""
    parts = PurePosixPath(path).parts
    return (
        path.isprintable()
        and "\\" not in path
        and path == "/".join(parts)
        and not path.startswith("/")
        and ".." not in parts
    )


def _refused(archive: Path, why: str) -> StorageError:
    return StorageError(
        f"{archive} cannot be restored: {why}.",
        remedy="Nothing was changed. Fix the problem, or use another archive.",
        path=str(archive),
    )
