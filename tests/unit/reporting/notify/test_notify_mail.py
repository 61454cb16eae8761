"""The mail: its parts, its header, and what hostile text becomes in it."""

import email
import email.policy
from html.parser import HTMLParser

import pytest

from tasks.reporting.notify.rendering.mail import Stamp, render_mail
from tasks.reporting.notify.schema import Point, Points, Table
from tests.notices import EVENING, HOSTILE, ONE_PIXEL, make_notice

STAMP = Stamp("afterclose@example.com", "ann@example.com", "abc@example.com", EVENING)


def parsed(notice, title="Afterclose"):
    return email.message_from_bytes(
        render_mail(notice, title=title, stamp=STAMP), policy=email.policy.default
    )


def html_of(mail):
    return mail.get_body(("html",)).get_content()


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.attributes = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += attrs


def test_the_parts_are_nested_as_mail_programs_expect():
    mail = parsed(make_notice())

    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/csv",
    ]


def test_the_picture_is_the_one_that_the_page_refers_to():
    mail = parsed(make_notice())
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]

    assert picture.get_content() == ONE_PIXEL
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html_of(mail)


def test_the_attached_file_is_unchanged():
    (file,) = parsed(make_notice()).iter_attachments()

    assert (file.get_filename(), file.get_content()) == ("trades.csv", "symbol,side\nMSFT,BUY\n")


def test_equal_notices_give_equal_bytes():
    assert render_mail(make_notice(), title="A", stamp=STAMP) == render_mail(
        make_notice(), title="A", stamp=STAMP
    )


def test_only_ascii_leaves_in_lines_of_at_most_998_bytes():
    content = render_mail(
        make_notice(subject=HOSTILE * 30, lead=(HOSTILE * 60,)), title="Ünïcode", stamp=STAMP
    )

    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_fault_099_a_subject_with_line_breaks_adds_no_header_field():
    mail = parsed(make_notice(subject=HOSTILE), title="Title\r\nX-Evil: 1")

    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert mail["Subject"] == (
        '[Title X-Evil: 1] Evil <script>alert(1)</script> Bcc: all@example.com & "Ünïcode" \ufffdgro'
    )
    assert mail["To"] == "ann@example.com"


def test_hostile_text_is_inert_everywhere_on_the_page():
    hostile = ((HOSTILE, HOSTILE, HOSTILE, HOSTILE),)
    notice = make_notice(
        subject=HOSTILE,
        lead=(HOSTILE,),
        points=(Points(HOSTILE, (Point(HOSTILE, "bad", HOSTILE),)),),
        facts=((HOSTILE, HOSTILE),),
        table=Table(HOSTILE, (HOSTILE,) * 4, hostile, left_out=3, rest_is_in=HOSTILE),
    )

    html = html_of(parsed(notice, title=HOSTILE))

    assert "\u202e" not in html
    assert "script" not in Tags(html).found


def test_the_page_has_neither_script_nor_svg_nor_anything_from_the_network():
    page = Tags(html_of(parsed(make_notice())))

    assert not {"script", "svg", "link", "iframe", "form"} & set(page.found)
    assert [value for name, value in page.attributes if name in {"src", "href"} and "cid:" not in value] == []
    assert [name for name, _ in page.attributes if name.startswith("on")] == []


def test_styles_stand_in_the_elements():
    html = html_of(parsed(make_notice()))

    assert "<style" not in html
    assert 'style="' in html


def test_the_plain_part_says_what_the_page_says():
    text = parsed(make_notice()).get_body(("plain",)).get_content()

    for said in (
        "One buy is proposed.",
        "$1,000,000.00",
        "MSFT",
        "afterclose approve 2024-06-14 --by NAME",
    ):
        assert said in text


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_a_long_list_names_the_file_with_the_rest(kind):
    table = Table(
        "Trades", ("Side", "Symbol", "Why"), (("Buy", "MSFT", "x"),), left_out=460, rest_is_in="trades.csv"
    )

    said = parsed(make_notice(table=table)).get_body((kind,)).get_content()

    assert "and 460 more rows in trades.csv" in said
