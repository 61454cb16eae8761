"""The function of docs/notifications.md accepts what Afterclose signs, and nothing else."""

import re
from pathlib import Path

import pytest

from tasks.reporting.notify.rendering.webhook import signed_headers
from tests.notices import KEY

PAGE = Path(__file__).parents[2] / "docs" / "notifications.md"
BODY, AT = b'{"kind": "day_proposed"}', 1_718_402_400


@pytest.fixture(scope="module")
def is_genuine():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}
    exec(code, names)  # noqa: S102 - our own page
    return names["is_genuine"]


def signed(**changes):
    return signed_headers(BODY, notice_id="abc", key=KEY.encode(), timestamp=AT) | changes


def test_a_signed_request_is_genuine(is_genuine):
    assert is_genuine(signed(), BODY, KEY.encode(), AT + 10)


@pytest.mark.parametrize(
    ("headers", "body", "key", "at"),
    [
        (signed(), BODY + b" ", KEY, AT),
        (signed(), BODY, KEY[::-1], AT),
        (signed(), BODY, KEY, AT + 301),
        (signed(**{"Afterclose-Timestamp": str(AT + 1)}), BODY, KEY, AT),
        (signed(**{"Afterclose-Signature": "v1="}), BODY, KEY, AT),
    ],
    ids=["another body", "another key", "an old request", "another time", "no signature"],
)
def test_any_other_request_is_not(is_genuine, headers, body, key, at):
    assert not is_genuine(headers, body, key.encode(), at)
