"""The reasons for which an approval is refused."""

import re
from typing import get_args

from tasks.approval.refusal import Reason, refusal
from tests.doc_blocks import ROOT


def test_the_docs_list_every_reason():
    page = (ROOT / "docs" / "approval.md").read_text()
    table = page[page.index("| reason | what does not match |") :].split("\n\n", 1)[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]

    assert set(re.findall(r"`(\w+)`", " ".join(first_cells))) == set(get_args(Reason))


def test_a_refusal_blocks_and_names_its_reason():
    error = refusal("expired", "It expired.", remedy="Approve the next one.", path="x")

    assert (error.exit_code, error.fields) == (3, {"reason": "expired", "path": "x"})
