from datetime import date

import pytest

from tasks.core.errors import ConfigError
from tasks.data.providers.wanted import batches, first_day, read_symbols


def test_symbols_are_read_line_by_line(tmp_path):
    file = tmp_path / "symbols.txt"
    file.write_text("# mine\nAAPL\n  BRK.B # class B\n\nNA\nAAPL\n")

    assert read_symbols(file, "alpaca") == ("AAPL", "BRK.B", "NA")


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("aapl\n", "line 1, is not a valid symbol"),
        ("# none\n", "contains no symbols"),
        ("A\n\n../x\n", "line 3, is not a valid symbol"),
    ],
)
def test_a_list_that_cannot_be_used_is_named(tmp_path, text, reported):
    file = tmp_path / "symbols.txt"
    file.write_text(text)

    with pytest.raises(ConfigError, match=reported):
        read_symbols(file, "alpaca")


@pytest.mark.parametrize("file", ["none.txt", "."])
def test_a_list_that_is_not_there_is_named(tmp_path, file):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_symbols(tmp_path / file, "alpaca")


def test_without_a_list_the_setting_is_named():
    with pytest.raises(ConfigError, match=r"data\.symbols_file is not set"):
        read_symbols(None, "tiingo")


def test_portions_hold_everything_once():
    assert list(batches("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_the_last_fortnight_is_asked_for_again():
    begin = date(2016, 1, 4)

    assert first_day(None, begin) == begin
    assert first_day(date(2024, 6, 14), begin) == date(2024, 5, 31)
    assert first_day(date(2016, 1, 8), begin) == begin
