"""Recompute a published day and compare it with what was published, byte for byte. Changes nothing."""

import logging
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from flows.replay import past_day, replayed_files
from flows.terminal import Options, Result, progress
from tasks.approval.day import PublishedDay, published_day
from tasks.approval.refusal import refusal
from tasks.approval.store import read_day
from tasks.core.clock import now
from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, session_named, settings_of
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.json_text import parse_json
from tasks.core.sessions import Session
from tasks.core.text import counted
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint, published_by
from tasks.portfolio.holdings.record import published_sessions

log = logging.getLogger(__name__)

BEFORE, LONGEST = 60, 160  # characters of a line that are shown: before the difference, and in all
APART = ("timings", "versions", "sha256")  # of a manifest: compared by the files, or stated separately


class Difference(NamedTuple):
    """A file that differs, and an excerpt of its first differing line, counted from 1."""

    file: str
    line: int
    published: str
    replayed: str


def replay(options: Options, day: str) -> Result:
    """Compute the day again from its kept inputs; exit 3 if a byte differs, except the manifest's timings."""
    home = find_home(options.home)
    published = read_published(home, day)
    settings = settings_of(home, options.profile).settings
    with (
        progress(options),
        past_day(home, published, settings) as past,
        published_by(published.inputs["code"]),
    ):
        again = replayed_files(past)
    differences = tuple(_differences(published, again))
    versions = _other_versions(published.manifest, again[MANIFEST])
    document = {
        "session": str(published.session),
        "equal": not differences,
        "files": len(again),
        "differences": [one._asdict() for one in differences],
        "versions": {name: {"published": then, "now": now_} for name, (then, now_) in versions.items()},
    }
    text = "\n".join(_lines(published, differences, versions, files=len(again)))
    return Result(document, text, SafetyError.exit_code if differences else 0)


def read_published(home: Home, day: str) -> PublishedDay:
    """Return the day as published, whether or not a revision of it was approved.

    Raises SafetyError if its files are not those that its manifest lists, and ConfigError for a day without a session.
    """
    session = session_named(day, at=now())
    _refuse_unpublishable(home, session)
    _, manifest, files = read_day(home, session, revision=0)
    return published_day(session.day, manifest, files)


def _refuse_unpublishable(home: Home, session: Session) -> None:
    """Raise for a session that was not published and cannot be: running the day would not help."""
    if session.closes_at is None:
        raise ConfigError(
            f"The exchange was closed on {session}, so nothing was published.",
            remedy="Choose a session that was published.",
            date=str(session),
        )
    first = min(published_sessions(home), default=session.day)
    if session.day < first:
        raise refusal(
            "day",
            f"Nothing was published for {session}: the first published session of this home is {first}.",
            remedy=f"Choose {first} or a later session.",
        )


def _differences(published: PublishedDay, again: Mapping[str, bytes]) -> Iterator[Difference]:
    for name in sorted(published.files):
        yield from _difference(name, published.files[name], again[name])
    yield from _difference(
        MANIFEST, *(_compared(content) for content in (published.manifest, again[MANIFEST]))
    )


def _difference(name: str, published: bytes, again: bytes) -> Iterator[Difference]:
    if published == again:
        return
    lines = zip_longest(_decoded(published), _decoded(again), fillvalue="(no such line)")
    for number, (one, other) in enumerate(lines, start=1):
        if one != other:
            equal = next(
                (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
                len(one),
            )
            start = max(equal - BEFORE, 0)
            excerpts = (text[start : start + LONGEST].rstrip("\n") for text in (one, other))
            yield Difference(name, number, *excerpts)
            return


def _decoded(content: bytes) -> list[str]:
    return content.decode(errors="backslashreplace").splitlines(keepends=True)


def _compared(manifest: bytes) -> bytes:
    """Return the manifest, one field a line, without what is compared elsewhere."""
    fields = {name: value for name, value in parse_json(manifest).items() if name not in APART}
    flat = fields | {f"inputs.{name}": value for name, value in fields.pop("inputs").items()}
    return "".join(f"{name}: {flat[name]}\n" for name in sorted(flat)).encode()


def _other_versions(published: bytes, again: bytes) -> dict[str, tuple[Any, Any]]:
    then, today = (parse_json(content)["versions"] for content in (published, again))
    today |= {"code": code_fingerprint(CODE_ROOT)}
    return {
        name: (then.get(name), today.get(name))
        for name in sorted({*then, *today})
        if then.get(name) != today.get(name)
    }


def _lines(
    published: PublishedDay,
    differences: tuple[Difference, ...],
    versions: Mapping[str, tuple[Any, Any]],
    *,
    files: int,
) -> Iterator[str]:
    if differences:
        yield f"{published.session}: {counted(len(differences), 'file')} of {files} would differ."
    else:
        yield f"{published.session}: all {files} files are equal to the published ones in every byte."
    for one in differences:
        yield f"{one.file}, line {one.line}:"
        yield f"  published: {one.published}"
        yield f"  replayed:  {one.replayed}"
    for name, (then, today) in versions.items():
        yield f"Published with another version of {name}: {str(then)[:16]}, now {str(today)[:16]}."
