"""Files and directories of the checkout that the documentation, docstrings and comments name exist."""

import ast
import io
import re
import tokenize

import pytest

from tests.doc_blocks import PAGES, ROOT

MODULES = [
    path for top in ("config", "flows", "tasks", "tests") for path in sorted((ROOT / top).rglob("*.py"))
]
# A path that was moved since an ADR is followed by "[now …]"; a part in capitals is a placeholder.
NAMED = re.compile(r"(?<![\w./-])((?:config|flows|tasks|tests)/[\w./-]*\w)(?!\w|[./-]+\w|`? \[now)")


def missing_paths(text, root=ROOT):
    """Return the paths in the text of which there is no file or directory below the root."""
    named = set(NAMED.findall(text))
    return sorted(
        path for path in named if not re.search(r"/[A-Z]+(\.py)?(/|$)", path) and not (root / path).exists()
    )


def prose_of(code):
    """Return the comments and docstrings of a module."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, documented)]
    return "\n".join([*comments, *(ast.get_docstring(node) or "" for node in nodes)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_that_a_page_names_exist(page):
    assert missing_paths(page.read_text()) == []


def test_paths_that_docstrings_and_comments_name_exist():
    texts = {path: path.read_text() for path in MODULES}
    missing = {
        str(path.relative_to(ROOT)): found
        for path, text in texts.items()
        if missing_paths(text) and (found := missing_paths(prose_of(text)))
    }

    assert missing == {}


def test_a_stale_path_is_found_in_a_docstring_and_in_a_comment_but_not_in_code(tmp_path):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "kept.py").touch()
    code = (
        '"""See tasks/kept.py, tasks/moved.py."""\nX = "tasks/planted.py"  # as tests/moved (tasks/NAME.py)\n'
    )

    assert missing_paths(prose_of(code), tmp_path) == ["tasks/moved.py", "tests/moved"]
    assert missing_paths("`tasks/moved.py` [now `tasks/kept.py`]", tmp_path) == []
