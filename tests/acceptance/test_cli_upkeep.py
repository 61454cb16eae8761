"""A book is destroyed and brought back, its lake vacuumed: days, replays and verification stay what they were."""

import json
import shutil

import pytest

from tests.homes import (
    LAST_SESSION,
    SESSION_BEFORE,
    afterclose,
    configure,
    copy_of,
    day_bytes,
    run_day,
    tree_bytes,
)


@pytest.fixture(scope="module")
def book_template(begun_home_template, tmp_path_factory):
    """A home with two published days. Never written to: take `book`."""
    home = copy_of(begun_home_template, tmp_path_factory.mktemp("template") / "home")
    run_day(home)
    return home


@pytest.fixture
def book(book_template, tmp_path):
    return copy_of(book_template, tmp_path / "book")


def document(*arguments, home, exit_code=0):
    result = afterclose("--json", *arguments, home=home)
    assert result.returncode == exit_code, result.stderr
    return json.loads(result.stdout)


@pytest.mark.slice
def test_a_destroyed_home_comes_back_with_the_same_days_and_the_same_verification(book, tmp_path):
    days = tree_bytes(book / "live")
    verified = document("data", "verify", home=book)
    output = document("data", "backup", str(tmp_path / "vault"), home=book)
    shutil.rmtree(book)
    new = tmp_path / "another place"

    restored = document("data", "restore", output["archive"], home=new)

    assert restored == output
    assert output["last_session"] == str(LAST_SESSION)
    assert tree_bytes(new / "live") == days
    assert document("data", "verify", home=new) == verified
    before = day_bytes(new)
    run_day(new)
    assert day_bytes(new) == before


@pytest.mark.slice
def test_a_kept_day_is_recomputed_to_the_byte_after_a_vacuum(book):
    before = {day: day_bytes(book, day) for day in (SESSION_BEFORE, LAST_SESSION)}

    output = document("data", "vacuum", home=book)

    assert output["days_kept"] == [str(SESSION_BEFORE), str(LAST_SESSION)]
    assert output["days_unknown"] == []
    for day, files in before.items():
        run_day(book, day)
        assert day_bytes(book, day) == files
    assert afterclose("data", "verify", home=book).returncode == 0


def test_a_day_that_cannot_be_read_stops_the_vacuum(book):
    (book / "live" / str(LAST_SESSION) / "manifest.json").write_text("{")
    before = tree_bytes(book / "data" / "lake")

    output = document("data", "vacuum", home=book, exit_code=1)

    assert "manifest.json cannot be read" in output["what"]
    assert tree_bytes(book / "data" / "lake") == before


def test_a_person_reads_what_was_kept_where_and_progress_goes_to_stderr(book, tmp_path):
    made = afterclose("data", "backup", home=book)
    (archive,) = (book / "backups").iterdir()
    refused = afterclose("data", "restore", str(archive), home=book)
    freed = afterclose("data", "vacuum", home=book)

    assert f"archive       {archive}" in made.stdout
    assert "reading" in made.stderr
    assert refused.returncode == 2
    assert "--replace" in refused.stderr
    assert freed.stdout.startswith("Freed ")
    assert "The data of 2 published days was retained." in freed.stdout


def test_the_lake_at_a_glance_in_words_and_as_a_document(book):
    status = document("data", "status", home=book)["lake"]
    words = afterclose("data", "status", home=book).stdout

    signals = json.loads((book / "live" / str(LAST_SESSION) / "signals.json").read_text())
    assert status["snapshot"] == signals["snapshot"]
    assert status["universe"] == len(signals["scores"])
    for said in (
        f"to {LAST_SESSION}",
        status["snapshot"],
        "last refresh",
        "in quarantine",
        "missing sessions",
    ):
        assert said in words


def test_a_home_without_data_has_a_status_and_nothing_to_vacuum(tmp_path):
    home = configure(tmp_path / "home")

    assert document("data", "status", home=home) == {"lake": None}
    assert document("data", "backup", home=home)["last_session"] is None
    assert "The lake is empty" in document("data", "vacuum", home=home, exit_code=5)["what"]


def test_an_archive_that_is_not_there_is_a_usage_error_and_makes_no_folder(tmp_path):
    refused = document("data", "restore", str(tmp_path / "none.tar"), home=tmp_path / "book", exit_code=2)

    assert refused["what"] == f"{tmp_path / 'none.tar'} is not a file."
    assert "afterclose data backup" in refused["remedy"]
    assert str(tmp_path / "book") not in refused["remedy"]  # the home to restore has nothing to back up
    assert not (tmp_path / "book").exists()
