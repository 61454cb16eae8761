"""The bytes that are signed and stored."""

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.approval.encoding import (
    PREFIX,
    envelope_sha256,
    parse_approval,
    parse_detached,
    render_detached,
    render_record,
    signed_bytes,
)
from tasks.approval.schema import Approval, Envelope, Line, Signature, Statement, is_name

LINE = Line(
    symbol="AAPL",
    side="BUY",
    shares="7",
    price="450.0000",
    lowest_price="405.0000",
    highest_price="495.0000",
    least_shares="0",
)
ENVELOPE = Envelope(
    format="afterclose approval 1",
    session="2024-06-14",
    revision=0,
    manifest_sha256="1" * 64,
    trades_sha256="2" * 64,
    snapshot="s",
    champion="c",
    features="f",
    config="g",
    code="h",
    positions="p",
    equity_usd="1000000.00",
    account="paper",
    mode="paper",
    demo=True,
    persons=1,
    expires_at="2024-06-17T13:30:00+00:00",
    lines=(LINE,),
)
STATEMENT = Statement(
    approver="Ann Lee", key="3" * 64, at="2024-06-14T22:00:00+00:00", overrules="", reason=""
)
SIGNATURE = Signature(statement=STATEMENT, signature="4" * 128)
APPROVAL = Approval(envelope=ENVELOPE, signatures=(SIGNATURE,))


def test_the_signed_bytes_have_one_frozen_form():
    """Changing them makes every approval and every other implementation of the format invalid."""
    assert signed_bytes(ENVELOPE, STATEMENT) == (
        b'afterclose approval 1\x00{"envelope":{"account":"paper","champion":"c","code":"h","config":"g","demo":true,'
        b'"equity_usd":"1000000.00","expires_at":"2024-06-17T13:30:00+00:00","features":"f",'
        b'"format":"afterclose approval 1","lines":[{"highest_price":"495.0000","least_shares":"0",'
        b'"lowest_price":"405.0000","price":"450.0000","shares":"7","side":"BUY","symbol":"AAPL"}],'
        b'"manifest_sha256":"' + b"1" * 64 + b'","mode":"paper","persons":1,"positions":"p","revision":0,'
        b'"session":"2024-06-14","snapshot":"s","trades_sha256":"'
        + b"2"
        * 64
        + b'"},"statement":{"approver":"Ann Lee",'
        b'"at":"2024-06-14T22:00:00+00:00","key":"' + b"3" * 64 + b'","overrules":"","reason":""}}'
    )


@pytest.mark.parametrize("field", sorted(Envelope.model_fields))
def test_every_field_of_the_envelope_is_signed_and_in_its_digest(field):
    other = {"demo": False, "lines": (), "persons": 2, "revision": 1}.get(field, "changed")
    changed = ENVELOPE.model_copy(update={field: other})

    assert signed_bytes(changed, STATEMENT) != signed_bytes(ENVELOPE, STATEMENT)
    assert envelope_sha256(changed) != envelope_sha256(ENVELOPE)


@pytest.mark.parametrize("field", sorted(Statement.model_fields))
def test_every_field_of_the_statement_is_signed(field):
    changed = STATEMENT.model_copy(update={field: "changed"})

    assert signed_bytes(ENVELOPE, changed) != signed_bytes(ENVELOPE, STATEMENT)


def test_an_approval_is_read_back_as_it_was_written():
    assert parse_approval(render_record(APPROVAL)) == APPROVAL


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text.rstrip("\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("  ", "\t", 1),
        lambda text: json.dumps(json.loads(text)),
        lambda text: text.replace('"paper"', '"\\u0070aper"', 1),
        lambda text: text.replace('"demo": true', '"demo": 1'),
        lambda text: text.replace('"persons": 1', '"persons": 1.0'),
        lambda text: text.replace('"persons": 1', '"persons": "1"'),
        lambda text: text.replace('"persons": 1', '"persons": 3'),
        lambda text: text.replace('"persons": 1', '"persons": 0'),
        lambda text: text.replace('"revision": 0', '"revision": -1'),
        lambda text: text.replace('"revision": 0', '"revision": 1000'),
        lambda text: text.replace('"revision": 0', '"revision": 1.0'),
        lambda text: text.replace('"revision": 0', '"revision": 0,\n    "more": 0'),
        lambda text: text.replace("+00:00", "Z"),
        lambda text: text.replace("22:00:00", "25:00:00"),
        lambda text: text.replace("approval 1", "approval 2"),
        lambda text: text.replace("3" * 64, "A" * 64),
        lambda text: text.replace('"mode": "paper"', '"mode": "both"'),
    ],
)
def test_any_other_spelling_of_an_approval_is_refused(change):
    text = render_record(APPROVAL).decode()
    other = change(text)
    assert other != text

    with pytest.raises(ValueError, match=r".+"):
        parse_approval(other.encode())


def test_an_approval_without_or_with_three_signatures_is_refused():
    for count in (0, 3):
        text = json.loads(render_record(APPROVAL))
        text["signatures"] *= count
        with pytest.raises(ValueError, match="signatures"):
            parse_approval((json.dumps(text, sort_keys=True, indent=2) + "\n").encode())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "{", "it is not valid JSON"),
        (lambda text: "[]", "it is not a JSON object"),
        (
            lambda text: text.replace('"mode": "paper"', '"mode": "both"'),
            "envelope.mode has a value that is not allowed",
        ),
        (lambda text: text.replace('"mode": "paper",', ""), "envelope.mode is missing"),
        (
            lambda text: text.replace('"revision": 0', '"more": 0,\n "revision": 0'),
            "envelope.more is not a known field",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words(change, said):
    with pytest.raises(ValueError, match="^" + re.escape(said) + "$"):
        parse_approval(change(render_record(APPROVAL).decode()).encode())


def test_the_error_of_a_hostile_file_does_not_repeat_it():
    text = render_record(APPROVAL).decode().replace('"paper"', '"<script>\\u202e"', 2)

    with pytest.raises(ValueError, match=r".+") as caught:
        parse_approval(text.encode())

    assert "script" not in str(caught.value)


def test_a_stored_approval_is_ascii_whatever_the_name_of_its_approver():
    zoe = SIGNATURE.model_copy(update={"statement": STATEMENT.model_copy(update={"approver": "Zoë Ray"})})
    approval = APPROVAL.model_copy(update={"signatures": (zoe,)})

    content = render_record(approval)

    assert b'"approver": "Zo\\u00eb Ray"' in content
    assert parse_approval(content) == approval


def test_a_detached_signature_is_one_line_that_is_read_back():
    text = render_detached(ENVELOPE, SIGNATURE)

    assert "\n" not in text
    found = parse_detached(f"  {text}\n")
    assert (found.signature, found.envelope_sha256) == (SIGNATURE, envelope_sha256(ENVELOPE))


@given(place=st.integers(0, 10**6), other=st.characters(min_codepoint=33, max_codepoint=126))
def test_a_detached_signature_with_another_character_is_refused_or_is_another(place, other):
    text = render_detached(ENVELOPE, SIGNATURE)
    place %= len(text)
    changed = text[:place] + other + text[place + 1 :]

    if changed != text:
        try:
            found = parse_detached(changed)
        except ValueError:
            return
        assert (found.signature, found.envelope_sha256) != (SIGNATURE, envelope_sha256(ENVELOPE))


def respelled(spell):
    """Return the printed signature with its JSON spelled otherwise."""
    content = json.loads(base64.urlsafe_b64decode(render_detached(ENVELOPE, SIGNATURE).removeprefix(PREFIX)))
    return PREFIX + base64.urlsafe_b64encode(spell(content).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        render_detached(ENVELOPE, SIGNATURE).removeprefix(PREFIX),
        respelled(lambda content: json.dumps(content, indent=1)),
        respelled(lambda content: json.dumps(dict(reversed(content.items())), separators=(",", ":"))),
    ],
)
def test_a_detached_signature_in_another_spelling_is_refused(text):
    with pytest.raises(ValueError, match="changed after `afterclose approve` printed it"):
        parse_detached(text)


@given(st.text(max_size=60))
def test_text_that_nobody_printed_is_not_a_detached_signature(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_detached(text)


@pytest.mark.parametrize(
    "name", ["Ann", "Ann Lee", "José Ñandú", "O'Neil", "J. R. Lee-Ray", "李 明", "李", "A" * 60]
)
def test_names_of_people_are_names(name):
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " Ann",
        "Ann ",
        "Ann  Lee",
        "1 Ann",
        "=Ann",
        "-Ann",
        "Ann,Lee",
        "Ann:",
        "Ann\n",
        "A" * 61,
        "Ａnn",
        "Ann\u202e",
    ],
)
def test_text_that_is_not_a_name_or_has_another_spelling_is_refused(name):
    assert not is_name(name)
