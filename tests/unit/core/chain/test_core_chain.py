"""A chain reveals every edit; with a key, also one that rewrites digests and anchor (issue 10, line 3)."""

import csv
import hashlib
import hmac
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.chain.rows import ChainFile, append, logged_rows, read_rows, read_verified, verify
from tasks.core.errors import StorageError
from tasks.core.ids import canonical_json

KEY, OTHER = b"k" * 32, b"o" * 32
rows_of_text = st.lists(
    st.tuples(st.text("ab,\"' é", max_size=6), st.text("ab", max_size=3)), min_size=1, max_size=5
)
maybe_key = st.sampled_from([None, KEY])


@pytest.fixture
def chain(tmp_path):
    return ChainFile(tmp_path / "log.csv", tmp_path / "anchor.json", ("what", "why"))


def filled(chain, count, key=None):
    for number in range(count):
        append(chain, (f"event {number}", "because"), key=key)
    return chain


def forge(chain, rows):
    """Write the rows and the anchor as somebody does who knows how, but has no key."""
    last = "0" * 64
    lines = [["what", "why", "hash"]]
    for row in rows:
        last = hashlib.sha256(canonical_json([last, *row]).encode()).hexdigest()
        lines.append([*row, last])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    chain.path.write_text(text.getvalue())
    chain.anchor.write_text(json.dumps({"rows": len(rows), "hash": last}))


@given(rows_of_text, maybe_key)
@settings(max_examples=25, deadline=None)
def test_what_is_appended_holds(tmp_path_factory, rows, key):
    folder = tmp_path_factory.mktemp("chain")
    chain = ChainFile(folder / "log.csv", folder / "anchor.json", ("what", "why"))

    for row in rows:
        append(chain, row, key=key)

    assert verify(chain, key=key).breaks == ()
    assert verify(chain, key=key).rows == len(rows)


# issue 10, line 3: any byte that is changed, added or removed is found, keyed or not
@given(st.data(), maybe_key)
@settings(max_examples=60, deadline=None)
def test_any_changed_byte_is_found_and_rows_go_on(tmp_path_factory, data, key):
    folder = tmp_path_factory.mktemp("chain")
    chain = filled(ChainFile(folder / "log.csv", folder / "anchor.json", ("what", "why")), 3, key)
    content = chain.path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    byte = bytes([data.draw(st.integers(0, 255).filter(lambda b: b != content[place]))])
    damaged = data.draw(
        st.sampled_from(
            [
                content[:place] + byte + content[place + 1 :],
                content[:place] + content[place + 1 :],
                content[:place],
            ]
        )
    )
    chain.path.write_bytes(damaged)

    assert verify(chain, key=key).breaks

    append(chain, ("later", "because"), key=key)
    assert chain.path.read_bytes().startswith(damaged)
    assert b"\nlater,because," in chain.path.read_bytes()
    append(chain, ("accepted", "by Ann"), key=key, renew=True)
    assert verify(chain, key=key).breaks == ()
    append(chain, ("after", "that"), key=key)
    assert verify(chain, key=key).breaks == ()


# issue 10, part 2
def test_a_rewritten_log_of_the_same_length_is_found(chain):
    filled(chain, 3)
    anchor = chain.anchor.read_bytes()
    forge(chain, [("event 0", "because"), ("event X", "because"), ("event 2", "because")])
    chain.anchor.write_bytes(anchor)

    assert [found.why for found in verify(chain, key=None).breaks] == [
        "row 3 differs from the one that was logged"
    ]


# issue 10, line 3
def test_with_a_key_a_log_that_was_rewritten_together_with_its_anchor_is_found(chain):
    filled(chain, 3, KEY)
    forge(chain, [("event 0", "because"), ("event X", "because"), ("event 2", "because")])

    verdict = verify(chain, key=KEY)

    assert verdict.broken_at == 2
    assert "without the key" in verdict.breaks[0].why


# issue 10, line 3
def test_with_a_key_rows_cut_off_together_with_the_anchor_are_found(chain):
    filled(chain, 3, KEY)
    *kept, _ = chain.path.read_text().splitlines(keepends=True)
    chain.path.write_text("".join(kept))
    last = kept[-1].strip().rsplit(",", 1)[-1]
    mac = json.loads(chain.anchor.read_text())["mac"]
    chain.anchor.write_text(json.dumps({"rows": 2, "hash": last, "mac": mac}))

    assert [found.why for found in verify(chain, key=KEY).breaks] == [
        "anchor.json was not written with the key"
    ]


# issue 10, line 3
def test_with_a_key_log_and_anchor_that_are_gone_are_missed(chain):
    filled(chain, 3, KEY)
    chain.path.unlink()
    chain.anchor.unlink()

    assert verify(chain, key=KEY).breaks


# issue 10, line 3
@pytest.mark.parametrize(("key", "why"), [(None, "without the key"), (OTHER, "another key")])
def test_keyed_rows_do_not_hold_without_their_key(chain, key, why):
    filled(chain, 2, KEY)

    assert why in verify(chain, key=key).breaks[0].why


# issue 10, line 3
def test_an_unkeyed_log_goes_on_as_a_keyed_one_once_a_person_vouched_for_it(chain):
    filled(chain, 2)
    assert verify(chain, key=KEY).broken_at == 2

    append(chain, ("accepted", "by Ann"), key=KEY, renew=True)
    append(chain, ("event", "keyed"), key=KEY)

    verdict = verify(chain, key=KEY)
    assert (verdict.breaks, verdict.rows, verdict.keyed) == ((), 4, 2)
    chain.path.write_text(chain.path.read_text().replace("event 0", "event X"))
    assert verify(chain, key=KEY).breaks


def test_a_crash_between_row_and_anchor_is_not_a_break(chain):
    filled(chain, 2)
    anchor = chain.anchor.read_bytes()
    filled(chain, 1)
    chain.anchor.write_bytes(anchor)

    assert verify(chain, key=None).breaks == ()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"rows": "x", "hash": 1}', b"\xff"])
def test_a_damaged_anchor_is_found(chain, content):
    filled(chain, 2)
    chain.anchor.write_bytes(content)

    assert "cannot be read" in verify(chain, key=None).breaks[0].why


# issue 10, part 2: a log of the same length and of another past
def test_rows_that_the_anchor_knows_and_the_log_has_not_are_reported_at_its_end(chain):
    filled(chain, 3)
    *kept, _ = chain.path.read_text().splitlines(keepends=True)
    chain.path.write_text("".join(kept))

    (found,) = verify(chain, key=None).breaks

    assert (found.line, found.byte, found.why) == (4, None, "rows are missing: 3 were logged")


def test_a_log_that_was_written_anew_is_not_the_one_that_was_logged(chain):
    filled(chain, 2)
    anchor = chain.anchor.read_bytes()
    forge(chain, [("other", "past"), ("other", "past")])
    chain.anchor.write_bytes(anchor)

    (found,) = verify(chain, key=None).breaks

    assert (found.line, found.byte, found.why) == (4, None, "row 2 differs from the one that was logged")


def test_a_lost_anchor_is_reported_once_there_is_more_than_a_row(chain):
    filled(chain, 1)
    chain.anchor.unlink()
    assert verify(chain, key=None).breaks == ()

    filled(chain, 1)
    chain.anchor.unlink()

    (found,) = verify(chain, key=None).breaks
    assert (found.line, found.byte) == (4, None)
    assert found.why == "anchor.json is missing, so the number of rows is unknown"


def test_each_kind_of_damage_is_reported_with_its_line_and_byte(chain):
    filled(chain, 1)
    first = chain.path.read_bytes()
    chain.path.write_bytes(first + b"\n" + b"a,b\n" + b"\xff,b,c\n" + b"torn")

    found = verify(chain, key=None).breaks

    size = len(first)
    assert [(one.line, one.byte, one.why) for one in found] == [
        (3, size, "it is blank"),
        (4, size + 1, "it is not a complete row"),
        (5, size + 5, f"byte {size + 5} is not UTF-8"),
        (6, size + 11, "it is cut off after 4 bytes"),
    ]
    assert verify(chain, key=None).broken_at == 3


def test_a_heading_of_another_log_is_reported_at_the_first_line(chain):
    filled(chain, 1)
    chain.path.write_bytes(chain.path.read_bytes().replace(b"what,", b"when,", 1))

    (found,) = verify(chain, key=None).breaks

    assert (found.line, found.byte, found.why) == (1, 0, "the header is not what,why,hash")


# logs of earlier releases must go on verifying
@pytest.mark.parametrize("renews", [False, True])
def test_a_keyed_digest_covers_its_marks_the_digest_before_and_the_fields(chain, renews):
    filled(chain, 1, key=KEY)
    content = chain.path.read_bytes()
    first = content.decode().split(",")[-1].strip()
    append(chain, ("event", "because"), key=KEY, renew=renews)

    marks = "hmac-all-" if renews else "hmac-"
    before = hashlib.sha256(content).hexdigest() if renews else first
    expected = hmac.digest(KEY, canonical_json([marks, before, "event", "because"]).encode(), "sha256").hex()
    assert chain.path.read_text().splitlines()[-1] == f"event,because,{marks}{expected}"


def test_an_edited_row_without_a_key_is_not_said_to_have_another_key(chain):
    filled(chain, 2)
    chain.path.write_text(chain.path.read_text().replace("event 0", "event 9"))

    assert "another key" not in verify(chain, key=None).breaks[0].why


@pytest.mark.parametrize("content", [b"{", b'{"rows": 2, "hash": "x"}'])
def test_an_anchor_that_is_damaged_or_without_its_key_is_reported_at_the_end_of_the_log(chain, content):
    filled(chain, 2, key=KEY)
    chain.anchor.write_bytes(content)

    assert {found.line for found in verify(chain, key=KEY).breaks} == {4}


@pytest.mark.parametrize("row", [b'"a"b,because,x\n', b"only one cell\n", b'"open,because,x\n'])
def test_a_line_that_is_not_csv_is_reported_as_such_and_stops_no_verification(chain, row):
    filled(chain, 2)
    lines = chain.path.read_bytes().splitlines(keepends=True)
    chain.path.write_bytes(b"".join([lines[0], row, lines[2]]))

    found = verify(chain, key=None).breaks[0]

    assert (found.line, found.why) == (2, "it is not a complete row")


# issue 14: a row appended afterwards must not cover up that rows were removed
@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("left", [0, 1, 2])
def test_rows_that_were_removed_stay_missed_when_others_are_appended(chain, key, left):
    filled(chain, 3, key)
    lines = chain.path.read_text().splitlines(keepends=True)
    chain.path.write_text("".join(lines[: 1 + left]) if left else "")

    for _ in range(2):
        append(chain, ("later", "because"), key=key)

    assert [found.why for found in verify(chain, key=key).breaks] == ["rows are missing: 5 were logged"]
    append(chain, ("accepted", "because"), key=key, renew=True)
    assert verify(chain, key=key).breaks == ()


def test_rows_are_read_verified_or_not_and_the_anchor_knows_how_many_there_were(chain):
    assert (read_rows(chain), logged_rows(chain)) == ([], 0)
    filled(chain, 3)
    chain.path.write_text(chain.path.read_text().replace("event 1", "edited") + "torn")

    assert read_rows(chain) == [("event 0", "because"), ("edited", "because"), ("event 2", "because")]
    assert logged_rows(chain) == 3
    chain.anchor.write_text("{")
    assert logged_rows(chain) == 0


def test_verified_rows_come_with_their_verdict(chain):
    filled(chain, 2, KEY)

    verdict, rows = read_verified(chain, key=KEY)

    assert (verdict.breaks, rows) == ((), [("event 0", "because"), ("event 1", "because")])
    assert read_verified(chain, key=OTHER)[0].breaks != ()


@pytest.mark.parametrize("read", [lambda chain: verify(chain, key=None), read_rows])
def test_a_directory_in_the_place_of_the_file_cannot_be_read(chain, read):
    chain.path.mkdir()

    with pytest.raises(StorageError, match="cannot be read"):
        read(chain)
