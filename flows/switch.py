"""The kill switch by hand: look at it, trip it, reset it in a person's name."""

from dataclasses import asdict

from flows.terminal import Options, Result
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.home import Home
from tasks.core.open import find_home, named_home
from tasks.safety.kill_switch import Switch, read_switch, reset_switch, trip_switch


def show_switch(options: Options) -> Result:
    """Say how the switch stands; looking at it is no failure, whatever it shows."""
    home = _existing_home(options)
    return _result(home, read_switch(home))


def trip(options: Options, *, by: str, reason: str) -> Result:
    """Turn the switch on. Takes no lock: it must work while a run goes on."""
    home = _existing_home(options)
    _refuse_blank(by, reason)
    return _result(home, trip_switch(home, by, reason, now()))


def reset(options: Options, *, by: str, reason: str) -> Result:
    """Turn the switch off in a person's name."""
    home = _existing_home(options)
    return _result(home, reset_switch(home, by, reason, now()))


def _existing_home(options: Options) -> Home:
    """Refuse a place that is not a home: a switch there protects nobody. A damaged marker is no obstacle."""
    home = named_home(options.home)
    if home.marker_file.exists() or home.live.is_dir():
        return home
    return find_home(options.home)


def _refuse_blank(by: str, reason: str) -> None:
    if not by.strip() or not reason.strip():
        raise ConfigError(
            "The kill switch is tripped by a named person, with a reason.",
            remedy="Give both --by NAME and --reason TEXT.",
        )


def _result(home: Home, switch: Switch) -> Result:
    document = {
        "home": str(home.root),
        "state": switch.event.state,
        "says": switch.says,
        "since": asdict(switch.event),
        "history": [asdict(event) for event in switch.events],
    }
    return Result(document, f"Kill switch of {home.root}: {switch.says}")
