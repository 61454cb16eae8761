"""The review page: what it shows and does, and what it refuses. docs/review.md, docs/threat-model.md."""

import csv
import json
import logging
import re
from datetime import date, timedelta

import pytest

from flows.terminal import Options
from tasks.approval.decisions import list_approvers
from tasks.reporting.review.access.attempts import FREE
from tasks.reporting.review.access.guard import HEADERS
from tasks.safety.kill_switch.switch import read_switch
from tasks.trades.tickets.record import ticket_records
from tasks.trades.tickets.schema import CAUSES, Part, Ticket, Tickets
from tests.approval_days import (
    EVENING,
    OPEN,
    PASSPHRASE,
    TRADE_ROWS,
    add_person,
    cheap_key,
    clock_at,
    day_files,
    folder_of,
    make_home,
    manifest_of,
    publish,
    sign_day,
)
from tests.builders import FRIDAY
from tests.homes import afterclose
from tests.review_pages import Browser
from tests.unit.approval.test_approval_revision import revise
from tests.unit.reporting.example_day import make_execution

DAY, NEXT_SESSION = "/days/2024-06-14", date(2024, 6, 17)


@pytest.fixture
def evening(monkeypatch, tmp_path):
    """Friday evening of a person who has set nothing in the environment."""
    for name in ("AFTERCLOSE_APPROVAL_PASSPHRASE", "AFTERCLOSE_APPROVAL_KEY_FILE", "AFTERCLOSE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with clock_at(EVENING):
        yield


@pytest.fixture
def run(tmp_path, evening):
    run = make_home(tmp_path / "home")
    key = cheap_key(tmp_path / "ann.pem")
    added = afterclose(
        "approvers",
        "add",
        "Ann Lee",
        "--by",
        "Root",
        "--reason",
        "set-up",
        "--key",
        str(key),
        home=run.home.root,
        AFTERCLOSE_APPROVAL_PASSPHRASE=PASSPHRASE,
    )
    assert added.returncode == 0, added.stderr
    return run


@pytest.fixture
def browser(run):
    return Browser(run.home.root).open()


@pytest.fixture
def signing(browser, tmp_path):
    return browser.form(DAY, by="Ann Lee", key_file=str(tmp_path / "ann.pem"), passphrase=PASSPHRASE)


def approved(run):
    return (folder_of(run) / "approval.json").exists()


def test_the_first_screen_says_whether_the_day_may_be_approved(browser):
    page = browser.text(DAY)

    assert "May it be approved?" in page
    assert "Kill switch clear" in page
    assert "Valid for the open of Mon 17 June, 09:30 New York time" in page
    assert "2 trades: sell 1 name for $20,000" in " ".join(page.split()).replace("</data>", "").replace(
        '<data value="20000.0">', ""
    )


def test_the_commands_that_the_page_shows_name_its_home_to_whoever_may_see_it(browser, signing, run):
    home = f"--home {run.home.root}"
    assert f"afterclose approve {home} 2024-06-14 --by NAME --sign-only" in browser.text(DAY)

    browser.post(f"{DAY}/approve", signing)

    assert f"afterclose execute {home} 2024-06-14" in browser.text(DAY)
    stranger = Browser(run.home.root)
    assert str(run.home.root) not in stranger.get(DAY).text


def test_approving_signs_what_the_page_showed(browser, signing, run):
    answer = browser.post(f"{DAY}/approve", signing)

    assert (answer.status_code, answer.headers["location"]) == (303, DAY)
    assert "Approved: signed by Ann Lee" in browser.text(DAY)
    assert afterclose("approval", "show", "2024-06-14", home=run.home.root).returncode == 0


def test_rejecting_needs_a_name_and_a_reason_and_an_approval_overrules_it(browser, signing, run):
    assert browser.post(f"{DAY}/reject", browser.form(DAY, by="Bob", reason=" ")).status_code == 400
    assert browser.post(f"{DAY}/reject", browser.form(DAY, by="Bob", reason="odd price")).status_code == 303
    assert "Rejected by Bob (name not verified)" in browser.text(DAY)
    refused = browser.post(f"{DAY}/approve", signing)
    assert refused.status_code == 409
    assert not approved(run)

    assert browser.post(f"{DAY}/approve", {**signing, "overrule": "confirmed"}).status_code == 303

    assert approved(run)
    assert browser.post(f"{DAY}/reject", browser.form(DAY, by="Bob", reason="no")).status_code == 303
    assert not approved(run)


def test_a_detached_signature_needs_no_key(browser, run, tmp_path):
    line = afterclose(
        "approve",
        "2024-06-14",
        "--by",
        "Ann Lee",
        "--key",
        str(tmp_path / "ann.pem"),
        "--sign-only",
        home=run.home.root,
        AFTERCLOSE_APPROVAL_PASSPHRASE=PASSPHRASE,
    ).stdout.strip()

    answer = browser.post(f"{DAY}/approve", browser.form(DAY, by="Ann Lee", signature=line))

    assert answer.status_code == 303, answer.text
    assert approved(run)


def test_a_day_that_changed_while_it_was_read_is_refused(browser, signing, run):
    publish(run, ("AAPL,SELL,50,200.0000,10000.00,-0.01000000,0.00,1.50,REDUCE,x,,MARKET",))

    answer = browser.post(f"{DAY}/approve", signing)

    assert answer.status_code == 409
    assert "the day changed while you were reading it" in answer.text
    assert not approved(run)


def test_a_day_that_somebody_revised_while_it_was_read_is_refused(browser, signing, run):
    """As by the command, the list published is not signed by a person who does not know what was struck from it."""
    revise(run)

    answer = browser.post(f"{DAY}/approve", {**signing, "revision": "0"})

    assert answer.status_code == 409
    assert "the day changed while you were reading it" in answer.text
    assert not approved(run)
    read_again = browser.form(DAY, **{name: signing[name] for name in ("by", "key_file", "passphrase")})
    assert browser.post(f"{DAY}/approve", {**read_again, "revision": "0"}).status_code == 303


def test_forged_expired_halted_and_tampered_days_are_refused(browser, signing, run, tmp_path):
    other = cheap_key(tmp_path / "eve.pem")
    forged = browser.post(f"{DAY}/approve", {**signing, "key_file": str(other)})
    assert (forged.status_code, approved(run)) == (409, False)
    assert browser.post(f"{DAY}/approve", {**signing, "by": "Eve"}).status_code == 409

    with clock_at(OPEN + timedelta(minutes=1)):
        assert browser.post(f"{DAY}/approve", signing).status_code == 409
        assert "You may not approve" in browser.text(DAY)

    trades = folder_of(run) / "trades.csv"
    trades.write_bytes(trades.read_bytes().replace(b"AAPL,SELL,100", b"AAPL,SELL,101"))
    assert browser.post(f"{DAY}/approve", signing).status_code == 409
    page = browser.text(DAY)
    assert "This day cannot be read" in page
    assert "MSFT" not in page
    publish(run)

    browser.post("/switch/trip", browser.form("/switch", by="Ann", reason="odd"))
    halted = browser.post(f"{DAY}/approve", signing)
    assert halted.status_code == 409
    assert "kill switch" in halted.text
    assert not approved(run)


def test_the_kill_switch_is_tripped_with_a_name_and_a_reason(browser, run):
    assert "Trading is allowed" in browser.text("/switch")
    assert browser.post("/switch/trip", browser.form("/switch", by="", reason="x")).status_code == 400
    assert not read_switch(run.home).is_on

    assert browser.post("/switch/trip", browser.form("/switch", by="Ann", reason="odd")).status_code == 303

    assert read_switch(run.home).is_on
    assert "Trading is halted" in browser.text("/switch")


def test_the_history_names_every_day_and_its_decision(browser, run, signing):
    browser.post(f"{DAY}/approve", signing)

    assert "Approved" in browser.text("/days")
    assert 'href="/days/2024-06-14"' in browser.text("/days")


def test_reports_are_shown_where_nothing_in_them_can_run(browser, run):
    report = browser.get(f"{DAY}/report")

    assert report.content == day_files()["report.html"]
    assert "sandbox" in report.headers["content-security-policy"]
    assert "script-src" not in report.headers["content-security-policy"]
    assert browser.get(f"{DAY}/execution").status_code == 404
    (folder_of(run) / "execution.json").write_text("{}")
    (folder_of(run) / "execution.html").write_text("<p>executed</p>")
    assert "sandbox" in browser.get(f"{DAY}/execution").headers["content-security-policy"]
    (folder_of(run) / "report.html").write_text("<p>another</p>")
    assert browser.get(f"{DAY}/report").status_code == 404


def test_an_executed_day_is_read_only(browser, run, signing):
    (folder_of(run) / "execution.json").write_text("{}")

    page = browser.text(DAY)
    assert "Executed" in page
    assert "/approve" not in page
    assert browser.post(f"{DAY}/approve", signing).status_code == 409
    assert browser.post(f"{DAY}/reject", {**signing, "reason": "late"}).status_code == 409


def test_the_history_says_what_became_of_an_execution(browser, run):
    document = make_execution(FRIDAY, NEXT_SESSION, outcome="waiting", why="the bars", orders=[])
    (folder_of(run) / "execution.json").write_text(json.dumps(document))

    for path in (DAY, "/days"):
        assert f"Executing: {len(document['lines'])} orders not sent yet" in browser.text(path)


def test_one_line_is_shown_with_its_reasons_as_a_page_and_as_a_part(browser):
    whole, part = (
        browser.get(f"{DAY}/trades/MSFT"),
        browser.get(f"{DAY}/trades/MSFT", **{"hx-request": "true"}),
    )

    assert "score rose" in whole.text
    assert "<html" in whole.text
    assert "score rose" in part.text
    assert "<html" not in part.text
    assert browser.get(f"{DAY}/trades/TSLA").status_code == 404


def test_a_line_that_a_revision_halved_names_who_halved_it_alongside_the_parts_of_the_published_trade(
    browser, run
):
    parts = [Part(cause, 1_800_000 if cause == "score" else 0) for cause in CAUSES]
    tickets = ticket_records(Tickets(None, (Ticket("MSFT", tuple(parts)),)))
    files = day_files() | {"tickets.json": json.dumps(tickets).encode()}
    for name, content in {**files, "manifest.json": manifest_of(run, files)}.items():
        (folder_of(run) / name).write_bytes(content)
    changes = {
        "by": "Ann Lee",
        "at": "",
        "reason": "earnings",
        "struck": [],
        "halved": ["MSFT"],
        "solved": False,
    }
    half = TRADE_ROWS[1].replace("BUY,40,450.0000,18000.00", "BUY,20,450.0000,9000.00")
    revise(run, rows=(TRADE_ROWS[0], half), revision={"number": 1, **changes})

    listed = browser.text(f"{DAY}?revision=1")
    line = browser.text(f"{DAY}/trades/MSFT?revision=1")

    for page in (listed, line):
        assert "Halved by Ann Lee; published: +$18,000.00" in page
        assert "Re-optimized after" not in page
    assert "What makes up +$18,000.00" in line
    assert "These are the parts of the trade as published" in line
    assert "Halved by" not in browser.text(DAY) + browser.text(f"{DAY}/trades/MSFT")


def test_without_script_the_server_searches_and_sorts(browser):
    found = browser.text(f"{DAY}?q=rose")
    assert "trade-MSFT" in found
    assert "trade-AAPL" not in found
    by_amount = browser.text(f"{DAY}?sort=notional")
    assert by_amount.index("trade-MSFT") < by_amount.index("trade-AAPL")
    assert "trade-AAPL" in browser.text(f"{DAY}?sort=nonsense&order=nonsense")


def test_every_figure_shown_is_the_one_in_the_files(browser, run):
    page = browser.get(DAY).text
    with (folder_of(run) / "trades.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    for row in rows:
        shown = page[page.index(f'id="trade-{row["symbol"]}"') :].partition("</tr>")[0]
        cost = float(row["commission_est"]) + float(row["slippage_est"])
        assert [float(value) for value in re.findall(r'<data value="([^"]*)"', shown)] == [
            float(row["shares"]),
            float(row["price"]),
            float(row["notional"]),
            cost,
        ]
        assert all(text in shown for text in (row["side"], row["action"], row["reason"]))
    summary = page[page.index("verdict-title") : page.index('id="trades"')]
    sold, bought, cost, cash = (float(value) for value in re.findall(r'<data value="([^"]*)"', summary))
    assert (sold, bought, cost, cash) == (20_000.0, 18_000.0, pytest.approx(2.7), 961_997.3)


def test_hostile_text_is_inert(run, evening):
    name = "<script>alert(1)</script>"
    rows = (f'MSFT,BUY,40,450.0000,18000.00,0.01800000,0.00,1.20,OPEN,"{name}",{name},{name}',)
    publish(run, rows)
    browser = Browser(run.home.root).open()

    for path in (DAY, f"{DAY}?q={name}", f"{DAY}/trades/MSFT"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
    refused = browser.post(f"{DAY}/reject", browser.form(DAY, by=name, reason=" "))
    assert "<script>alert" not in refused.text


@pytest.mark.parametrize(
    "path",
    [
        "/days/../../etc/passwd",
        "/days/%2e%2e",
        "/days/2024-6-14",
        "/days/20240614",
        "/days/2024-06-14%2f..%2f..",
        "/days/2024-06-14/trades/..%2f..%2fconfig.yaml",
        "/static/..%2fapplication.py",
        "/static/review.py",
        "/openapi.json",
        "/docs",
    ],
)
def test_no_path_escapes(browser, path):
    assert browser.get(path).status_code == 404


def test_a_closed_or_future_or_unpublished_day_is_refused(browser):
    assert browser.get("/days/2024-06-15").status_code == 400
    assert browser.get("/days/2024-07-01").status_code == 400
    assert "This day cannot be read" in browser.text("/days/2024-06-13")


@pytest.mark.parametrize(
    "path", ["/", DAY, "/days", "/switch", "/static/review.css", "/static/nothing", f"{DAY}/report"]
)
def test_every_answer_has_the_headers(browser, path):
    headers = browser.get(path).headers

    for name, value in HEADERS.items():
        assert headers[name] == value or (name == "content-security-policy" and path.endswith("report"))
    assert "server" not in headers


def test_refusals_have_the_headers_too(run):
    closed = Browser(run.home.root)

    for answer in (closed.get(DAY), closed.get(DAY, host="evil.example"), closed.post("/switch/trip", {})):
        assert answer.status_code in {401, 421}
        assert all(answer.headers[name] == value for name, value in HEADERS.items())


def test_no_page_has_inline_script_or_style(browser):
    for path in (DAY, "/days", "/switch", f"{DAY}/trades/MSFT"):
        page = browser.text(path)
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick" not in page
        assert all("src=" in tag for tag in page.split("<script")[1:])


@pytest.mark.parametrize(
    "host",
    ["evil.example:8765", "localhost:8765", "127.0.0.1", "127.0.0.1:8766", "127.0.0.1:8765.evil.example", ""],
)
def test_fault_110_another_host_is_refused(browser, host):
    answer = browser.get(DAY, host=host)

    assert answer.status_code == 421
    assert "MSFT" not in answer.text


def test_without_a_session_nothing_is_shown_or_done(run, signing):
    stranger = Browser(run.home.root)

    for path in ("/", DAY, "/days", "/switch", f"{DAY}/report", f"{DAY}/trades/MSFT"):
        assert stranger.get(path).status_code == 401
        assert "score rose" not in stranger.get(path).text
    assert stranger.get("/start/guess").status_code == 401
    assert stranger.post(f"{DAY}/approve", signing).status_code == 401
    assert stranger.post("/switch/trip", {"by": "Eve", "reason": "x"}).status_code == 401
    assert not read_switch(run.home).is_on
    assert stranger.get("/static/review.css").status_code == 200


def test_the_start_address_works_once_and_its_cookie_is_for_this_page_only(run):
    browser = Browser(run.home.root)
    address = f"/start/{browser.admission.start_token}"

    cookie = browser.get(address).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert browser.get(address).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8766"},
        {"origin": "https://127.0.0.1:8765"},
        {"origin": ""},
    ],
)
def test_fault_110_a_form_of_another_origin_is_refused(browser, run, headers):
    fields = browser.form("/switch", by="Eve", reason="x")

    assert browser.post("/switch/trip", fields, **headers).status_code == 403
    assert not read_switch(run.home).is_on


def test_fault_110_a_form_without_origin_or_token_is_refused(browser, signing, run):
    assert browser.client.post(f"{DAY}/approve", data=signing).status_code == 403
    assert browser.post(f"{DAY}/approve", {**signing, "form_token": "0" * 64}).status_code == 403
    assert browser.post(f"{DAY}/approve", {**signing, "form_token": ""}).status_code == 403
    assert not approved(run)


def test_a_form_of_another_kind_or_size_is_refused(browser, signing):
    post, origin = browser.client.post, {"origin": browser.served.origin}

    assert post(f"{DAY}/approve", json=signing, headers=origin).status_code == 400
    assert post(f"{DAY}/approve", files={"a": b"x"}, data=signing, headers=origin).status_code == 400
    assert browser.post(f"{DAY}/approve", {**signing, "extra": "x" * 200_000}).status_code == 400


def test_other_methods_are_refused(browser):
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
        assert browser.client.request(method, DAY).status_code == 405
    assert browser.get(f"{DAY}/approve").status_code in {404, 405}


def test_fault_109_a_passphrase_is_neither_shown_nor_logged_nor_written(browser, signing, run, caplog):
    caplog.set_level(logging.DEBUG)
    wrong = {**signing, "passphrase": "some other passphrase"}

    refused = browser.post(f"{DAY}/approve", wrong)
    browser.post(f"{DAY}/approve", signing)

    assert refused.status_code == 400
    assert "the passphrase is wrong" in refused.text
    assert "Try again, or specify another key file under Your key file." in refused.text
    assert "--key" not in refused.text
    written = b"".join(path.read_bytes() for path in run.home.root.rglob("*") if path.is_file())
    for secret in ("some other passphrase", PASSPHRASE):
        assert secret not in refused.text + caplog.text + browser.text(DAY)
        assert secret.encode() not in written


def test_the_passphrase_of_the_environment_is_not_used(browser, signing, run, monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_APPROVAL_PASSPHRASE", PASSPHRASE)

    assert browser.post(f"{DAY}/approve", {**signing, "passphrase": ""}).status_code == 400
    assert not approved(run)


def test_fault_111_wrong_passphrases_have_to_wait(browser, signing, run):
    for _ in range(FREE):
        assert browser.post(f"{DAY}/approve", {**signing, "passphrase": "a wrong guess"}).status_code == 400

    refused = browser.post(f"{DAY}/approve", signing)

    assert refused.status_code == 409
    assert "Too many wrong passphrases" in refused.text
    browser.watch.seconds += 60
    assert browser.post(f"{DAY}/approve", signing).status_code == 303


def test_with_a_password_the_page_asks_for_it(run):
    browser = Browser(run.home.root, password=b"a long password", origin="https://review.example.com")

    assert browser.get(DAY).status_code == 401
    assert "Password" in browser.text("/login")
    assert browser.post("/login", {"password": "guess"}).status_code == 401
    assert (
        browser.post("/login", {"password": "a long password"}, origin="https://evil.example").status_code
        == 403
    )
    let_in = browser.post("/login", {"password": "a long password"})
    assert let_in.status_code == 303
    assert "Secure" in let_in.headers["set-cookie"]
    assert "Sign out" in browser.text(DAY)
    assert browser.post("/logout", browser.form(DAY)).status_code == 303
    assert browser.get(DAY).status_code == 401


def test_fault_111_wrong_passwords_have_to_wait(run):
    browser = Browser(run.home.root, password=b"a long password")
    for _ in range(FREE):
        browser.post("/login", {"password": "guess"})

    assert browser.post("/login", {"password": "a long password"}).status_code == 429


def test_fault_111_a_session_that_somebody_else_chose_is_not_accepted(run):
    browser = Browser(run.home.root, password=b"a long password")
    chosen = "A" * 43
    browser.client.cookies.set(browser.served.cookie, chosen, domain="127.0.0.1")

    assert browser.get(DAY).status_code == 401
    let_in = browser.post("/login", {"password": "a long password"})

    assert chosen not in let_in.headers["set-cookie"]
    stranger = Browser(run.home.root)
    stranger.client.cookies.set(browser.served.cookie, chosen, domain="127.0.0.1")
    assert stranger.get(DAY).status_code == 401


def test_from_elsewhere_no_file_of_this_machine_is_named(run, tmp_path):
    browser = Browser(run.home.root, password=b"a long password", origin="https://review.example.com")
    browser.post("/login", {"password": "a long password"})

    page = browser.text(DAY)
    named = browser.form(DAY, by="Ann Lee", key_file=str(tmp_path / "ann.pem"), passphrase=PASSPHRASE)

    assert 'name="key_file"' not in page
    assert 'name="passphrase"' in page
    refused = browser.post(f"{DAY}/approve", named)
    assert refused.status_code == 400
    assert "ann.pem" not in refused.text  # the default key file is used, which does not exist
    assert "where the page is started (AFTERCLOSE_APPROVAL_KEY_FILE)" in refused.text
    assert "--key" not in refused.text


def test_two_approvers_sign_one_after_the_other(tmp_path, evening, monkeypatch):
    monkeypatch.setenv("AFTERCLOSE_APPROVAL__PERSONS", "2")
    run = make_home(tmp_path / "home", **{"approval.persons": 2})
    for person in [add_person(run, "Ann Lee")]:
        sign_day(run, person)
    browser = Browser(run.home.root).open()

    page = browser.text(DAY)

    assert "Another signature is needed: signed by Ann Lee" in page
    assert len(list_approvers(run.home)) == 1


def test_a_blocked_day_says_so(browser, run):
    folder = folder_of(run)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "status": "blocked"}))

    assert "the day was not published" in browser.text(DAY)


def test_an_unexpected_error_tells_nothing_of_the_form(run, signing, caplog):
    from dataclasses import replace

    from flows.operations.decisions.review import actions_of
    from tests.builders import FRIDAY

    def fail(session, given):
        raise RuntimeError(f"quotes {given.passphrase()}")

    actions = replace(actions_of(Options(home=run.home.root), FRIDAY), approve=fail)
    browser = Browser(run.home.root, actions=actions).open()

    answer = browser.post(f"{DAY}/approve", browser.form(DAY, passphrase=PASSPHRASE))

    assert answer.status_code == 500
    assert PASSPHRASE not in answer.text + caplog.text
    assert "RuntimeError" in answer.text
