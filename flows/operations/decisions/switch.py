"""Show, trip or reset the kill switch."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from flows.announcing import posts_news
from flows.terminal import Options, Result
from tasks.core.accountability import require_name_and_reason
from tasks.core.clock import now
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, named_home
from tasks.safety.kill_switch.switch import read_switch, reset_command, reset_switch, trip_switch
from tasks.safety.kill_switch.switch_file import ON, Switch


def show_switch(options: Options) -> Result:
    """Return the state of the switch; the exit code is 0 in any state."""
    home = _existing_home(options)
    switch = read_switch(home)
    result = _result(home, switch)
    if result.document["state"] != ON:
        return result
    return replace(result, text=result.text + _next_step(home, switch))


@posts_news
def trip(options: Options, *, by: str, reason: str) -> Result:
    """Turn the switch on, by any means available. Never waits for a run."""
    home = _existing_home(options)
    require_name_and_reason("Tripping or resetting the kill switch", by=by, reason=reason)
    return _result(home, trip_switch(home, by, reason, now()))


@posts_news
def reset(options: Options, *, by: str, reason: str, trips: Sequence[str] = ()) -> Result:
    """Clear the named trips, by default the only one."""
    home = _existing_home(options)
    return _result(home, reset_switch(home, by, reason, now(), trips=trips))


def _existing_home(options: Options) -> Home:
    """Return the home, even with a damaged marker file; refuse a directory that is not a home."""
    home = named_home(options.home)
    if home.marker_file.exists() or home.live.is_dir():
        return home
    return find_home(options.home)


def _result(home: Home, switch: Switch) -> Result:
    document = {
        "home": str(home.root),
        "state": switch.event.state,
        "message": switch.description,
        "since": asdict(switch.event),
        "trips": [{"name": trip.name} | asdict(trip.event) for trip in switch.trips],
        "history": [asdict(event) for event in switch.events],
        "problems": list(switch.problems),
    }
    return Result(document, " ".join([f"Kill switch of {home.root}: {switch.description}", *switch.problems]))


def _next_step(home: Home, switch: Switch) -> str:
    note = "\nOnly sells are proposed until it is reset." if switch.allows_reductions else ""
    return f"{note}\nWhen the cause is understood: {reset_command(home, switch)}"
