"""The review page in Chromium as a person uses it: decide, strike, search; by keyboard, on a phone, without script."""

import csv
import json
import re
from dataclasses import replace
from time import perf_counter

import pytest

from flows.operations.decisions.review import actions_of
from flows.terminal import Options
from tasks.approval.decisions import add_approver
from tasks.approval.keys import public_key
from tasks.core.homes.home import Home
from tasks.reporting.day.filled_book import Limits
from tasks.reporting.review.schema import Effect, Figures, Resized
from tasks.safety.kill_switch.switch import read_switch
from tests.approval_days import (
    EVENING,
    OPEN,
    PASSPHRASE,
    cheap_key,
    clock_at,
    folder_of,
    make_home,
    publish,
)
from tests.browsing import chromium, faults, served_review, watched
from tests.builders import FRIDAY
from tests.homes import afterclose, run_day

pytestmark = pytest.mark.browser
DAY = f"/days/{FRIDAY}"


@pytest.fixture(scope="module")
def browser():
    with chromium() as made:
        yield made


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name in ("AFTERCLOSE_APPROVAL_PASSPHRASE", "AFTERCLOSE_APPROVAL_KEY_FILE", "AFTERCLOSE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AFTERCLOSE_APPROVAL_KEY_FILE", str(tmp_path / "ann.pem"))
    with clock_at(EVENING):
        run = make_home(tmp_path / "home")
        key = cheap_key(tmp_path / "ann.pem")
        add_approver(run.home, "Ann Lee", public_key_of(key), "Root", "set-up", EVENING)
        yield run


def public_key_of(path):
    from tasks.approval.key_file import read_key

    return public_key(read_key(path, PASSPHRASE.encode))


def figures(trades, cash, sectors):
    return Figures(trades, cash, 0.05, 0.02, 3.0, 0.2, 0.009, sectors)


def tried(session, asked):
    """What changes would do, without deciding anything."""
    solved = (Resized("AAPL", -100, -90),) if asked.solve else ()
    return Effect(
        figures(2, 961_997.0, {"Technology": 0.04}),
        figures(2 - len(asked.strike), 980_000.0, {"Technology": 0.02}),
        Limits(50, 1.0, 5_000.0, 0.25, 0.02, {"Technology": 0.3}),
        (*(Resized(symbol, 40, 0) for symbol in asked.strike), *solved),
        (),
    )


@pytest.fixture
def opened(run, browser):
    """Return a function that opens the day; the page must report no error."""
    contexts, errors = [], []
    actions = replace(actions_of(Options(home=run.home.root), FRIDAY), preview=tried)
    with served_review(run.home.root, FRIDAY, actions=actions) as start:
        state = None

        def open_page(path=DAY, **options):
            nonlocal state
            context = browser.new_context(
                **{"viewport": {"width": 1200, "height": 900}, **options}, storage_state=state
            )
            contexts.append(context)
            page = context.new_page()
            errors.append(watched(page))
            if state is None:
                page.goto(start)
                state = context.storage_state()
            page.goto(start.partition("/start")[0] + path)
            return page

        yield open_page
        for context in contexts:
            context.close()
    assert [error for one in errors for error in one if "status of 4" not in error] == []


def approve(page, *, passphrase=PASSPHRASE):
    page.select_option("#approve-by", "Ann Lee")
    page.fill("#passphrase", passphrase)
    page.click("text=Sign and approve")


def approved(run):
    return (folder_of(run) / "approval.json").exists()


def test_a_day_is_approved_and_then_rejected(opened, run):
    page = opened()

    approve(page)
    page.wait_for_selector("text=Approved: signed by Ann Lee")
    assert approved(run)

    page.fill("#reject-by", "Bob Ray")
    page.fill("#reject-reason", "odd price")
    page.click("text=Reject the day")
    page.wait_for_selector("text=Rejected by Bob Ray")
    assert not approved(run)


def test_forged_expired_and_tampered_approvals_are_refused_with_the_reason(opened, run, tmp_path):
    page = opened()

    approve(page, passphrase="a wrong passphrase")  # noqa: S106
    page.wait_for_selector("[role=alert] >> text=the passphrase is wrong")
    assert page.input_value("#passphrase") == ""
    assert "a wrong passphrase" not in page.content()
    page.fill("#key-file", str(cheap_key(tmp_path / "eve.pem")))
    approve(page)
    page.wait_for_selector("[role=alert] >> text=does not hold the key that is registered for Ann Lee")

    page = opened()
    publish(run, ("AAPL,SELL,50,200.0000,10000.00,-0.01000000,0.00,1.50,REDUCE,x,,MARKET",))
    approve(page)
    page.wait_for_selector("[role=alert] >> text=the day changed while you were reading it")

    with clock_at(OPEN):
        approve(page)
        page.wait_for_selector("text=You may not approve")

    page = opened()
    trades = folder_of(run) / "trades.csv"
    trades.write_bytes(trades.read_bytes().replace(b"SELL,50", b"SELL,55"))
    approve(page)
    page.wait_for_selector("text=This day cannot be read")
    assert not approved(run)


def test_lines_are_struck_and_halved_with_the_keyboard(opened):
    page = opened()

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.wait_for_selector("text=If you strike MSFT")
    page.keyboard.press("k")
    page.keyboard.press("h")
    page.wait_for_selector("text=If you strike MSFT and halve AAPL")
    assert page.locator(".shift data[value='980000.0']").inner_text() == "$980,000"
    risk = page.locator(".shift div", has_text="VaR of one day").inner_text()
    assert "limit 2.00%, room 1.10%" in risk
    assert page.is_hidden(".approve form")
    assert page.is_visible("text=You have struck or halved lines above")

    page.click("text=Re-optimize without them")
    page.wait_for_selector("text=and re-optimize")
    page.keyboard.press("Escape")
    page.click("text=Undo all changes")
    page.wait_for_selector(".dock", state="detached")
    assert page.is_visible(".approve form")
    assert page.is_hidden("text=You have struck or halved lines above")


def test_a_line_opens_its_reasons_and_closes_them_with_the_keyboard(opened):
    page = opened()

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".reasons >> text=score fell")
    assert page.get_attribute("#trade-AAPL a.ticker", "aria-expanded") == "true"
    page.keyboard.press("Enter")
    page.wait_for_selector(".reasons >> text=score fell", state="hidden")


def test_a_click_opens_a_line_at_the_lower_edge_of_the_window(opened):
    page = opened()
    for symbol in page.locator("#lines a.ticker").all_inner_texts():
        link = page.locator(f"#trade-{symbol} a.ticker")
        link.evaluate(
            "link => window.scrollBy(0, link.getBoundingClientRect().bottom + 2 - window.innerHeight)"
        )
        place = link.bounding_box()
        page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)

        page.wait_for_selector(f"#trade-{symbol} + tr .reasons > *")


def test_keys_do_nothing_while_typing_and_can_be_switched_off(opened):
    page = opened()

    page.keyboard.press("/")
    page.keyboard.type("xh msft")
    assert page.input_value("#search") == "xh msft"
    page.keyboard.press("Escape")
    page.fill("#search", "")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.check("#keys-off")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("#lines input:checked").count() == 0
    assert opened().is_checked("#keys-off") is False  # another browser


def test_the_kill_switch_is_tripped(opened, run):
    page = opened("/switch")

    page.fill("#trip-by", "Ann Lee")
    page.fill("#trip-reason", "odd prices")
    page.click("text=Trip the kill switch")
    page.wait_for_selector("text=Trading is halted")
    assert read_switch(run.home).is_on
    page.goto(page.url.replace("/switch", DAY))
    assert "You may not approve" in page.inner_text("#verdict-title")


@pytest.mark.parametrize("has_script", [True, False])
def test_a_change_after_re_optimizing_is_solved_with_it(opened, has_script):
    page = opened(f"{DAY}?strike=MSFT&solve=1#effect", java_script_enabled=has_script)
    page.wait_for_selector("text=If you strike MSFT, and re-optimize")

    page.check("input[name=halve][value=AAPL]")
    if not has_script:
        page.click("text=Show what these changes would do")

    page.wait_for_selector("text=If you strike MSFT and halve AAPL, and re-optimize")


def test_a_struck_line_is_solved_again_and_the_revision_is_approved(
    ready_home, browser, tmp_path, monkeypatch
):
    """With the real decision: the page makes a revision of a simulated day, and the approval is for that revision."""
    run_day(ready_home)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AFTERCLOSE_APPROVAL_KEY_FILE", str(cheap_key(tmp_path / "ann.pem")))
    add_approver(Home(ready_home), "Ann Lee", public_key_of(tmp_path / "ann.pem"), "Root", "set-up", EVENING)
    published = trades_of(ready_home / "live" / str(FRIDAY))
    struck = max(published, key=lambda row: float(row["notional"]) * (row["side"] == "BUY"))["symbol"]
    with clock_at(EVENING), served_review(ready_home, FRIDAY, is_simulated=True) as start:
        page = browser.new_page()
        errors = watched(page)
        page.goto(start)

        for row in published:
            shown = parts_shown(page, row["symbol"])
            assert sum(shown) == round(float(row["notional"]) * 100) * (1 if row["side"] == "BUY" else -1)
        page.click(f"#trade-{struck} a.ticker")
        page.wait_for_selector(".reasons svg.name-chart")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.locator(".reasons svg.name-chart").bounding_box()["width"] > 200
        assert faults(page) == []

        page.check(f"input[name=strike][value={struck}]")
        page.wait_for_selector(f"text=If you strike {struck}")
        page.click("text=Re-optimize without it")
        page.wait_for_selector("text=and re-optimize")
        page.fill("#revise-by", "Ann Lee")
        page.fill("#revise-reason", "litigation")
        page.click("text=Make this the list to approve")
        page.wait_for_selector("text=Approve revision 1")
        assert page.locator(f"#trade-{struck}").count() == 0
        assert page.is_visible("text=Revised by Ann Lee (name not verified): litigation")
        assert faults(page) == []
        approve(page)
        page.wait_for_selector("text=Approved: signed by Ann Lee")
        shown = afterclose("approval", "show", str(FRIDAY), "--json", home=ready_home)
        page.close()

    approval = json.loads(shown.stdout)
    assert (approval["state"], approval["revision"]) == ("approved", 1)
    revised = trades_of(ready_home / "live" / str(FRIDAY) / "revisions" / "1")
    assert [line["symbol"] for line in approval["lines"]] == [row["symbol"] for row in revised]
    assert struck not in {row["symbol"] for row in revised}
    assert errors == []


def parts_shown(page, symbol):
    """Return the parts of a trade in cents, as its page shows them."""
    answer = page.request.get(f"{page.url.partition('?')[0]}/trades/{symbol}")
    table = answer.text().partition('class="parts-list"')[2].partition("</table>")[0]
    return [round(float(value) * 100) for value in re.findall(r'<data value="([^"]*)"', table)]


def trades_of(folder):
    with (folder / "trades.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_without_script_everything_works_by_pages_and_forms(opened, run):
    page = opened(java_script_enabled=False)

    page.fill("#search", "msft")
    page.click("form.search button")
    assert page.locator("#lines tbody tr").count() == 1
    page.check("input[name=strike][value=MSFT]")
    assert page.is_hidden(".approve form")
    page.click("text=Show what these changes would do")
    assert page.is_visible("text=If you strike MSFT")
    assert page.is_hidden(".approve form")
    page.click("text=Undo all changes")
    page.click("#trade-MSFT a.ticker")
    assert page.is_visible("text=Why this trade")
    page.click("text=Back to the trades")
    approve(page)
    assert page.is_visible("text=Approved: signed by Ann Lee")
    assert approved(run)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_no_page_has_a_serious_accessibility_fault(opened, run, scheme, width):
    context = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}

    found = {}
    for path in (
        DAY,
        f"{DAY}?strike=MSFT",
        f"{DAY}/trades/MSFT",
        "/days",
        "/switch",
        "/days/2024-06-13",
        "/nothing",
    ):
        page = opened(path, **context)
        found[path] = faults(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert {path: one for path, one in found.items() if one} == {}


def test_five_hundred_lines_are_listed_searched_and_sorted_quickly(opened, run):
    rows = [
        f"N{number:03},BUY,40,450.0000,18000.00,0.00100000,0.00,1.20,OPEN,score rose to rank {number},,MARKET"
        for number in range(500)
    ]
    publish(run, tuple(rows))
    page = opened("/days")

    began = perf_counter()
    page.click(f"a[href='{DAY}']")
    page.wait_for_selector("#trade-N499")
    loaded = perf_counter() - began
    sent = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".reduce((sum, one) => sum + one.transferSize, 0)"
    )
    began = perf_counter()
    page.fill("#search", "rank 42")
    page.wait_for_selector("#shown >> text='15'")
    page.click("thead >> text=Name")
    page.click("thead >> text=Name")
    assert page.locator("#lines tbody tr:visible").first.get_attribute("id") == "trade-N442"
    used = perf_counter() - began

    assert sent < 1_000_000
    print(f"500 lines: {sent:,} bytes, opened in {loaded:.2f} s, searched and sorted in {used:.2f} s")  # noqa: T201 - a figure of the day


def test_what_a_page_of_another_site_sends_is_refused(opened, run, browser):
    page = opened()
    target = page.url.partition("/days")[0] + "/switch/trip"
    other = page.context.new_page()
    other.route(
        "http://evil.example/", lambda route: route.fulfill(body=form_to(target), content_type="text/html")
    )

    other.goto("http://evil.example/")
    other.click("text=Win")
    other.wait_for_load_state()

    assert not read_switch(run.home).is_on
    assert "This browser is not signed in" in other.content()


def form_to(target):
    fields = '<input name="by" value="Eve"><input name="reason" value="x">'
    return f'<form method="post" action="{target}">{fields}<button>Win</button></form>'
