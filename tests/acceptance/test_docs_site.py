"""The site of the documents: built without a network, complete, and loading nothing from elsewhere."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.doc_blocks import ROOT

FOREIGN = re.compile(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?:https?:)?//(?!localhost)[^"]*"')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "docs", root / "docs")
    shutil.copy(ROOT / "mkdocs.yml", root)
    built = subprocess.run(
        [Path(sys.executable).parent / "zensical", "build", "--clean", "--strict"],
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return root / "site"


def pages_in(nav):
    for entry in nav:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else pages_in(target)


def test_every_page_is_in_the_navigation():
    named = list(pages_in(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))

    assert sorted(named) == sorted({*(page.name for page in (ROOT / "docs").glob("*.md")), "adr/index.md"})


def test_the_list_of_decisions_has_each_of_them():
    listed = re.findall(r"\]\((0[^)]+)\)", (ROOT / "docs/adr/index.md").read_text())

    assert listed == sorted(page.name for page in (ROOT / "docs/adr").glob("0*.md"))


@pytest.mark.docs
def test_the_site_has_every_page_and_loads_nothing_from_elsewhere(site):
    written = {page.relative_to(site).with_suffix(".md") for page in site.rglob("*.html")}

    assert {page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")} <= written
    for page in site.rglob("*.html"):
        assert not FOREIGN.findall(page.read_text()), page
