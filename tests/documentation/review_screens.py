"""Take the pictures of docs/review.md: the review page of a demo home, in Chromium, as a person uses it.

`python -m tests.documentation.review_screens demo` after `make demo`. Each picture has at most 128 colours.
"""

import sys
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.browsing import chromium, served_review

FOLDER = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 128
WIDE, PHONE = (1200, 900), (390, 844)


def first_screen(page: Page) -> None:
    """Show what a person sees first."""
    page.wait_for_selector("#verdict-title")


def reasons(page: Page) -> None:
    """Open the reasons of the second trade."""
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".reasons figure")
    page.evaluate("document.getElementById('trades').scrollIntoView()")


def struck(page: Page) -> None:
    """Strike the largest purchase with the keyboard."""
    page.click("thead >> text=Amount")
    page.click("thead >> text=Amount")
    page.fill("#search", "buy")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.wait_for_selector(".dock .shift")
    page.click(".dock summary")
    page.evaluate("document.getElementById('trades').scrollIntoView()")


PICTURES: tuple[tuple[str, tuple[int, int], str, Callable[[Page], None]], ...] = (
    ("review-first", WIDE, "light", first_screen),
    ("review-why", WIDE, "light", reasons),
    ("review-strike", WIDE, "light", struck),
    ("review-dark", WIDE, "dark", struck),
    ("review-phone", PHONE, "light", first_screen),
)


def main(home: Path) -> None:
    """Take every picture."""
    day = max(path.name for path in (home / "live").glob("2*") if (path / "report.html").is_file())
    with chromium() as browser, served_review(home, date.fromisoformat(day), is_simulated=True) as start:
        opened = browser.new_context()
        opened.new_page().goto(start)
        for name, (width, height), scheme, prepare in PICTURES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                storage_state=opened.storage_state(),
            )
            page = context.new_page()
            page.goto(f"{start.partition('/start')[0]}/days/{day}")
            prepare(page)
            with Image.open(BytesIO(page.screenshot())) as picture:
                picture.convert("RGB").quantize(COLOURS).save(FOLDER / f"{name}.png", optimize=True)
            context.close()
            sys.stdout.write(f"{FOLDER / name}.png\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
