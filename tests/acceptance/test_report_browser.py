"""The report in Chromium: accessible in light and dark, on a phone and a desk, and quick to make."""

from time import process_time

import pytest

from tasks.reporting.page.rendering import render_day
from tests.browsing import chromium, faults, watched
from tests.unit.reporting.example_day import make_inputs

pytestmark = pytest.mark.browser
WIDTHS = {"desktop": 1200, "phone": 390}


@pytest.fixture(scope="module")
def browser():
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name in ("ordinary", "blocked", "empty"):
        inputs = make_inputs(blocked=name == "blocked", empty=name == "empty")
        made[name] = folder / f"{name}.html"
        made[name].write_bytes(render_day(inputs, positions_sha256=None).files["report.html"])
    return made


@pytest.mark.parametrize(
    ("day", "scheme", "width"),
    [
        ("ordinary", "light", "desktop"),
        ("ordinary", "light", "phone"),
        ("ordinary", "dark", "desktop"),
        ("ordinary", "dark", "phone"),
        ("blocked", "light", "phone"),
        ("blocked", "dark", "desktop"),
        ("empty", "light", "desktop"),
        ("empty", "dark", "phone"),
    ],
)
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(browser, pages, day, scheme, width):
    context = browser.new_context(
        viewport={"width": WIDTHS[width], "height": 844}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    errors = watched(page)
    page.goto(pages[day].as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")

    found = faults(page)
    width_of_page = page.evaluate("document.documentElement.scrollWidth")
    context.close()

    assert found == []
    assert errors == []
    assert width_of_page <= WIDTHS[width]


def test_every_link_of_the_page_leads_to_a_section_of_it(browser, pages):
    page = browser.new_page()
    page.goto(pages["ordinary"].as_uri())

    lost = page.evaluate(
        "[...document.querySelectorAll('a')].map(one => one.getAttribute('href'))"
        ".filter(one => !one.startsWith('#') || !document.getElementById(decodeURIComponent(one.slice(1))))"
    )

    assert lost == []


def test_the_first_screen_has_the_answer_the_commands_the_costs_and_what_a_strike_leaves(browser, pages):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.goto(pages["ordinary"].as_uri())

    ends = page.evaluate(
        "['#readiness', '.commands', '#paid', '#attention', '#brief tbody tr']"
        ".map(one => document.querySelector(one).getBoundingClientRect().bottom)"
    )

    assert max(ends) < 1000


def test_a_printed_page_shows_what_is_folded_and_is_as_wide_as_the_paper(browser, pages):
    page = browser.new_page(viewport={"width": 794, "height": 1123})
    page.goto(pages["ordinary"].as_uri())
    page.emulate_media(media="print")

    assert page.evaluate("document.documentElement.scrollWidth") <= 794

    heights = page.evaluate(
        "[...document.querySelectorAll('details')].map(one => one.getBoundingClientRect().height)"
    )

    assert min(heights) > 8


def test_a_day_is_rendered_in_less_than_a_second_of_cpu_and_is_small():
    inputs = make_inputs()
    render_day(inputs, positions_sha256=None)
    started = process_time()

    page = render_day(inputs, positions_sha256=None).files["report.html"]

    assert process_time() - started < 1.0
    assert len(page) < 1_000_000
