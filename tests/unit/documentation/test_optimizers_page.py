"""docs/optimizers.md: its picture and table are generated, and every method and setting is described."""

from config.sections import Methods
from tasks.portfolio.optimizers.registry import NEED_A_RANKING, OPTIMIZERS
from tests.documentation.optimizers_page import PAGE, PICTURE, picture, with_table

TEXT = PAGE.read_text()


def test_the_table_and_the_picture_are_up_to_date_and_small():
    assert with_table(TEXT) == TEXT, "run `make docs`"
    assert PICTURE.read_text() == picture(), "run `make docs`"
    assert len(picture().encode()) < 40_000


def test_every_method_and_setting_is_described():
    assert [method for method in OPTIMIZERS if TEXT.count(f"| `{method}` | ") < 2] == []
    assert [name for name in Methods.model_fields if f"`portfolio.methods.{name}`" not in TEXT] == []


def test_the_methods_that_need_a_ranking_are_named():
    *first, last = (f"`{method}`" for method in OPTIMIZERS if method in NEED_A_RANKING)

    assert f"{', '.join(first)} and {last} have nothing to work with" in " ".join(TEXT.split())
