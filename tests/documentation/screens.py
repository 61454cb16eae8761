"""Take the pictures of the documents: the pages of a filled demo home, in headless Chromium.

Run by `make screens`, which runs the demo first. Pictures are PNG files of fewer than 250 kB each, with at most 256
colours. What the home does not have, such as a matrix of backtests, is left out.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browsing import chromium, served_review

FOLDER = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 250_000
COLOURS = 256
WIDE, PHONE = (1200, 900), (390, 844)


@dataclass(frozen=True)
class Screen:
    """One picture: what is shown, how wide, in which scheme, and the element that it is of, if not the first screen."""

    name: str
    address: str
    size: tuple[int, int] = WIDE
    scheme: str = "light"
    media: str = "screen"
    element: str = ""
    whole: bool = False  # the whole page, not the first screen


def screens(home: Path) -> Iterator[Screen]:
    """Yield the pictures of the home's files."""
    days = sorted(path for path in (home / "live").glob("2*") if (path / "report.html").is_file())
    report = (days[-1] / "report.html").as_uri()
    yield Screen("report", report, (1200, 1180))
    yield Screen("report-phone", report, (390, 1400))
    yield Screen("report-dark", report, (1200, 1180), scheme="dark")
    yield Screen("report-print", report, (1200, 1500), media="print")
    yield Screen("report-performance", report, element="#performance")
    yield Screen("report-trades", report, element="#trades")
    executed = [day / "execution.html" for day in days if (day / "execution.html").is_file()]
    if executed:
        yield Screen("execution", executed[-1].as_uri())
    for page in sorted((home / "reports" / "backtests").glob("*/report.html"))[:1]:
        yield Screen("tear-sheet", page.as_uri())
    for page in sorted((home / "reports" / "backtests").glob("matrix*/report.html"))[:1]:
        yield Screen("matrix", page.as_uri())


def take(
    browser: Browser, screen: Screen, folder: Path, prepare: Callable[[Page], None] | None = None
) -> Path:
    """Take one picture and return its file."""
    width, height = screen.size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=screen.scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(screen.address)
    page.emulate_media(media=screen.media, color_scheme=screen.scheme)
    if prepare is not None:
        prepare(page)
    target = page.locator(screen.element).first if screen.element else page
    content = target.screenshot() if screen.element else page.screenshot(full_page=screen.whole)
    context.close()
    return write(folder / f"{screen.name}.png", content)


def write(path: Path, content: bytes) -> Path:
    """Write the picture with few colours. Raises ValueError if it is still too large for the documents."""
    with Image.open(BytesIO(content)) as picture:
        picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
    return path


@contextmanager
def review_screens(home: Path) -> Iterator[list[Screen]]:
    """Yield the pictures of the review page while it is served."""
    last = max(path.name for path in (home / "live").glob("2*") if (path / "report.html").is_file())
    with served_review(home, date.fromisoformat(last), is_simulated=True) as address:
        yield [Screen("review", address, (1200, 1000))]


def main(home: Path) -> None:
    """Take every picture that the home has pages for."""
    with chromium() as browser:
        for screen in screens(home):
            sys.stdout.write(f"{take(browser, screen, FOLDER)}\n")
        with review_screens(home) as served:
            for screen in served:
                sys.stdout.write(f"{take(browser, screen, FOLDER)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
