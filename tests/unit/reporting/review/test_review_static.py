"""What the page loads is part of the program, unchanged and small."""

from hashlib import sha256

from tasks.reporting.review.rendering import STATIC, STATIC_FILES, static_file

# htmx.org 2.0.11 from the npm registry, dist/htmx.min.js; its licence (0BSD) is beside it
HTMX = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


def test_htmx_is_the_file_of_its_release_and_has_its_licence():
    assert sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest() == HTMX
    assert (STATIC / "htmx.LICENSE").read_text().startswith("Zero-Clause BSD")


def test_only_listed_files_are_served():
    assert {path.name for path in STATIC.iterdir()} == {*STATIC_FILES, "htmx.LICENSE"}
    assert static_file("htmx.LICENSE") is None
    assert static_file("../rendering.py") is None
    assert sum(len(static_file(name)[0]) for name in (*STATIC_FILES, "report.css")) < 200_000
