"""Store the frames that stages pass on, as Parquet files in the run's work directory, checked by their hash.

Stages pass `ArtifactRef`, never frames, so that Prefect has nothing large to hash or persist.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tasks.core.atomic import write_bytes
from tasks.core.errors import StorageError
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.reading import read_bytes


@dataclass(frozen=True)
class ArtifactRef:
    """The path of a stored frame and the SHA-256 of its bytes."""

    name: str
    path: Path
    sha256: str


def save_frame(run: Run, name: str, frame: pd.DataFrame) -> ArtifactRef:
    """Store the frame for later stages of this run. The same frame gives the same bytes."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, compression="zstd")
    content = buffer.getvalue()
    path = run.home.work / str(run.session) / f"{name}.parquet"
    write_bytes(path, content)
    return ArtifactRef(name, path, sha256_of_bytes(content))


def load_frame(ref: ArtifactRef) -> pd.DataFrame:
    """Read the frame back. Raises StorageError if the bytes differ from those stored."""
    content = read_bytes(ref.path)
    if sha256_of_bytes(content) != ref.sha256:
        raise StorageError(
            f"{ref.path} was changed during the run.",
            remedy="Make sure that nothing else writes to data/work, then run again.",
            path=str(ref.path),
        )
    return pd.read_parquet(io.BytesIO(content))
