"""Say why a new champion should be trained: what the last published day's alerts state, and the age of the champion.

`weekly --if-needed` reads this. A day that cannot be read is a reason too: nothing says that the champion is sound.
"""

from datetime import date

from config.settings import Settings
from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.sessions import sessions_between
from tasks.models.registry.store import has_champion, read_champion
from tasks.monitoring.earlier_days import DAMAGED, LOG
from tasks.portfolio.holdings.record import published_sessions


def retraining_reasons(home: Home, settings: Settings, session: date) -> tuple[str, ...]:
    """Return the reasons on this session, most important first; empty if there is none.

    Only alerts since the champion was selected count: an earlier one has had its answer.
    """
    if not has_champion(home):
        return ("There is no champion yet.",)
    try:
        champion = read_champion(home)
    except ModelError as error:
        return (f"The champion cannot be read: {error.what}",)
    reasons = list(_of_last_day(home, session, since=champion.selection_date))
    age = (session - champion.selection_date).days
    if age >= settings.monitoring.retrain_after_days:
        reasons.append(f"schedule: the champion was selected {age} days ago, on {champion.selection_date}.")
    if champion.trained_through < session:
        added = len(sessions_between(champion.trained_through, session)) - 1
        if added >= settings.monitoring.retrain_after_sessions:
            reasons.append(f"samples: {added} sessions were added since its training.")
    return tuple(reasons)


def _of_last_day(home: Home, session: date, *, since: date) -> list[str]:
    days = [day for day in published_sessions(home) if since < day <= session]
    if not days:
        return []
    last = max(days)
    try:
        alerts = parse_json(read_bytes(home.day_folder(last) / LOG)).get("alerts", [])
        return [f"{last}, {one['name']}: {one['detail']}" for one in alerts if one["retrain"]]
    except DAMAGED as error:
        return [
            f"The log of {last} cannot be read ({type(error).__name__}), so the state of the champion is unknown."
        ]
