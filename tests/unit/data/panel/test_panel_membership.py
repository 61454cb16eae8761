"""Who was in the index and who is kept out, by company: before bars and volumes decide anything else."""

from dataclasses import replace

import numpy as np
import pandas as pd

from tasks.data.panel.assemble import cumulative_factors
from tasks.data.panel.companies import company_index
from tasks.data.panel.grid import grid_of
from tasks.data.panel.membership import in_index, quarantined, spell_cells
from tests.unit.data.panel.test_panel_assemble import DAYS, table

NO_RENAMES = table("renames")


def grid_and(*lives):
    companies = company_index(
        table("lives", *({"symbol": name, "first": day} for name, day in lives)), NO_RENAMES
    )
    return grid_of(DAYS, np.arange(len(companies.ids)), companies), companies


def rows_of(mask, column):
    """Return the first and the last row that is set; all between must be."""
    rows = np.flatnonzero(mask[:, column])
    assert (np.diff(rows) == 1).all()
    return rows[0], rows[-1]


def test_a_spell_without_an_end_covers_each_company_of_the_symbol_in_its_own_time_alone():
    grid, companies = grid_and(("A", 0), ("A", 15), ("A", 45), ("B", 0))
    spells = table(
        "members", {"symbol": "B", "start": 0, "end": None}, {"symbol": "A", "start": 5, "end": None}
    )

    inside = in_index(grid, spells, NO_RENAMES, companies)

    of_a = [int(grid.column_of[company]) for company in companies.companies_of["A"]]
    assert [rows_of(inside, column) for column in of_a] == [(5, 14), (15, 44), (45, 59)]


def test_the_first_company_of_a_symbol_is_in_the_index_before_its_first_bar():
    grid, companies = grid_and(("A", 20), ("A", 45))

    cells = dict(spell_cells(grid, "A", DAYS[10], DAYS[50], companies))

    first, second = (int(grid.column_of[company]) for company in companies.companies_of["A"])
    assert cells == {first: slice(10, 45), second: slice(45, 50)}


def test_a_finding_on_a_symbol_that_nobody_has_keeps_nobody_out():
    grid, companies = grid_and(("A", 0), ("B", 0), ("C", 0))
    found = table("findings", {"symbol": "STRANGER", "session": 40, "severity": "quarantine"})

    assert not quarantined(grid, found, companies, DAYS, 0, 2).any()


def test_a_name_is_kept_out_on_the_first_row_only_while_its_finding_lasts_until_then():
    grid, companies = grid_and(("A", 0), ("B", 0), ("C", 0))
    late = replace(grid, sessions=grid.sessions[10:])
    found = table(
        "findings",
        {"symbol": "A", "session": 10, "severity": "quarantine"},
        {"symbol": "B", "session": 8, "severity": "quarantine"},
        {"symbol": "C", "session": 7, "severity": "quarantine"},
    )

    out = quarantined(late, found, companies, DAYS, 10, 2)

    a, b, c = (int(grid.column_of[companies.companies_of[name][0]]) for name in "ABC")
    assert rows_of(out, a) == (0, 2)
    assert rows_of(out, b) == (0, 0)
    assert not out[:, c].any()


def test_actions_of_one_day_multiply_once_and_those_of_other_days_and_names_stay_apart():
    grid, companies = grid_and(("A", 0), ("B", 0), ("C", 50))
    rows = [("A", 10, 2.0), ("A", 20, 3.0), ("A", 20, 5.0), ("B", 20, 7.0), ("C", 40, 11.0), ("A", 30, 13.0)]
    rows.append(("B", 5, 17.0))
    actions = pd.DataFrame(rows, columns=["symbol", "session", "factor"])
    actions = actions.assign(session=pd.to_datetime(DAYS[actions["session"]]), split=actions["factor"] * 100)

    total, split = cumulative_factors(grid, actions, companies)

    a, b, c = (int(grid.column_of[companies.companies_of[name][0]]) for name in "ABC")
    assert total[[9, 10, 19, 20, 29, 30, 59], a].tolist() == [1, 2, 2, 30, 30, 390, 390]
    assert total[[4, 5, 19, 20, 59], b].tolist() == [1, 17, 17, 119, 119]
    assert (total[:, c] == 1).all()  # it was listed only after
    assert split[[9, 10, 59], a].tolist() == [1, 200, 200.0 * 300 * 500 * 1300]


def test_without_companies_and_after_the_last_session_no_action_takes_effect():
    actions = pd.DataFrame(
        {"symbol": ["A"], "session": pd.to_datetime(DAYS[[40]]), "factor": 2.0, "split": 2.0}
    )
    grid, companies = grid_and(("A", 0))
    nothing, nobody = grid_and()

    assert (cumulative_factors(replace(grid, sessions=DAYS[:40]), actions, companies)[0] == 1).all()
    assert cumulative_factors(nothing, actions, nobody)[0].shape == (60, 0)
