"""Pages in Chromium: a server for the application, a browser, and what a page may not have.

Chromium is Debian's: `make test-browser` installs it where it is missing.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import sleep

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from flows.operations.decisions.review import actions_of
from flows.operations.decisions.serving import listening_on, server_of
from flows.terminal import Options
from tasks.core.clock import stopwatch
from tasks.reporting.review.access.admission import Admission
from tasks.reporting.review.access.guard import endpoint
from tasks.reporting.review.application import make_application

CHROMIUM = Path("/usr/bin/chromium")
SERIOUS = {"serious", "critical"}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served_review(home: Path, first: date, *, is_simulated: bool = False, actions=None) -> Iterator[str]:
    """Serve the review page of a home in this process; yield the address that opens it."""
    listening = listening_on("127.0.0.1", 0)
    served, admission = endpoint("127.0.0.1", listening.getsockname()[1]), Admission(stopwatch)
    application = make_application(
        actions or actions_of(Options(home=home), first),
        served=served,
        admission=admission,
        clock=stopwatch,
        title="Afterclose",
        is_simulated=is_simulated,
        first=first,
    )
    server = server_of(application)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    try:
        yield f"{served.origin}/start/{admission.start_token}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


def watched(page: Page) -> list[str]:
    """Return a list that receives every error that the page reports."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    return errors


def faults(page: Page) -> list[str]:
    """Return what axe-core finds serious about the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['target']}"
        for one in found
        if one["impact"] in SERIOUS
    ]
