import pandas as pd

from tasks.models.scoring import ranked


def scores(**by_symbol):
    return pd.Series(by_symbol, name="score")


def test_the_highest_score_ranks_first_and_equals_share_the_better_rank():
    table = ranked(scores(A=0.1, B=0.3, C=0.1, D=-0.2), ranks=True)

    assert table["rank"].to_dict() == {"A": 2, "B": 1, "C": 2, "D": 4}
    assert list(table.columns) == ["score", "rank"]


def test_the_baselines_equal_scores_are_not_a_fault():
    table = ranked(scores(A=0.0, B=0.0), ranks=False)

    assert table["rank"].tolist() == [1, 1]


def test_a_single_name_is_not_refused_for_being_alone():
    assert ranked(scores(A=0.2), ranks=True)["rank"].tolist() == [1]
