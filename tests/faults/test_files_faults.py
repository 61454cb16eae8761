"""Folders of files as people deliver them: accepted by a stated rule, or refused with file, line and remedy.

All through the command line. Nothing may end as "Unexpected error" or with the message of a library.
"""

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.cli.app import answer
from tests.deliveries import make_delivery
from tests.unit.data.folders import write_folder

DELIVERY = make_delivery(sessions=30, symbols=4)
LIBRARY_WORDS = (
    "Arrow",
    "CSV parse error",
    "CSV conversion error",
    "Unexpected error",
    "Traceback",
    "straddling",
    "codec",
)
BARS = len(DELIVERY.bars)


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "folder", DELIVERY)


def home_of(folder: Path) -> Path:
    """Create a home next to the directory."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    (home / "config.yaml").write_text("data: {quality: {max_quarantined_frac: 0.5}}")
    return home


def import_(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict]:
    """Import the folder into a fresh home; return exit code and document."""
    code = answer(["--json", "--home", str(home_of(folder)), "data", "import", str(folder)])
    out, err = capsys.readouterr()
    assert not [word for word in LIBRARY_WORDS if word in out + err], out + err
    return code, json.loads(out)


@pytest.fixture(scope="module")
def plainly(tmp_path_factory):
    """The result for the same files in plain spelling."""
    out = StringIO()
    folder = write_folder(tmp_path_factory.mktemp("plain") / "folder", DELIVERY)
    with redirect_stdout(out):
        assert answer(["--json", "--home", str(home_of(folder)), "data", "import", str(folder)]) == 0
    return json.loads(out.getvalue())


def rewrite(folder: Path, change, name: str = "prices.csv") -> None:
    path = folder / name
    path.write_text(change(path.read_text()))


def with_cell(text: str, row: int, column: str, value: str) -> str:
    """Return the CSV with one cell of one line (1: the header) replaced."""
    lines = text.splitlines()
    cells = lines[row - 1].split(",")
    cells[lines[0].split(",").index(column)] = value
    return "\n".join([*lines[: row - 1], ",".join(cells), *lines[row:]]) + "\n"


# issue 10, line 9
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda _: b"", "the file is empty"),
        (lambda _: b"\n\n", "the file is empty"),
        (lambda text: text.encode("utf-16"), "it is text in UTF-16"),
        (lambda text: text.encode("utf-16-le"), "line 1 contains a NUL byte"),
        (lambda text: text.replace("S00", "Ü00", 3).encode("latin-1"), "line 2 is not text in UTF-8"),
        (lambda text: text.replace("volume", "völume", 1).encode("latin-1"), "line 1 is not text in UTF-8"),
        (lambda text: text.replace(",", ";").encode(), "separated by semicolons"),
        (lambda text: text.replace(",", "\t").encode(), "separated by tabs"),
        (lambda text: b"PK\x03\x04" + text.encode(), "a ZIP archive or an Excel workbook"),
        (lambda text: b"PAR1" + text.encode(), "a Parquet file, not CSV"),
        (
            lambda text: text.encode() + b"S00,2024-06-13,1,2\n",
            f"line {BARS + 2} has 4 cells, but the header has 7",
        ),
        (
            lambda text: text.encode() + b'"S00,2024-06-13,1,2,1,2,3\n',
            f"quotation marks do not match from line {BARS + 2} on",
        ),
        (lambda text: text.encode() + b"S00\0,2024-06-13,1,2,1,2,3\n", f"line {BARS + 2} contains a NUL"),
    ],
    ids=[
        "empty",
        "blank",
        "utf-16",
        "utf-16-no-mark",
        "latin-1",
        "latin-1 header",
        "semicolons",
        "tabs",
        "zip",
        "parquet",
        "short row",
        "open quote",
        "nul",
    ],
)
def test_a_file_of_another_kind_is_refused_by_name_with_its_line(folder, capsys, change, what):
    path = folder / "prices.csv"
    path.write_bytes(change(path.read_text()))

    code, document = import_(folder, capsys)

    assert code == 5
    assert f"{path} cannot be read: " in document["what"]
    assert what in document["what"]
    assert "nothing was stored" in document["remedy"]


# issue 10, line 9
@pytest.mark.parametrize("end", ['",2024-05-31,1,2,1,2,3', '2024-05-31",1,2,1,2,3,4', None])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_quotation_mark_that_swallows_rows_is_refused_with_its_line(folder, capsys, end, line_end):
    def with_quote(text: str) -> str:
        lines = text.splitlines()
        closed = [] if end is None else [end]
        long = lines[1:] * 400 if end is None else lines[9:]  # several of the blocks that Arrow reads
        return line_end.join([*lines[:6], f'"{lines[6]}', *lines[7:9], *closed, *long, ""])

    path = folder / "prices.csv"
    path.write_bytes(with_quote(path.read_text()).encode())

    code, document = import_(folder, capsys)

    assert code == 5
    assert "prices.csv cannot be read: the quotation marks do not match from line 7 on" in document["what"]
    assert "Close each quoted cell on its own line" in document["remedy"]


# issue 10
@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        (
            "sectors.csv",
            "symbol,name,gics_sector\nS00,A,Energy\nS01,B,Energy\nS00,A,Utilities\n",
            "sectors.csv gives 'S00' two values for gics_sector: 'Energy' and 'Utilities'",
        ),
        (
            "sectors.csv",
            "symbol,name,gics_sector,cap_class\nS00,A,Energy,large\nS00,A,Energy,small\n",
            "sectors.csv gives 'S00' two values for cap_class: 'large' and 'small'",
        ),
        (
            "membership.csv",
            "symbol,start_date,end_date\nS00,2020-01-02,2019-01-02\n",
            "membership of 'S00' that starts on 2020-01-02 ends before it begins",
        ),
        (
            "membership.csv",
            "symbol,start_date,end_date\nS00,2020-01-02,\nS00,2020-01-02,2022-01-03\n",
            "membership of 'S00' that starts on 2020-01-02 overlaps another one",
        ),
        (
            "membership.csv",
            "symbol,start_date,end_date\nS00,2020-01-02,2022-01-03\nS00,2021-01-04,\n",
            "membership of 'S00' that starts on 2021-01-04 overlaps another one",
        ),
    ],
)
def test_rows_that_contradict_each_other_are_refused_by_name(folder, capsys, name, text, what):
    (folder / name).write_text(text)

    code, document = import_(folder, capsys)

    assert code == 5
    assert what in document["what"]
    assert "Keep the row that is right" in document["remedy"]


# issue 10
def test_a_file_with_two_columns_for_the_symbol_is_refused(folder, capsys):
    rewrite(
        folder,
        lambda text: text.replace("volume", "volume,Ticker", 1).replace("\n", ",X\n").replace(",X", "", 1),
    )

    code, document = import_(folder, capsys)

    assert code == 5
    assert "prices.csv has 2 columns for 'symbol': 'symbol', 'Ticker'" in document["what"]


# issue 10
def test_prices_from_before_the_calendar_are_counted(folder, caplog, capsys):
    rewrite(folder, lambda text: text + "S00,1926-11-26,1,2,1,2,3\nS01,0026-11-27,1,2,1,2,3\n")

    code, document = import_(folder, capsys)

    assert (code, document["bars"]) == (0, BARS)
    assert "2 rows dated before 1990-01-02 are not used; the earliest is dated 0026-11-27" in caplog.text


# issue 10
def test_rows_that_repeat_or_continue_each_other_are_accepted(folder, capsys):
    rewrite(folder, lambda text: text + text.split("\n", 1)[1], "sectors.csv")
    spells = "S00,2020-01-02,2022-01-03\nS00,2022-01-03,\nS00,2022-01-03,\n"
    (folder / "membership.csv").write_text(f"symbol,start_date,end_date\n{spells}")

    assert import_(folder, capsys)[0] == 0


# issue 10, line 9
@pytest.mark.parametrize(
    ("column", "value", "what", "remedy"),
    [
        ("date", "01/02/2024", "is ambiguous: day and month cannot be distinguished", "YYYY-MM-DD"),
        ("date", "1.2.24", "is ambiguous: day", "YYYY-MM-DD"),
        ("date", "2024-02-30", "is not a valid date", "YYYY-MM-DD"),
        ("date", "20240102", "is a date without hyphens", "YYYY-MM-DD"),
        ("date", "2024-01-02 16:00:00", "contains a time of day", "Remove the time"),
        ("date", "1704153600", "looks like a Unix timestamp", "YYYY-MM-DD"),
        ("date", "45293", "looks like a spreadsheet date serial number", "YYYY-MM-DD"),
        ("date", "yesterday", "is not a valid date", "YYYY-MM-DD"),
        ("date", "", "1 row without a date, line 7", "Add the dates"),
        ("close", '"12,5"', "has a decimal comma", "decimal point"),
        ("close", '"1,234.50"', "contains commas, for thousands or decimals", "decimal point"),
        ("volume", "1 000 000", "contains thousands separators", "no other separator"),
        ("close", "$12.5", "contains a unit", "Remove units"),
        ("close", "n/a", "is not a number", "decimal point"),
        ("symbol", "S" * 2_000, "is longer than 1,000 characters", "Shorten it"),
    ],
)
def test_a_cell_that_cannot_be_read_is_refused_with_file_line_and_remedy(
    folder, capsys, column, value, what, remedy
):
    if value.startswith('"'):
        rewrite(folder, lambda text: with_cell(text, 7, column, "MARK").replace("MARK", value))
    else:
        rewrite(folder, lambda text: with_cell(text, 7, column, value))

    code, document = import_(folder, capsys)

    assert code == 5
    assert f"prices.csv, column '{column}'" in document["what"]
    assert "line 7" in document["what"]
    assert what in document["what"]
    assert remedy in document["remedy"]
    assert len(document["what"]) < 400


# issue 10, lines 9 and 22
def test_a_cell_of_ten_megabytes_is_refused_with_its_line_and_column(folder, capsys):
    rewrite(folder, lambda text: with_cell(text, 7, "date", "x" * 10_000_000))

    code, document = import_(folder, capsys)

    assert code == 5
    assert "line 7 is longer than 1,000,000 bytes, in column 2" in document["what"]
    assert len(document["what"]) < 400


# issue 10, line 9
def test_the_line_of_a_bad_cell_counts_blank_lines_and_quoted_line_ends(folder, capsys):
    rewrite(folder, lambda text: with_cell(text, 7, "close", "abc").replace("\n", "\n\n\n", 3))

    _, document = import_(folder, capsys)

    assert "line 13: 'abc' is not a number" in document["what"]


# issue 10, line 9
def test_prices_without_a_row_are_refused_and_an_optional_table_without_one_is_not(folder, capsys):
    rewrite(folder, lambda text: text.splitlines()[0], "corporate_actions.csv")
    assert import_(folder, capsys)[0] == 0

    rewrite(folder, lambda text: text.splitlines()[0])

    code, document = import_(folder, capsys)
    assert code == 5
    assert "prices.csv has no rows" in document["what"]


# issue 10, line 9
def test_a_column_without_rows_is_accepted_whatever_its_type(folder, capsys):
    (folder / "riskfree.csv").unlink()
    columns = {"date": pa.array([], pa.list_(pa.int64())), "yield": pa.array([], pa.bool_())}
    pq.write_table(pa.table(columns), folder / "riskfree.parquet")

    assert import_(folder, capsys)[0] == 0


# issue 10, line 9
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("symbol,date", "Symbol,Date", 1),
        lambda text: text.replace("symbol,date", "Ticker, DATE ", 1),
        lambda text: text.replace(
            "symbol,date,open,high,low,close,volume", "SYMBOL,DATE,OPEN,HIGH,LOW,CLOSE,VOLUME"
        ),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n", 20),
        lambda text: text.replace("\n", "\r", 20),
        lambda text: text.replace(",2024-05-31,", ",2024-05-31 00:00:00,"),
        lambda text: text.replace(",2024-05-31,", ",2024-05-31T00:00:00.000-04:00,"),
        lambda text: text.replace(",", " , "),
        lambda text: text.replace("S0", "s0"),
        lambda text: text.replace("S0", " S0"),
    ],
    ids=[
        "Symbol",
        "Ticker",
        "CAPITALS",
        "mark",
        "mixed line ends",
        "old Mac line ends",
        "midnight",
        "zoned midnight",
        "spaces",
        "lower case",
        "leading space",
    ],
)
def test_what_can_be_read_in_one_way_only_is_read_as_if_it_had_been_written_plainly(
    folder, plainly, capsys, change
):
    rewrite(folder, change)

    code, document = import_(folder, capsys)

    assert code == 0
    assert {**document, "folder": "", "respelled": {}} == {**plainly, "folder": "", "respelled": {}}
    assert document["bars"] == BARS


# issue 10, line 9
def test_symbols_that_cannot_be_stored_are_named_and_counted_and_the_rest_is_imported(folder, capsys):
    bars = DELIVERY.bars
    odd = ["X" * 60, "BRK B", "BACpL"]
    more = [bars[bars["symbol"] == "S00"].assign(symbol=symbol) for symbol in odd]
    rows = "".join(frame.to_csv(index=False, header=False, date_format="%Y-%m-%d") for frame in more)
    rewrite(folder, lambda text: text + rows)

    code, document = import_(folder, capsys)

    assert code == 0
    assert document["bars"] == BARS
    assert document["refused"] == {"X" * 40: 30, "BRK B": 30, "BACpL": 30}
    assert document["findings"]["unsafe_symbol"] == 3
    assert answer(["--home", str(folder.parent / "words"), "data", "import", str(folder)]) == 0
    said = capsys.readouterr()
    assert "90 refused" in said.out
    assert "'BRK B' (30)" in said.out
    assert "files: 90 bars refused, because the symbols are not valid" in said.err


# issue 10, line 9
def test_a_slash_before_a_class_and_surrounding_spaces_are_normalised_and_reported(folder, capsys):
    rewrite(
        folder, lambda text: text.replace("S00", "BRK/B").replace("S01", "  S01 ").replace("S02", "brk.a")
    )

    code, document = import_(folder, capsys)

    assert code == 0
    assert document["bars"] == BARS
    assert document["respelled"] == {"BRK/B": "BRK.B", "  S01 ": "S01", "brk.a": "BRK.A"}
    assert document["refused"] == {}
    answer(["--home", str(folder.parent / "words"), "data", "import", str(folder)])
    assert "'BRK/B' → BRK.B" in capsys.readouterr().out


# issue 10, line 9
@pytest.mark.parametrize("name", ["prices.csv", "sectors.csv"])
def test_two_spellings_of_one_symbol_are_an_error_and_never_merged(folder, capsys, name):
    rewrite(folder, lambda text: text.replace("S00", "BRK.B").replace("S01", "BRK/B"), name)

    code, document = import_(folder, capsys)

    assert code == 5
    assert f"{name} spells 'BRK.B' in two ways: 'BRK.B' and 'BRK/B'" in document["what"]


# issue 10, line 9
def test_a_file_in_which_no_symbol_can_be_stored_is_refused_by_the_symbols(folder, capsys):
    rewrite(folder, lambda text: text.replace("S0", "Bad S0"))

    code, document = import_(folder, capsys)

    assert code == 5
    assert (
        f"None of the bars of files ({BARS}) can be stored, because their symbols are not valid: 'Bad S00' (30)"
        in document["what"]
    )


# issue 10, line 9
def test_a_symbol_of_another_table_that_cannot_be_stored_is_a_finding_once(folder, capsys):
    rewrite(folder, lambda text: text.replace("S03", "BRK B"), "membership.csv")

    _, first = import_(folder, capsys)
    _, again = import_(folder, capsys)

    assert first["findings"]["unsafe_symbol"] == 1
    assert "unsafe_symbol" not in again["findings"]


# issue 10, line 9
def test_two_columns_that_mean_the_same_are_refused(folder, capsys):
    rewrite(folder, lambda text: text.replace("symbol,date,open", "symbol,date,Close", 1))

    code, document = import_(folder, capsys)

    assert code == 5
    assert "has 2 columns for 'close': 'Close', 'close'" in document["what"]


# issue 10, line 9
def test_an_item_with_one_cell_that_is_not_a_number_is_an_error_and_not_left_out(folder, capsys):
    rewrite(folder, lambda text: with_cell(text, 3, "eps", "1.5x"), "fundamentals.csv")
    rewrite(folder, lambda text: text + text.splitlines()[1] + "\n", "fundamentals.csv")

    code, document = import_(folder, capsys)

    assert code == 5
    assert "fundamentals.csv, column 'eps', line 3: '1.5x' is not a number" in document["what"]
