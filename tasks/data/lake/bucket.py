"""Reach the files of a lake in a bucket, and say in words what stands in the way.

Two clients go there: the tables' own library, and one for the small files beside them, because only that can write on
condition. Both read keys and address from the environment (docs/data-operations.md). What a server answers may quote
parts of a request, so nothing of it is ever passed on.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.errors import ConfigError, StorageError
from tasks.data.lake.files import Content, written_meanwhile
from tasks.data.schema.records import Bucket

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import S3Store

CONNECT_TIMEOUT, TIMEOUT = (
    "5s",
    "30s",
)  # of one request, unless AWS_CONNECT_TIMEOUT and AWS_TIMEOUT say otherwise
MAX_RETRIES, RETRY_TIMEOUT_S = 2, 60
NO_TAG = '"no such tag"'
INTACT = "The last snapshot is intact"

# What both clients say, in the order in which it is looked for, and what that means.
TROUBLES = (
    (r"NoSuchBucket", "there is no such bucket", "Create it, or mend data.lake."),
    (
        r"/latest/(api|meta-data)",  # of the service that tells a machine in the cloud which role it has
        "no keys were found",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.",
    ),
    (
        r"401 Unauthorized|403 Forbidden",
        "access was refused: the keys are wrong, or they do not allow to list, read, write and delete there",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY again, or mend what they allow.",
    ),
    (r"[Rr]edirect", "the bucket is in another region", "Set AWS_REGION to the bucket's."),
    (
        r"builder error",
        "the address in AWS_ENDPOINT_URL cannot be used",
        "Write it as https://…; plain http also wants AWS_ALLOW_HTTP=true, and is for a server on this machine.",
    ),
    (
        r"timed out|kind: Timeout",
        "it did not answer in time",
        "Run again later; AWS_TIMEOUT is how long an answer may take.",
    ),
    (
        r"error sending request|HTTP error",
        "it cannot be reached",
        "Look to the network and to AWS_ENDPOINT_URL, then run again.",
    ),
    (
        r"status code\W+(429|5\d\d)",  # the tables' library puts an arrow and a line end in between
        "the store is in trouble",
        "Look to the store, then run again.",
    ),
)


def client_options() -> dict[str, str]:
    """Return how both clients go there: patient for so long, and never over what another has written."""
    return {
        "conditional_put": "etag",
        "allow_http": os.environ.get("AWS_ALLOW_HTTP", "false").lower(),
        "connect_timeout": os.environ.get("AWS_CONNECT_TIMEOUT", CONNECT_TIMEOUT),
        "timeout": os.environ.get("AWS_TIMEOUT", TIMEOUT),
        "max_retries": str(MAX_RETRIES),
        "retry_timeout": f"{RETRY_TIMEOUT_S}s",
    }


def trouble(lake: Bucket, error: Exception) -> StorageError | None:
    """Return what stands between us and the bucket; None where the error is about what lies in it."""
    said = str(error)
    for pattern, what, remedy in TROUBLES:
        if re.search(pattern, said):
            return StorageError(f"The lake {lake}: {what}.", remedy=f"{INTACT}. {remedy}", path=str(lake))
    return None


class Objects:
    """The files of a lake in a bucket. Raises StorageError for whatever stands in the way."""

    def __init__(self, lake: Bucket) -> None:
        _refuse_missing_client()
        self._lake = lake
        with self._telling():
            self._store = _connected(lake)

    def read(self, name: str) -> Content | None:
        import obstore

        with self._telling():
            try:
                found = obstore.get(self._store, name)
            except FileNotFoundError as error:
                if trouble(self._lake, error):
                    raise
                return None
            return Content(bytes(found.bytes()), found.meta["e_tag"])

    def write(self, name: str, data: bytes, *, over: str | None) -> str | None:
        import obstore
        from obstore.exceptions import BaseError

        with self._telling():
            try:
                written = obstore.put(
                    self._store, name, data, mode="create" if over is None else {"e_tag": over}
                )
            except (BaseError, FileNotFoundError) as error:
                found = self.read(name)
                if found is not None and found.data == data:
                    return found.tag  # it was written, only the answer was lost
                if _is_refused(error):
                    raise written_meanwhile(self._lake) from None
                raise
            if over is None:
                self._refuse_careless(name, data)
            return written["e_tag"]

    def remove(self, name: str) -> None:
        self.remove_all([name])

    def remove_all(self, names: list[str]) -> None:
        """Delete the files; one that is not there is no matter."""
        import obstore

        with self._telling():
            obstore.delete(self._store, names)

    def names(self, under: str = "") -> list[str]:
        return sorted(self._sizes(under))

    def size_bytes(self) -> int:
        return sum(self._sizes("").values())

    def stamp(self, name: str) -> str:
        import obstore

        with self._telling():
            try:
                return str(obstore.head(self._store, name)["e_tag"])
            except FileNotFoundError:
                return ""

    def digests(self, names: list[str]) -> dict[str, str]:
        """Return the tags that the store gave the content, from one listing a table: nothing is transferred.

        Listing begins at the first file that is asked for, so that the years of a table's log are not listed.
        """
        import obstore

        wanted, found = set(names), dict[str, str]()
        firsts = {name.split("/")[0]: name for name in sorted(names, reverse=True)}
        with self._telling():
            for table, first in firsts.items():
                for portion in obstore.list(self._store, f"{table}/", offset=first[:-1]):
                    found |= {str(one["path"]): str(one["e_tag"]) for one in portion if one["path"] in wanted}
        return found

    def fetch(self, name: str, target: Path) -> None:
        """Write the file to the path."""
        import obstore

        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file, self._telling():
            for chunk in obstore.get(self._store, name):
                file.write(chunk)

    def bring(self, name: str, source: Path) -> None:
        """Take what is at the path as the file, whatever was there."""
        import obstore

        with self._telling():
            obstore.put(self._store, name, source)

    def _sizes(self, under: str) -> dict[str, int]:
        import obstore

        with self._telling():
            pages = obstore.list(self._store, prefix=under or None)
            return {found["path"]: found["size"] for page in pages for found in page}

    def _refuse_careless(self, name: str, data: bytes) -> None:
        """Refuse a store that writes whatever the condition: there two homes would overwrite one another."""
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
                    f"The lake {self._lake}: the store does not heed If-Match and If-None-Match.",
                    remedy="Take one that does (docs/data-operations.md), or set data.lake to home.",
                    path=str(self._lake),
                )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError, ValueError) as error:
            known = trouble(self._lake, error)
            raise known or StorageError(
                f"The lake {self._lake} could not be used: {type(error).__name__}.",
                remedy=f"{INTACT}. Look to the AWS_ variables of the environment and to the store.",
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


def _connected(lake: Bucket) -> "S3Store":
    from obstore.store import S3Store

    bucket, _, prefix = lake.uri.removeprefix("s3://").partition("/")
    told = client_options()
    return S3Store(
        bucket,
        prefix=prefix,
        config={"conditional_put": "etag"},
        client_options={
            "allow_http": told["allow_http"] == "true",
            "connect_timeout": told["connect_timeout"],
            "timeout": told["timeout"],
        },
        retry_config={"max_retries": MAX_RETRIES, "retry_timeout": timedelta(seconds=RETRY_TIMEOUT_S)},
    )


def _is_refused(error: Exception) -> bool:
    """Tell whether a write was refused for its condition: the file is there already, or is another one by now."""
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    return isinstance(error, AlreadyExistsError | PreconditionError)
