"""Access the files of a lake in a bucket, and translate the errors of its clients.

There are two clients: the Delta library for the tables, and obstore for the other files, because only obstore supports
conditional writes. Both read credentials and endpoint from the environment (docs/data-operations.md). A server's
response may quote parts of a request, so it is never shown.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.errors import ConfigError, StorageError
from tasks.data.lake.storage.files import Content, concurrent_write
from tasks.data.schema.records import Bucket

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import S3Store

CONNECT_TIMEOUT, TIMEOUT = "5s", "30s"  # of one request; defaults of AWS_CONNECT_TIMEOUT and AWS_TIMEOUT
MAX_RETRIES, RETRY_TIMEOUT_S = 2, 60
NO_TAG = '"no such tag"'
INTACT = "The last snapshot is intact"

# Patterns in the error messages of both clients, first match first; what happened; the remedy.
ACCESS_ERRORS = (
    (r"NoSuchBucket", "the bucket does not exist", "Create it, or correct data.lake."),
    (
        r"/latest/(api|meta-data)",  # the metadata service that gives a cloud machine its role
        "no credentials were found",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.",
    ),
    (
        r"401 Unauthorized|403 Forbidden",
        "access was denied: the credentials are wrong, or lack permission to list, read, write and delete",
        "Correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or their permissions.",
    ),
    (r"[Rr]edirect", "the bucket is in another region", "Set AWS_REGION to the bucket's region."),
    (
        r"builder error",
        "the endpoint in AWS_ENDPOINT_URL is not valid",
        "Write it as https://…; plain http requires AWS_ALLOW_HTTP=true and is meant for a server on this machine.",
    ),
    (
        r"timed out|kind: Timeout",
        "the request timed out",
        "Run again later, or raise AWS_TIMEOUT.",
    ),
    (
        r"error sending request|HTTP error",
        "it cannot be reached",
        "Check the network and AWS_ENDPOINT_URL, then run again.",
    ),
    (
        r"status code\W+(429|5\d\d)",  # the Delta library puts an arrow and a line end in between
        "the store reports an error",
        "Check the store, then run again.",
    ),
)


def client_options() -> dict[str, str]:
    """Return the options of both clients: timeouts, retries and conditional writes."""
    return {
        "conditional_put": "etag",
        "allow_http": os.environ.get("AWS_ALLOW_HTTP", "false").lower(),
        "connect_timeout": os.environ.get("AWS_CONNECT_TIMEOUT", CONNECT_TIMEOUT),
        "timeout": os.environ.get("AWS_TIMEOUT", TIMEOUT),
        "max_retries": str(MAX_RETRIES),
        "retry_timeout": f"{RETRY_TIMEOUT_S}s",
    }


def known_access_error(lake: Bucket, error: Exception) -> StorageError | None:
    """Return the error that explains why the bucket cannot be accessed; None where the cause is its content."""
    said = str(error)
    for pattern, what, remedy in ACCESS_ERRORS:
        if re.search(pattern, said):
            return StorageError(f"The lake {lake}: {what}.", remedy=f"{INTACT}. {remedy}", path=str(lake))
    return None


class BucketFiles:
    """File access for a lake in a bucket. Every failure is raised as StorageError."""

    def __init__(self, lake: Bucket) -> None:
        _refuse_missing_client()
        self._lake = lake
        with self._translating_errors():
            self._store = _connect(lake)

    def read(self, name: str) -> Content | None:
        import obstore

        with self._translating_errors():
            try:
                found = obstore.get(self._store, name)
            except FileNotFoundError as error:
                if known_access_error(self._lake, error):
                    raise
                return None
            return Content(bytes(found.bytes()), found.meta["e_tag"])

    def write(self, name: str, data: bytes, *, over: str | None) -> str | None:
        import obstore
        from obstore.exceptions import BaseError

        with self._translating_errors():
            try:
                written = obstore.put(
                    self._store, name, data, mode="create" if over is None else {"e_tag": over}
                )
            except (BaseError, FileNotFoundError) as error:
                found = self.read(name)
                if found is not None and found.data == data:
                    return found.tag  # it was written; only the response was lost
                if _is_refused(error):
                    raise concurrent_write(self._lake) from None
                raise
            if over is None:
                self._require_conditional_writes(name, data)
            return written["e_tag"]

    def remove(self, name: str) -> None:
        self.remove_all([name])

    def remove_all(self, names: list[str]) -> None:
        """Delete the files; missing ones are ignored."""
        import obstore

        with self._translating_errors():
            obstore.delete(self._store, names)

    def names(self, under: str = "") -> list[str]:
        return sorted(self._sizes(under))

    def size_bytes(self) -> int:
        return sum(self._sizes("").values())

    def stamp(self, name: str) -> str:
        import obstore

        with self._translating_errors():
            try:
                return str(obstore.head(self._store, name)["e_tag"])
            except FileNotFoundError:
                return ""

    def digests(self, names: list[str]) -> dict[str, str]:
        """Return the ETags of the files, from one listing per table: no content is transferred.

        Listing begins at the first requested file, so that the older entries of a table's log are skipped.
        """
        import obstore

        wanted, found = set(names), dict[str, str]()
        firsts = {name.split("/")[0]: name for name in sorted(names, reverse=True)}
        with self._translating_errors():
            for table, first in firsts.items():
                for portion in obstore.list(self._store, f"{table}/", offset=first[:-1]):
                    found |= {str(one["path"]): str(one["e_tag"]) for one in portion if one["path"] in wanted}
        return found

    def download(self, name: str, target: Path) -> None:
        """Download the file to the path."""
        import obstore

        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file, self._translating_errors():
            for chunk in obstore.get(self._store, name):
                file.write(chunk)

    def upload(self, name: str, source: Path) -> None:
        """Upload the file at the path, replacing any existing one."""
        import obstore

        with self._translating_errors():
            obstore.put(self._store, name, source)

    def _sizes(self, under: str) -> dict[str, int]:
        import obstore

        with self._translating_errors():
            pages = obstore.list(self._store, prefix=under or None)
            return {found["path"]: found["size"] for page in pages for found in page}

    def _require_conditional_writes(self, name: str, data: bytes) -> None:
        """Refuse a store that ignores write conditions: two homes would overwrite each other's files."""
        import obstore
        from obstore.exceptions import BaseError

        wrong: tuple[PutMode, ...] = ("create", {"e_tag": NO_TAG})
        for mode in wrong:
            try:
                obstore.put(self._store, name, data, mode=mode)
            except BaseError as error:
                if not _is_refused(error):
                    raise
            else:
                raise StorageError(
                    f"The lake {self._lake}: the store ignores If-Match and If-None-Match.",
                    remedy="Use a store that honors them (docs/data-operations.md), or set data.lake to home.",
                    path=str(self._lake),
                )

    @contextmanager
    def _translating_errors(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError, ValueError) as error:
            known = known_access_error(self._lake, error)
            raise known or StorageError(
                f"The lake {self._lake} could not be used: {type(error).__name__}.",
                remedy=f"{INTACT}. Check the AWS_ environment variables and the store.",
                path=str(self._lake),
            ) from None


def _refuse_missing_client() -> None:
    try:
        import obstore  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "A lake in a bucket needs the package obstore.",
            remedy="Install it (pip install 'afterclose[s3]'), or set data.lake to home.",
            key="data.lake",
        ) from error


def _connect(lake: Bucket) -> "S3Store":
    from obstore.store import S3Store

    bucket, _, prefix = lake.uri.removeprefix("s3://").partition("/")
    options = client_options()
    return S3Store(
        bucket,
        prefix=prefix,
        config={"conditional_put": "etag"},
        client_options={
            "allow_http": options["allow_http"] == "true",
            "connect_timeout": options["connect_timeout"],
            "timeout": options["timeout"],
        },
        retry_config={"max_retries": MAX_RETRIES, "retry_timeout": timedelta(seconds=RETRY_TIMEOUT_S)},
    )


def _is_refused(error: Exception) -> bool:
    """Return whether a write failed its condition: the file exists already, or was changed meanwhile."""
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    return isinstance(error, AlreadyExistsError | PreconditionError)
