"""The head of a chain, copied outside the home, tells what chain and anchor alone cannot."""

import shutil

import pytest

from tasks.core.chain.rows import Break, ChainFile, append, verify

KEY = b"0123456789abcdef" * 2


@pytest.fixture
def chain(tmp_path):
    (tmp_path / "home").mkdir()
    made = ChainFile(tmp_path / "home/log.csv", tmp_path / "home/anchor.json", ("what",), tmp_path / "heads")
    for what in ("one", "two", "three"):
        append(made, (what,), key=KEY)
    return made


def whys(chain):
    return [found.why for found in verify(chain, key=KEY).breaks]


def test_a_chain_agrees_with_its_copied_heads(chain):
    assert whys(chain) == []
    assert chain.heads.read_bytes().count(b'"hash"') == 3


def test_a_chain_rewritten_with_its_key_and_its_anchor_differs_from_its_copied_heads(chain, tmp_path):
    shutil.rmtree(tmp_path / "home")
    (tmp_path / "home").mkdir()
    forged = ChainFile(chain.path, chain.anchor, chain.columns)
    for what in ("one", "TWO", "three"):
        append(forged, (what,), key=KEY)

    assert whys(forged) == []
    assert verify(chain, key=KEY).breaks == (
        Break(5, None, f"row 2 differs from its copied head in {chain.heads}"),  # the line after the last row
    )


def test_a_chain_shortened_with_its_anchor_is_missing_rows(chain, tmp_path):
    shutil.rmtree(tmp_path / "home")
    (tmp_path / "home").mkdir()
    append(ChainFile(chain.path, chain.anchor, chain.columns), ("one",), key=KEY)

    assert whys(chain) == [f"rows are missing: {chain.heads} has the head of row 2"]


def test_copied_heads_that_were_removed_are_not_begun_again_by_the_next_row(chain, caplog):
    chain.heads.unlink()

    append(chain, ("four",), key=KEY)

    assert "is not copied" in caplog.text
    assert whys(chain) == [f"{chain.heads}, which has a copy of the chain's head, is missing"]


def test_a_person_who_renews_the_chain_begins_the_copied_heads_again(chain):
    chain.path.write_bytes(chain.path.read_bytes().replace(b"two", b"TWO"))
    assert whys(chain)

    append(chain, ("accepted",), key=KEY, renew=True)
    append(chain, ("five",), key=KEY)

    assert whys(chain) == []


@pytest.mark.parametrize("content", [b"{}\n", b'{"rows": 0, "hash": "", "renews": false}\n', b"\xff\n"])
def test_copied_heads_that_cannot_be_read_break_the_chain(chain, content):
    chain.heads.write_bytes(content)

    assert len(whys(chain)) == 1


def test_a_head_that_was_cut_off_by_a_crash_is_not_a_break(chain):
    chain.heads.write_bytes(chain.heads.read_bytes()[:-5])
    append(chain, ("four",), key=KEY)

    assert whys(chain) == []
    assert chain.heads.read_bytes().count(b'"hash"') == 4
