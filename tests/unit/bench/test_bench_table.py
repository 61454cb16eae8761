from tests.bench.table import BEGIN, END, Row, sections_of, table, with_sections

OLD, KEPT = "### Old\n\nold table\n\n", "### Kept\n\nkept table\n\n"
PAGE = f"# Page\n\nWords.\n\n{BEGIN}\n\nOld machine.\n\n{OLD}{KEPT}{END}\n\nMore.\n"


def test_sections_between_the_markers_are_found_by_title():
    assert sections_of(PAGE) == {"Old": "old table", "Kept": "kept table"}


def test_only_what_stands_between_the_markers_is_replaced():
    page = with_sections(PAGE, {"New": "new table"}, "New machine.")

    assert page == f"# Page\n\nWords.\n\n{BEGIN}\n\nNew machine.\n\n### New\n\nnew table\n\n{END}\n\nMore.\n"


def test_one_section_can_be_renewed_and_the_others_kept():
    page = with_sections(PAGE, sections_of(PAGE) | {"Old": "new table"}, "Old machine.")

    assert page == PAGE.replace("old table", "new table")


def test_a_table_has_a_line_for_each_row():
    lines = table([Row("work", "1 s", "rival 2 s", "2.0×", "≥ 20×")]).splitlines()

    assert lines[2:] == ["| work | 1 s | rival 2 s | 2.0× | ≥ 20× |"]
