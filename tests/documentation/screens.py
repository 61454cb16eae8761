"""Take the pictures of the documents: the pages of a filled demo home, in headless Chromium.

Run by `make screens`, which runs the demo first. Pictures are PNG files of fewer than 250 kB each, with at most 256
colors, and name no path of the machine that takes them. What the home does not have, such as a matrix of backtests,
is left out.
"""

import base64
import email
import email.policy
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, StorageState

from flows.operations.decisions.approval import run_of
from flows.operations.decisions.review import actions_of
from flows.terminal import Options
from tasks.approval.day import published_day
from tasks.approval.store import read_day
from tasks.core.clock import now
from tasks.core.homes.home import Home
from tasks.reporting.day.store import read_history
from tasks.reporting.notify.notices.day import day_notice
from tasks.reporting.notify.rendering.mail import Stamp, render_mail
from tasks.reporting.notify.rendering.picture import equity_picture
from tests.browsing import chromium, served_review

FOLDER = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 250_000
COLOURS = 256
Prepare = Callable[[Page], None]
WIDE, PHONE = (1200, 900), (390, 844)
MAIL_WIDTHS, MAIL_HEIGHT = (600, 390), 1560
SHOWN_HOME = Path("/srv/afterclose")
SHOWN_KEY = "/home/jane/.config/afterclose/approval_key.pem"


@dataclass(frozen=True)
class Screen:
    """One picture: what is shown, how wide, in which scheme, and the element that it is of, if not the first screen."""

    name: str
    address: str
    size: tuple[int, int] = WIDE
    scheme: str = "light"
    media: str = "screen"
    element: str = ""


def main(home: Path) -> None:
    """Take every picture that the home has pages for."""
    days = sorted(path for path in (home / "live").glob("2*") if (path / "report.html").is_file())
    last = date.fromisoformat(days[-1].name)
    # the home is found by the environment, so that no command on the pages has to name it
    os.environ |= {"AFTERCLOSE_HOME": str(home), "AFTERCLOSE_APPROVAL_KEY_FILE": SHOWN_KEY}
    with chromium() as browser:
        for screen in screens(home, days):
            print_path(write(FOLDER / f"{screen.name}.png", take(browser, screen)))
        print_path(write(FOLDER / "mail.png", mail(browser, last)))
        with served_review(home, last, is_simulated=True, actions=actions_of(Options(), last)) as start:
            opened = browser.new_context()
            opened.new_page().goto(start)
            for screen, prepare in review_screens(f"{start.partition('/start')[0]}/days/{last}"):
                content = take(browser, screen, prepare, opened=opened.storage_state())
                print_path(write(FOLDER / f"{screen.name}.png", content))


def screens(home: Path, days: list[Path]) -> Iterator[Screen]:
    """Yield the pictures of the home's files."""
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


def review_screens(address: str) -> Iterator[tuple[Screen, Prepare]]:
    """Yield the pictures of the review page, and what a person does before each."""
    yield Screen("review-first", address), first_screen
    yield Screen("review-why", address), reasons
    yield Screen("review-strike", address), struck
    yield Screen("review-dark", address, scheme="dark"), struck
    yield Screen("review-phone", address, PHONE), first_screen


def first_screen(page: Page) -> None:
    """Show what a person sees first."""
    page.wait_for_selector("#verdict-title")


def reasons(page: Page) -> None:
    """Open the reasons of the second trade."""
    page.click(".who a.ticker >> nth=1")
    page.wait_for_selector(".reasons svg >> visible=true")
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


def mail(browser: Browser, day: date) -> bytes:
    """Return the mail about the day as a mail program shows it, in each width, side by side."""
    with TemporaryDirectory() as folder:
        page = Path(folder) / "mail.html"
        page.write_text(mail_page(day))
        shown = [
            Image.open(BytesIO(take(browser, Screen("mail", page.as_uri(), (width, MAIL_HEIGHT)))))
            for width in MAIL_WIDTHS
        ]
    both = Image.new("RGB", (sum(MAIL_WIDTHS) + 30, MAIL_HEIGHT), "white")
    for number, picture in enumerate(shown):
        both.paste(picture, (sum(MAIL_WIDTHS[:number]) + 30 * number, 0))
    content = BytesIO()
    both.save(content, "PNG")
    return content.getvalue()


def mail_page(day: date) -> str:
    """Return the HTML part of the mail about the day, with its picture inside."""
    run, _ = run_of(Options(), str(day))
    _, manifest, files = read_day(run.home, run.session)
    published, picture = published_day(day, manifest, files), equity_picture(read_history(run))
    notice = day_notice(Home(SHOWN_HOME), published, is_simulated=True, picture=picture)
    stamp = Stamp("afterclose@example.com", "jane@example.com", "1@example.com", now())
    content = render_mail(notice, title="Afterclose", stamp=stamp)
    parts = {
        part.get_content_type(): part
        for part in email.message_from_bytes(content, policy=email.policy.default).walk()
    }
    html: str = parts["text/html"].get_content()
    if picture is None:
        return html
    inline = f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
    return html.replace("cid:picture.1@example.com", inline)


def take(
    browser: Browser, screen: Screen, prepare: Prepare | None = None, *, opened: StorageState | None = None
) -> bytes:
    """Take one picture. `opened`: the cookies of a browser that may see the page."""
    width, height = screen.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=screen.scheme,
        reduced_motion="reduce",
        storage_state=opened,
    )
    page = context.new_page()
    page.goto(screen.address)
    page.emulate_media(media=screen.media, color_scheme=screen.scheme)
    if prepare is not None:
        prepare(page)
    target = page.locator(screen.element).first if screen.element else page
    content: bytes = target.screenshot()
    context.close()
    return content


def write(path: Path, content: bytes) -> Path:
    """Write the picture with few colors. Raises ValueError if it is still too large for the documents."""
    with Image.open(BytesIO(content)) as picture:
        picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
    return path


def print_path(path: Path) -> None:
    """Print the file."""
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
