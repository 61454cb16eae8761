"""Compiled templates are kept beside them: what is damaged, out of date or cannot be written is compiled again."""

import pytest
from jinja2 import nodes

from tasks.reporting.notify.rendering import mail
from tasks.reporting.page import document
from tasks.reporting.page.templating import html_environment


def render(folder, **words):
    return html_environment(folder).get_template("page.j2").render(words)


def stored(folder):
    return sorted((folder / "__pycache__").iterdir())


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "page.j2").write_text("one {{ name }}")
    return tmp_path


def test_a_template_is_compiled_once(folder):
    assert render(folder, name="<b>") == "one &lt;b&gt;"
    (path,) = stored(folder)
    other = folder / "other"
    other.mkdir()
    (other / "page.j2").write_text("two {{ name }}")
    assert render(other, name="x") == "two x"

    path.write_bytes(stored(other)[0].read_bytes())

    assert render(folder, name="x") == "two x"  # the stored code, whatever it was compiled from


def test_only_the_latest_text_of_a_template_is_stored(folder):
    render(folder, name="x")
    (first,) = stored(folder)
    first.with_suffix(".4711").write_text("of a run that was killed")
    (folder / "page.j2").write_text("two {{ name }}")

    assert render(folder, name="x") == "two x"
    assert len(stored(folder)) == 1
    assert stored(folder) != [first]


def test_code_of_another_release_of_jinja_is_not_run(folder, monkeypatch):
    render(folder, name="x")
    (path,) = stored(folder)
    path.write_bytes(b"")

    monkeypatch.setattr("jinja2.__version__", "99.0")
    render(folder, name="x")

    assert stored(folder) != [path]


@pytest.mark.parametrize(
    "damage",
    [lambda code: b"", lambda code: code[:-1], lambda code: code[:-1] + b"\1", lambda code: b"\1" + code],
)
def test_damaged_code_is_not_run(folder, damage):
    render(folder, name="x")
    (path,) = stored(folder)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))

    assert damage(whole) != whole
    assert render(folder, name="x") == "one x"
    assert path.read_bytes() == whole


def test_a_package_that_cannot_be_written_renders(folder):
    (folder / "__pycache__").write_text("not a folder")

    assert render(folder, name="x") == "one x"


@pytest.mark.parametrize("module", [document, mail])
def test_no_template_filters_a_constant(module):
    """Jinja would apply the filter when it compiles, and what is stored does not depend on the filter's code."""
    environment = html_environment(module.TEMPLATES)
    ours = document.environment().filters.keys() - environment.filters.keys() | {"shortened"}
    environment.filters |= dict.fromkeys(ours, str)
    for name in environment.list_templates(extensions=["j2"]):
        source = environment.loader.get_source(environment, name)[0]
        for found in environment.parse(source).find_all(nodes.Filter):
            assert not (found.name in ours and isinstance(found.node, nodes.Const)), (name, found.name)
