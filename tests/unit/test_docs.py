"""What the documents say exists: commands, options, make targets, links, runbook pages."""

import re
import shlex
from pathlib import Path

import pytest

from tasks.core import errors
from tests.homes import afterclose

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def code_lines(page):
    blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(), re.DOTALL)
    return [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]


def command_lines():
    lines = {line.removeprefix(".venv/bin/") for page in PAGES for line in code_lines(page)}
    return sorted(line for line in lines if line.startswith("afterclose "))


def words_of(line):
    """Split into the command's own words and the options it is given."""
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


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_links_of_a_page_lead_somewhere(name):
    page = ROOT / name
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    missing = [
        link
        for link in links
        if "://" not in link and not (page.parent / link.split("#")[0]).exists() and link[0] != "#"
    ]

    assert missing == []


def test_every_error_has_a_runbook_page():
    anchors = set(re.findall(r"^## (.+)$", (ROOT / "docs/runbooks.md").read_text(), re.MULTILINE))
    named = {
        error.runbook
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.AftercloseError)
    }

    assert named == anchors
