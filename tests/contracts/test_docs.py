"""What the documents say exists: commands, options, make targets, links, runbook pages, settings, units.

What they show is sound; tests/acceptance/test_docs_commands.py runs it.
"""

import json
import re
import shlex
import subprocess
import sys
from math import ceil
from pathlib import Path

import pytest

from config.settings import load_settings
from flows.cli.app import answer
from flows.demo import INFORMATION_COEFFICIENT
from tasks.core import errors
from tasks.data.lake.migrations import SCHEMA_VERSION
from tasks.features.registry import warm_up
from tasks.features.sets import SETS
from tasks.models.training.walkforward import BLOCK
from tasks.regime.inputs import LOOKBACK
from tasks.regime.rules import memory
from tasks.selection.selection_run import window_needed
from tests.doc_blocks import PAGES, ROOT, blocks
from tests.homes import afterclose

PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LANGUAGES = {"sh", "sql", "python", "yaml", "json", "csv", "ini", "crontab", "text"}
# Every page with Python and the test that runs it.
RUN_BY = {
    "docs/adding-a-feature.md": "tests/contracts/test_features_docs.py",
    "docs/adding-a-model.md": "tests/unit/models/test_models_docs.py",
    "docs/adding-a-provider.md": "tests/contracts/test_provider_contract.py",
    "docs/adding-an-optimizer.md": "tests/contracts/test_optimizer_contract.py",
    "docs/notifications.md": "tests/acceptance/test_notify_webhook.py",
    "docs/own-data.md": "tests/acceptance/test_docs_commands.py",
    "docs/tuning.md": "tests/acceptance/test_selection_search_store.py",
    "docs/simulated-market.md": "tests/acceptance/test_docs_commands.py",
}
# A page's block continues the one before, and stands in a module that has the docstrings and imports.
OF_A_WHOLE_MODULE = "D1,F821,INP001"


def ids(each):
    return [block.id for block in each]


def command_lines():
    lines = {line for block in blocks("sh", "crontab") for line in block.lines}
    return sorted(
        {line[line.index("afterclose ") :] for line in lines if re.search(r"(^|/)afterclose ", line)}
    )


def words_of(line):
    """Split a line into the command's words and its options."""
    words = shlex.split(line)[1:]
    first = next(
        (i for i, word in enumerate(words) if not re.fullmatch(r"[a-z-]+", word) or word[0] == "-"),
        len(words),
    )
    return words[:first], [word for word in words if word.startswith("--")]


@pytest.fixture(scope="module")
def helps(tmp_path_factory):
    home = tmp_path_factory.mktemp("help")
    cache = {}

    def help_of(words):
        key = tuple(words)
        if key not in cache:
            cache[key] = afterclose(*words, "--help", home=home)
        return cache[key]

    return help_of


@pytest.mark.parametrize("line", command_lines())
def test_a_command_that_the_docs_show_exists_with_its_options(line, helps):
    words, options = words_of(line)

    help_page = helps(words)

    assert help_page.returncode == 0, help_page.stderr
    assert [option for option in options if option not in help_page.stdout] == []


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_make_targets_that_a_page_shows_exist(name):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE))

    assert shown <= targets


def anchors(page):
    """Return the anchors that GitHub makes of the page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return {*plain, ""}


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_links_of_a_page_lead_somewhere(name):
    page = ROOT / name
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())

    missing = []
    for link in links:
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            missing.append(link)

    assert missing == []


def test_every_error_has_a_runbook_page():
    anchors = set(re.findall(r"^## (.+)$", (ROOT / "docs/runbooks.md").read_text(), re.MULTILINE))
    named = {
        error.runbook
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.AftercloseError)
    }

    assert named == anchors


# issue 11, part 3
@pytest.mark.parametrize("block", blocks(), ids=ids(blocks()))
def test_every_block_says_what_it_is(block):
    assert block.language in LANGUAGES
    if block.language in {"text", "csv"}:
        assert not re.search(
            r"^(\$ )?(make|afterclose [a-z]|pip|git|source|export) ", block.text, re.MULTILINE
        )


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_the_command_is_called_in_one_way(name):
    """Off the PATH that `source .venv/bin/activate` sets, but for schedulers, which have none."""
    lines = [line for block in blocks("sh") if block.page == name for line in block.lines]

    assert [line for line in lines if re.search(r"\.venv/bin/(afterclose|pytest)", line)] == []


def test_every_page_with_python_has_a_test_that_runs_it():
    assert {block.page for block in blocks("python")} == set(RUN_BY)
    assert [page for page, test in RUN_BY.items() if Path(page).name not in (ROOT / test).read_text()] == []


def test_the_python_of_the_docs_passes_the_linter(tmp_path):
    for block in blocks("python"):
        (tmp_path / f"{Path(block.page).stem}_{block.number}.py").write_text(block.text + "\n")
    ruff = [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", "--output-format", "concise"]
    settings = ["--config", str(ROOT / "pyproject.toml"), "--extend-ignore", OF_A_WHOLE_MODULE]

    checked = subprocess.run([*ruff, *settings, str(tmp_path)], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("block", blocks("yaml"), ids=ids(blocks("yaml")))
def test_the_settings_that_a_page_shows_are_valid(block, tmp_path):
    (tmp_path / "config.yaml").write_text(block.text)

    load_settings(home=tmp_path, profile=None, environ={})


def test_the_least_history_that_own_data_md_names_is_what_settings_and_code_need(tmp_path):
    settings = load_settings(home=tmp_path, profile=None, environ={}).settings
    models, oldest = settings.models, settings.data.universe.min_history_sessions
    folds = models.min_train_sessions + 2 * models.test_sessions + models.embargo_sessions
    every, ahead = min(models.label_horizons), max(models.label_horizons)
    # the first row that is trained on and the boundary of the folds may be this many sessions away
    spanned = folds + ahead + (every - 1) + (BLOCK - 1)
    needed = {
        "a name may be bought": oldest,
        "features in the sets": warm_up(SETS["all"]),
        "features in the set `alpha158`": warm_up(SETS["alpha158"]),
        "regime: the same": LOOKBACK + memory(settings.regime),
        "covariance": ceil(settings.risk.min_history_frac * settings.risk.window_sessions),
        "training (`weekly`)": oldest - 1 + spanned + ahead,
        "training with the default": window_needed(models),
        "the Sharpe rule": settings.safety.kill_sharpe_sessions,
        "quality gates": settings.data.quality.session.full_names,
    }
    rows = re.findall(r"^\| (.+?) \| ([\d,]+)", (ROOT / "docs/own-data.md").read_text(), re.MULTILINE)

    for part, sessions in needed.items():
        assert [int(shown.replace(",", "")) for name, shown in rows if name.startswith(part)] == [sessions], (
            part
        )


def test_the_error_that_the_docs_show_as_json_is_the_one_that_is_printed(tmp_path, monkeypatch, capsys):
    (shown,) = blocks("json")
    home = tmp_path / "book"
    afterclose("init", str(home), home=home)
    monkeypatch.setenv("AFTERCLOSE_HOME", str(home))

    answer(["champion", "show", "--json"])

    assert json.loads(capsys.readouterr().out) == json.loads(shown.text.replace("/home/me", str(tmp_path)))


@pytest.mark.parametrize("block", blocks("crontab"), ids=ids(blocks("crontab")))
def test_a_crontab_sets_its_environment_and_calls_commands_by_their_path(block):
    lines = [line for line in block.lines if not re.match(r"[A-Z_]+=", line)]

    assert "AFTERCLOSE_HOME=/srv/book" in block.lines
    for line in lines:
        *schedule, command = line.split(maxsplit=5)
        assert all(re.fullmatch(r"[\d*,/-]+", field) for field in schedule), line
        assert re.search(r"(^|; )/srv/afterclose/\.venv/bin/afterclose ", command), line


def test_the_first_run_names_the_alpha_that_the_demo_plants():
    text = (ROOT / "docs" / "first-run.md").read_text()

    assert f"information coefficient {INFORMATION_COEFFICIENT:.2f})" in text


def test_the_upgrade_table_of_data_operations_md_ends_with_the_schema_of_the_lake():
    text = (ROOT / "docs" / "data-operations.md").read_text()
    versions = [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]

    assert f"the version of the lake's schema, now {SCHEMA_VERSION}." in text
    assert versions == list(range(1, SCHEMA_VERSION + 1))
