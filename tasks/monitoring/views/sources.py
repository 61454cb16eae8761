"""Map each view to the function that reads its rows. Nothing is read before a question names the view."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from tasks.core.homes.home import Home
from tasks.monitoring.views import home_rows, ledger_rows
from tasks.monitoring.views.catalog import DAY_VIEWS, LAKE_VIEWS, PRICES, VIEWS
from tasks.monitoring.views.chunks import stored_days
from tasks.monitoring.views.lake_tables import bars_as_known, lake_and_versions, table_as_known
from tasks.monitoring.views.published_days import manifests_of_days, read_published
from tasks.monitoring.views.schema import Row, View, arrow_table

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads

    from config.settings import Settings

Load = Callable[[], "pa.Table | pads.Dataset"]

ROWS: Mapping[str, Callable[[Home], list[Row]]] = {
    "equity": home_rows.equity_rows,
    "audit": home_rows.audit_rows,
    "decisions": home_rows.decision_rows,
    "trials": home_rows.trial_rows,
    "matrix": home_rows.matrix_rows,
    "shadow_scores": home_rows.shadow_score_rows,
    "shadow_ic": home_rows.shadow_ic_rows,
    "entries": ledger_rows.entry_rows,
    "fills": ledger_rows.fill_rows,
    "orders": ledger_rows.order_rows,
    "executions": ledger_rows.execution_rows,
    "approved_lines": ledger_rows.approved_line_rows,
}


def sources_of(home: Home, settings: "Settings") -> Mapping[str, Load]:
    """Return what reads each view of the home, in the order of the catalog."""
    days = cache(lambda: stored_days(home.views, manifests_of_days(home), partial(read_published, home)))
    return {
        **{view.name: partial(_of_days, days, view.name) for view in DAY_VIEWS},
        **{view.name: partial(_of_lake, view, home, settings) for view in LAKE_VIEWS},
        **{name: partial(_of_home, VIEWS[name], read, home) for name, read in ROWS.items()},
    }


def _of_days(days: Callable[[], Callable[[str], "pa.Table"]], name: str) -> "pa.Table":
    return days()(name)


def _of_lake(view: View, home: Home, settings: "Settings") -> "pa.Table | pads.Dataset":
    lake, versions = lake_and_versions(home, settings)
    return bars_as_known(lake, versions) if view is PRICES else table_as_known(view, lake, versions)


def _of_home(view: View, read: Callable[[Home], list[Row]], home: Home) -> "pa.Table":
    return arrow_table(view, read(home))
