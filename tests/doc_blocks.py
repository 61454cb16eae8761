"""The fenced blocks of the docs, with how each one is to be used.

Every block names its language. One of `sh` is run as written, line by line, unless a remark above it says why not:
`<!-- not run: needs your keys -->`. `<!-- at 2024-06-17 18:00 -->` sets the clock (New York time) for it and the blocks
after it on the page.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
REMARKS = r"(?:<!-- not run(?: here)?: (.+?) -->\n)?(?:<!-- at (.+?) -->\n)?"
FENCED = re.compile(REMARKS + r" *```(\S*)\n(.*?)\n? *```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str  # path in the checkout
    number: int  # within the page, from 1
    language: str
    text: str
    not_run: str  # why it is not run, "" if it is
    at: datetime | None  # what the clock is set to before it is run

    @property
    def id(self) -> str:
        return f"{self.page}:{self.number}"

    @property
    def lines(self) -> list[str]:
        """Return the commands without comments."""
        without = [re.split(r"(?:^|\s)#\s", line)[0].strip() for line in self.text.splitlines()]
        return [line for line in without if line]

    @property
    def idle_lines(self) -> set[str]:
        """Return the commands that may have nothing to do, as their comment says: "exits 4"."""
        return {
            re.split(r"(?:^|\s)#\s", line)[0].strip()
            for line in self.text.splitlines()
            if re.search(r"#\s.*\bexits 4\b", line)
        }


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of these languages (default: all), in the order of pages."""
    return [block for block in _every_block() if not languages or block.language in languages]


@cache
def _every_block() -> tuple[Block, ...]:
    return tuple(block for page in PAGES for block in _blocks_of(page))


def _blocks_of(page: Path) -> Iterator[Block]:
    for number, found in enumerate(FENCED.finditer(page.read_text()), start=1):
        not_run, at, language, text = found.groups(default="")
        clock = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("America/New_York")) if at else None
        yield Block(str(page.relative_to(ROOT)), number, language, textwrap.dedent(text), not_run, clock)
