"""The fenced blocks of the docs, with how each one is to be used.

Every block names its language. One of `sh` is run as written, line by line, unless a remark above it says why not:
`<!-- not run: needs your keys -->`.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCED = re.compile(r"(?:<!-- not run(?: here)?: (.+?) -->\n)? *```(\S*)\n(.*?)\n? *```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str  # path in the checkout
    number: int  # within the page, from 1
    language: str
    text: str
    not_run: str  # why it is not run, "" if it is

    @property
    def id(self) -> str:
        return f"{self.page}:{self.number}"

    @property
    def lines(self) -> list[str]:
        """Return the commands without comments."""
        without = [re.split(r"(?:^|\s)#\s", line)[0].strip() for line in self.text.splitlines()]
        return [line for line in without if line]


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of these languages (default: all), in the order of pages."""
    every = [block for page in PAGES for block in _blocks_of(page)]
    return [block for block in every if not languages or block.language in languages]


def _blocks_of(page: Path) -> Iterator[Block]:
    for number, found in enumerate(FENCED.finditer(page.read_text()), start=1):
        not_run, language, text = found.groups(default="")
        yield Block(str(page.relative_to(ROOT)), number, language, textwrap.dedent(text), not_run)
