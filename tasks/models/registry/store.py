"""Store champions so that no crash, truncation or tampering can make a day use a partial or altered model.

A version is a directory, `production/versions/NNNN-<hash>/`, with model and metadata, renamed into place. The pair in
`production/` is a copy of one version. `champion_metadata.json` is the single commit point: it names the model by hash.
The model is copied first, so between the two steps the model file may belong to a newer version: it is recognized by
its hash, and the model that the metadata names is read from its own version. Bytes that match no version are rejected
as damaged. Nothing is parsed before its hash is checked, and nothing is unpickled.

The challenger, `production/challenger/`, is such a pair too, in a directory that is replaced atomically.
"""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from tasks.core.atomic import remove_leftovers, replace_folder, write_bytes
from tasks.core.errors import ModelError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.replay_inputs import published_inputs
from tasks.core.ids import sha256_of_bytes
from tasks.core.reading import read_bytes
from tasks.models.registry.metadata import (
    LARGEST_MODEL,
    METADATA_NAME,
    MODEL_NAME,
    TRAIN_AGAIN,
    Metadata,
    damaged,
    read_metadata,
    read_or_refuse,
    sealed,
)
from tasks.models.schema import Baseline, Champion

VERSIONS_KEPT = 3
CHALLENGER = "challenger"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """A stored champion: metadata and model bytes, hashes verified."""

    metadata: Metadata
    model: bytes


@dataclass(frozen=True)
class Version:
    """A stored version and its name, the number in the order of writing and a hash: NNNN-HASH."""

    name: str
    stored: Stored


def versions_folder(home: Home) -> Path:
    """Return the directory of the versions."""
    return home.production / "versions"


def has_champion(home: Home) -> bool:
    """Return whether a champion was ever promoted, valid or not."""
    return (home.production / METADATA_NAME).exists()


def read_champion(home: Home) -> Champion:
    """Return the champion in production from its verified metadata; the model is not read."""
    return read_metadata(home.production / METADATA_NAME).champion


def read_production(home: Home) -> Stored:
    """Return the champion in production, hashes verified. Raises ModelError if it is missing or damaged."""
    metadata = read_metadata(home.production / METADATA_NAME)
    wanted = metadata.champion.model_sha256
    path = home.production / metadata.model_name
    found = read_or_refuse(path, "", most_bytes=LARGEST_MODEL) if path.exists() else None
    if found is not None and sha256_of_bytes(found) == wanted:
        return Stored(metadata, found)
    versions = {stored.metadata.champion.model_sha256: stored for stored in read_versions(home)}
    is_interrupted = found is None or sha256_of_bytes(found) in versions
    if wanted in versions and is_interrupted:
        return Stored(metadata, versions[wanted].model)
    raise ModelError(
        f"production/{path.name}, which {METADATA_NAME} names, is missing."
        if found is None
        else f"production/{path.name} was truncated or changed: its sha256 differs from that in {METADATA_NAME}.",
        remedy=f"Restore production/ from a backup. {TRAIN_AGAIN}",
        file=path.name,
    )


def baseline_of(home: Home, model_sha256: str) -> Baseline | None:
    """Return the baseline stored with a model that is in production or kept; None if it has none, or is not there."""
    current = read_metadata(home.production / METADATA_NAME)
    if current.champion.model_sha256 == model_sha256:
        return current.baseline
    kept = [stored.metadata for stored in read_versions(home)]
    found = (one.baseline for one in reversed(kept) if one.champion.model_sha256 == model_sha256)
    return next((baseline for baseline in found if baseline is not None), None)


def read_versions(home: Home) -> list[Stored]:
    """Return the intact versions, oldest first. Damaged ones are skipped."""
    return [version.stored for version in intact_versions(home)]


def intact_versions(home: Home) -> list[Version]:
    """Return the intact versions with their names, oldest first. Damaged ones are skipped."""
    versions = []
    for folder in _version_folders(home):
        try:
            versions.append(Version(folder.name, _read_version(folder)))
        except ModelError:
            continue
    return versions


def write_version(home: Home, metadata: Metadata, model: bytes) -> Path:
    """Store the pair as a new version unless it exists already; return its directory."""
    if sha256_of_bytes(model) != metadata.champion.model_sha256:
        raise ModelError(
            "The model does not match the hash in its metadata.", remedy="Run `afterclose weekly` again."
        )
    text = sealed(metadata)
    digest = sha256_of_bytes(text)[:12]
    remove_leftovers(versions_folder(home))
    folders = _version_folders(home)
    for folder in folders:
        if folder.name.endswith(digest) and _is_intact(folder):
            return folder
    number = int(folders[-1].name[:4]) + 1 if folders else 1
    target = versions_folder(home) / f"{number:04d}-{digest}"
    with replace_folder(target) as folder:
        write_bytes(folder / metadata.model_name, model)
        write_bytes(folder / METADATA_NAME, text)
    return target


def promote_version(home: Home, version: Path) -> None:
    """Copy the version into production. After a crash at any point either the old or the new one is loaded."""
    stored = _read_version(version)
    write_bytes(home.production / stored.metadata.model_name, stored.model)
    write_bytes(home.production / METADATA_NAME, read_bytes(version / METADATA_NAME))
    for other in home.production.glob(f"{MODEL_NAME}.*"):
        if other.name != stored.metadata.model_name:
            other.unlink()


def write_challenger(home: Home, metadata: Metadata, model: bytes) -> None:
    """Replace the challenger atomically."""
    with replace_folder(home.production / CHALLENGER) as folder:
        write_bytes(folder / metadata.model_name, model)
        write_bytes(folder / METADATA_NAME, sealed(metadata))


def clear_challenger(home: Home) -> None:
    """Remove the challenger atomically, if there is one: its directory is exchanged for an empty one."""
    if (home.production / CHALLENGER / METADATA_NAME).exists():
        with replace_folder(home.production / CHALLENGER):
            pass


def read_challenger(home: Home) -> Stored | None:
    """Return the challenger, hashes verified; None without one. Raises ModelError if it is damaged."""
    folder = home.production / CHALLENGER
    return _read_version(folder) if (folder / METADATA_NAME).exists() else None


def restore_versions(home: Home, place: Home, champion: str) -> None:
    """Give another home the versions that its champion's metadata and this sha256 of a model name.

    They are links, so the other home must be deleted before this one's versions are pruned.
    """
    wanted = {champion, read_metadata(place.production / METADATA_NAME).champion.model_sha256}
    versions_folder(place).mkdir(parents=True)
    for version in intact_versions(home):
        if version.stored.metadata.champion.model_sha256 in wanted:
            (versions_folder(place) / version.name).symlink_to(versions_folder(home) / version.name)


def prune_versions(home: Home) -> None:
    """Delete all but the last `VERSIONS_KEPT` versions, never the one in production nor that of a published day.

    If the manifest of a day cannot be read, nothing is deleted.
    """
    in_production = read_metadata(home.production / METADATA_NAME)
    try:
        named = {inputs.champion for inputs in published_inputs(home).values()}
    except StorageError as error:
        log.warning("%s No version of the champion is deleted until then.", error)
        return
    for folder in _version_folders(home)[:-VERSIONS_KEPT]:
        if not _is_needed(folder, in_production, named):
            shutil.rmtree(folder)


def _is_needed(folder: Path, in_production: Metadata, named: set[str]) -> bool:
    """Return whether a version is in production or was used by a published day; a damaged one counts as neither."""
    try:
        metadata = read_metadata(folder / METADATA_NAME)
    except ModelError:
        return False
    return metadata == in_production or metadata.champion.model_sha256 in named


def _version_folders(home: Home) -> list[Path]:
    """Return the version directories, oldest first."""
    return sorted(
        folder for folder in versions_folder(home).glob("[0-9][0-9][0-9][0-9]-*") if folder.is_dir()
    )


def _read_version(folder: Path) -> Stored:
    metadata = read_metadata(folder / METADATA_NAME)
    content = read_or_refuse(
        folder / metadata.model_name, f"{folder.name} has no model file.", most_bytes=LARGEST_MODEL
    )
    if sha256_of_bytes(content) != metadata.champion.model_sha256:
        raise damaged(folder / metadata.model_name, "its sha256 differs")
    return Stored(metadata, content)


def _is_intact(folder: Path) -> bool:
    try:
        _read_version(folder)
    except ModelError:
        return False
    return True
