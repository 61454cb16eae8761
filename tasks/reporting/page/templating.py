"""The one template environment of everything that is sent or shown as HTML: the report, the review, the mails."""

import hashlib
import marshal
import os
import sys
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from tasks.core.reading import read_bytes, read_text
from tasks.core.text import replace_unprintable

DIGEST_BYTES = hashlib.sha256().digest_size
TAG = sys.implementation.cache_tag


class CompiledTemplates(BytecodeCache):
    """Keeps compiled templates in the package's `__pycache__`, like modules: to compile them takes 0.2 s of a day.

    A file is named after all that its content depends on: the template's name and text, Python, Jinja and the settings
    below. One that is damaged, or that cannot be written, is compiled again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "__pycache__"
        self._version = f"{jinja2.__version__} {read_text(Path(__file__))}"

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the code if it is stored whole."""
        with suppress(OSError):
            stored = read_bytes(self._path(bucket))
            digest, code = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
            if hashlib.sha256(code).digest() == digest:
                bucket.code = marshal.loads(code)  # noqa: S302 - as Python loads its own __pycache__

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Store the code if the package can be written, in place of what was stored of the template before."""
        code = marshal.dumps(bucket.code)
        path = self._path(bucket)
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            for earlier in self._folder.glob(f"{bucket.key}.{TAG}.*"):
                earlier.unlink()
            written = path.with_suffix(f".{os.getpid()}")
            written.write_bytes(hashlib.sha256(code).digest() + code)
            written.replace(path)

    def _path(self, bucket: Bucket) -> Path:
        version = hashlib.sha256(f"{bucket.checksum} {self._version}".encode()).hexdigest()
        return self._folder / f"{bucket.key}.{TAG}.{version}"


def html_environment(folder: Path) -> Environment:
    """Return an environment for the templates of a directory: escapes everything, and raises on undefined values."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=CompiledTemplates(folder),
    )


def harmless(value: object) -> object:
    """Return a value with unprintable characters replaced, unless it is markup of our own."""
    return replace_unprintable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
