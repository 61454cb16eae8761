"""Compare the challenger, which is scored in shadow every day, with the champion. Changes nothing."""

from dataclasses import asdict

from flows.terminal import Options, Result
from tasks.core.clock import now
from tasks.core.homes.opening import find_home
from tasks.core.sessions import last_closed_session, session_after
from tasks.core.text import counted
from tasks.monitoring.comparison import compare_in_shadow
from tasks.monitoring.earlier_days import logged_skill
from tasks.monitoring.shadow_days import read_shadows, shadow_skill

SESSIONS_COMPARED = 504  # two years


def compare_challenger(options: Options) -> Result:
    """Return the neutral ICs of both on the same sessions, and the interval of their difference."""
    home = find_home(options.home)
    tomorrow = session_after(last_closed_session(now()).day)
    shadows = read_shadows(home, most=SESSIONS_COMPARED)
    champion = logged_skill(home, tomorrow, sessions=SESSIONS_COMPARED)
    found = compare_in_shadow(shadow_skill(shadows), champion)
    if found is None:
        scored = counted(len(shadows), "session")
        text = f"Nothing to compare yet: the challenger has scored {scored}, none with known returns for both models."
        return Result({"scored": len(shadows), "comparison": None}, text)
    lines = (
        f"{counted(found.sessions, 'session')} from {found.first} to {found.last}, neutral IC:",
        f"  challenger {found.challenger}  {found.challenger_ic:+.4f}",
        f"  champion {found.champion}  {found.champion_ic:+.4f}",
        f"  difference  {found.difference:+.4f}, {found.interval}",
        f"{found.verdict[0].upper()}{found.verdict[1:]}.",
    )
    document = {**asdict(found), "verdict": found.verdict}
    return Result({"scored": len(shadows), "comparison": document}, "\n".join(lines))
