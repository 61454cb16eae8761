"""Create a home: the directory of one portfolio."""

from pathlib import Path

from config.new_home import new_config
from flows.terminal import Options, Result, with_home
from tasks.core.homes.opening import checkout, named_home
from tasks.core.homes.setup import make_home

NEXT = {
    True: "Its market is simulated. Next: afterclose weekly --quick, then afterclose daily.",
    False: "Next: name the directory or provider of your data in {config}, then run afterclose doctor.",
}


def create_home(folder: Path, *, simulated: bool) -> Result:
    """Make the directory a home; an existing home is left unchanged."""
    home = named_home(folder)
    has_config = home.config_file.exists()
    made = make_home(home, new_config("simulated" if simulated else "files"), checkout=checkout())
    document = {"home": str(home.root), "made": made, "config": str(home.config_file)}
    if not made:
        return Result(document, f"{home.root} is already a home; nothing was changed.")
    note = (
        f"The existing {home.config_file} was retained."
        if has_config
        else NEXT[simulated].format(config=home.config_file)
    )
    return Result(document, f"Created the home {home.root}. {with_home(note, Options(home=folder))}")
