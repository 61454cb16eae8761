"""Unbounded files, files outside the home, and secrets repeated by libraries: refused, confined, masked."""

import json
import logging
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import commands
from flows.cli.app import answer
from tasks.core.errors import DataError
from tasks.core.masking import CHOSEN, VARIABLES, mask_logs, masked
from tasks.data import task
from tasks.data.providers.http.keys import IDENTITY, KEYS
from tasks.data.providers.tiingo import TiingoProvider
from tasks.models.registry import metadata
from tests.builders import FRIDAY
from tests.deliveries import make_delivery, small_run
from tests.servers.base import as_json, serving
from tests.servers.tiingo import TiingoServer

KEY = "zq9+secret/value=1234567890"


@pytest.fixture
def home(tmp_path):
    place = tmp_path / "home"
    assert answer(["init", str(place), "--simulated"]) == 0
    return place


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, dict]:
    """Run a command that fails; return its exit code, its output, and the document."""
    capsys.readouterr()
    code = answer(["--json", *arguments])
    out, err = capsys.readouterr()
    return code, out + err, json.loads(out)


# issue 10, line 22
@pytest.mark.parametrize("depth", [2_000, 200_000])
@pytest.mark.parametrize("shape", ["[{depth}]", '{{"probe": [{depth}]}}'])
def test_metadata_of_a_champion_that_is_nested_is_damaged_and_not_unexpected(home, capsys, depth, shape):
    text = shape.format(depth="[" * depth + "]" * depth)
    (home / "production").mkdir(exist_ok=True)
    (home / "production" / "champion_metadata.json").write_text(text)

    code, said, document = complaint(capsys, "--home", str(home), "champion", "show")

    assert code == 6
    assert "champion_metadata.json is damaged or was edited" in document["what"]
    assert "Unexpected error" not in said


# issue 10, line 22
def test_metadata_of_hundreds_of_megabytes_is_refused_by_its_size_unread(home, capsys, monkeypatch):
    path = home / "production" / "champion_metadata.json"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.truncate(path, 400_000_000)  # a hole: takes no disk
    monkeypatch.setattr(metadata, "read_bytes", lambda _: pytest.fail("it was read"))

    code, _, document = complaint(capsys, "--home", str(home), "champion", "show")

    assert code == 6
    assert "it has 400,000,000 bytes; the limit is 10,000,000" in document["what"]


# issue 10, line 22
@pytest.mark.parametrize("kind", ["passwd", "device", "pipe", "large"])
def test_a_list_of_symbols_that_is_another_file_is_refused_without_a_word_of_it(
    home, tmp_path, capsys, monkeypatch, kind
):
    monkeypatch.setenv("TIINGO_API_KEY", KEY)
    secret = tmp_path / "passwd"
    secret.write_text("GOOD\nroot:x:0:0:root:/root:/bin/bash\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_text("A\n" * 600_000)
    file = {"device": "/dev/zero"}.get(kind, f"../{kind}")
    (home / "config.yaml").write_text(f"data: {{provider: tiingo, symbols_file: {file}}}")

    code, said, document = complaint(capsys, "--home", str(home), "refresh")

    assert code == 2
    assert ("line 2, is not a valid symbol" if kind == "passwd" else "cannot be read") in document["what"]
    assert "root" not in said.replace(str(tmp_path), "")
    assert "bash" not in said


# issue 10, line 22
@pytest.mark.parametrize("flags", [[], ["--debug"], ["--verbose"]])
def test_a_key_that_a_provider_repeats_as_a_price_is_never_printed(home, capsys, monkeypatch, flags):
    monkeypatch.setenv("TIINGO_API_KEY", KEY)

    def echo(_request, _wanted):
        figures = dict.fromkeys(("open", "high", "low", "close", "volume", "adjClose"), "x" * 50 + KEY)
        return as_json([{"date": "2024-06-14T00:00:00.000Z", "divCash": 0, "splitFactor": 1, **figures}])

    with serving(TiingoServer(make_delivery(sessions=10))) as server:
        server.always = echo
        symbols = home / "symbols.txt"
        symbols.write_text("S00\n")
        run = small_run(home, FRIDAY, **{"data.symbols_file": symbols})
        monkeypatch.setattr(task, "make_provider", lambda _: TiingoProvider(run, url=server.url))

        code, said, document = complaint(
            capsys, *flags, "--home", str(home), "refresh", "--date", str(FRIDAY)
        )

    assert code == 5
    assert "tiingo returned data of an unexpected shape" in document["what"]
    assert not [KEY[:n] for n in range(6, len(KEY) + 1) if KEY[:n] in said]
    assert "***" in said


# issue 10, line 22
@pytest.mark.parametrize("name", VARIABLES)
def test_no_complaint_holds_a_secret_whoever_raised_it(capsys, monkeypatch, name):
    monkeypatch.setenv(name, KEY)

    def fail(*_, **__):
        logging.getLogger("flows.anywhere").warning("using %s", KEY)
        raise ValueError(f"Arrow: cannot parse '{KEY}' at https://x/?key=zq9%2Bsecret%2Fvalue%3D1234567890")

    monkeypatch.setattr(commands, "run_refresh", fail)

    code, said, document = complaint(capsys, "--debug", "refresh")

    assert code == 1
    assert "secret" not in said
    assert "cannot parse '***' at https://x/?key=***" in document["error"]


# issue 10, line 22
def test_no_error_of_ours_carries_a_secret_in_its_fields(monkeypatch):
    monkeypatch.setenv("FRED_API_KEY", KEY)

    error = DataError(f"No {KEY}.", remedy=f"Not {KEY}.", value=KEY, values=[KEY, 1], inside={"a": (KEY,)})

    assert KEY not in f"{error} {error!r} {error.fields} {error.what} {error.remedy}"
    assert error.fields["values"] == ["***", 1]


# issue 10, line 22
def test_no_log_record_holds_a_secret_wherever_it_goes(monkeypatch, caplog):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    mask_logs()
    mask_logs()

    logging.getLogger("some.library").warning("tried %s and %d", KEY, 3)
    logging.getLogger("some.library").warning("100%% of %s", "nothing")

    assert [record.getMessage() for record in caplog.records] == ["tried *** and 3", "100% of nothing"]


# issue 10, line 22
@given(st.text(max_size=20), st.text("abcXYZ019+/=%-_", min_size=4, max_size=40), st.text(max_size=20))
def test_masking_leaves_everything_but_the_secret(before, secret, after):
    said = masked(f"{before}{secret}{after}", {"FRED_API_KEY": secret})

    assert "***" in said
    assert secret not in said.replace("***", "")
    assert masked(before, {"FRED_API_KEY": secret + "!"}) == before


# issue 10, line 22
@pytest.mark.parametrize("name", sorted(CHOSEN))
@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("short", "It is shorter than 12 characters.", "It is shorter than 12 characters."),
        ("test", 'afterclose backtest; "latest_test": 1', 'afterclose backtest; "latest_test": 1'),
        ("2024", "order 12024778", "order 12024778"),
        ("short", "Login 'short' refused: short.", "Login '***' refused: ***."),
        ("short", r"a\nshort\tb \u0027short %3Dshort%26 =short&", r"a\n***\tb \u0027*** %3D***%26 =***&"),
        ("sh0rt!", "ash0rt!er", "a***er"),
        ("longer-value-1", "xlonger-value-1x", "x***x"),
        ("abcdefghijkl", "xabcdefghijklx", "x***x"),
    ],
)
def test_a_short_secret_of_a_person_is_masked_as_a_word_and_never_inside_one(name, secret, text, shown):
    assert masked(text, {name: secret}) == shown


# issue 10, line 22
@given(
    st.sampled_from(sorted(CHOSEN)),
    st.text(max_size=20),
    st.text("abcXYZ019+/=%-_", min_size=4, max_size=40),
    st.sampled_from(list(" '\"/=&:,.?()<>[]{}\n")),
)
def test_a_secret_of_a_person_that_stands_alone_is_masked(name, around, secret, mark):
    said = masked(f"{around}{mark}{secret}{mark}{around}", {name: secret})

    assert "***" in said
    assert f"{mark}{secret}{mark}" not in said.replace("***", "")


# issue 10, line 22
@pytest.mark.parametrize("name", sorted(set(VARIABLES) - CHOSEN))
def test_a_key_of_a_broker_or_provider_is_masked_even_inside_a_word(name):
    assert masked("a backtest", {name: "test"}) == "a back***"
    assert masked("a backtest", {name: "test", "AFTERCLOSE_SMTP_PASSWORD": "test"}) == "a back***"


def test_every_key_of_a_provider_is_a_secret():
    assert {name for names in KEYS.values() for name in names} - {IDENTITY} <= set(VARIABLES)
