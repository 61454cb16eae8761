"""Messages to Slack and to the signed webhook."""

import hashlib
import hmac
import json

import pytest

from tasks.reporting.notify.rendering.slack import LONGEST_SECTION, render_slack
from tasks.reporting.notify.rendering.webhook import render_webhook, signed_headers
from tasks.reporting.notify.schema import Table
from tests.notices import HOSTILE, KEY, make_notice


def texts_of(blocks):
    for block in blocks:
        yield from (
            field["text"] for field in [block.get("text"), *block.get("fields", [])] if field is not None
        )


def test_slack_gets_the_decision_first():
    message = json.loads(render_slack(make_notice(), title="Afterclose"))

    assert message["text"].startswith("[Afterclose] 2024-06-14: approve 1 trade")
    assert message["blocks"][0]["text"]["text"].startswith("2024-06-14: approve 1 trade")
    assert any("MSFT" in text for text in texts_of(message["blocks"]))


@pytest.mark.parametrize("mention", ["<!channel>", "<@U123>", "<https://evil.example|report>"])
def test_slack_is_sent_no_mention_and_no_link(mention):
    notice = make_notice(
        subject=mention,
        lead=(mention,),
        facts=((mention, mention),),
        table=Table("Trades", ("Why",), ((f"```{mention}",),)),
    )

    message = json.loads(render_slack(notice, title=mention))

    said = [message["text"], *list(texts_of(message["blocks"]))[1:]]  # the header is plain text by its type
    assert [text for text in said if "<" in text] == []
    assert all(text.count("```") in {0, 2} for text in said)


def test_slack_is_sent_no_more_than_it_accepts():
    rows = tuple(("Buy", f"S{number}", "1,000", HOSTILE * 3) for number in range(500))
    table = Table("Trades", ("Side", "Symbol", "Shares", "Why"), rows)
    notice = make_notice(subject=HOSTILE * 20, lead=(HOSTILE * 200,), facts=(("a", "b"),) * 30, table=table)

    blocks = json.loads(render_slack(notice, title="A"))["blocks"]

    assert len(blocks[0]["text"]["text"]) <= 150
    assert max(map(len, texts_of(blocks))) <= LONGEST_SECTION + 100 <= 3000
    assert max(len(block.get("fields", [])) for block in blocks) <= 10


def test_the_webhook_gets_figures_as_data():
    body = json.loads(render_webhook(make_notice(), title="Afterclose", notice_id="abc"))

    assert (body["id"], body["kind"], body["session"]) == ("abc", "day_proposed", "2024-06-14")
    assert body["data"] == {"trades": 1}


def test_the_signature_covers_the_time_and_the_body():
    body = b'{"a": 1}'

    headers = signed_headers(body, notice_id="abc", key=KEY.encode(), timestamp=1718402400)

    expected = hmac.new(KEY.encode(), b"1718402400." + body, hashlib.sha256).hexdigest()
    assert headers["Afterclose-Signature"] == f"v1={expected}"
    assert headers["Afterclose-Timestamp"] == "1718402400"
    assert headers["Afterclose-Id"] == "abc"
