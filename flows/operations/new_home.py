"""Make a home: the folder of one book."""

from pathlib import Path

from config.new_home import new_config
from flows.terminal import Result
from tasks.core.homes.opening import checkout, named_home
from tasks.core.homes.setup import make_home

NEXT = {
    True: "Its market is simulated. Next: afterclose weekly --quick, then afterclose daily.",
    False: "Next: name the folder or provider of your data in {config}, then afterclose doctor.",
}


def init(folder: Path, *, simulated: bool) -> Result:
    """Make the folder a home; one that is a home already is left as it is."""
    home = named_home(folder)
    kept = home.config_file.exists()
    made = make_home(home, new_config("simulated" if simulated else "files"), checkout=checkout())
    document = {"home": str(home.root), "made": made, "config": str(home.config_file)}
    if not made:
        return Result(document, f"{home.root} is a home already; nothing was changed.")
    says = (
        f"{home.config_file} was there and is kept."
        if kept
        else NEXT[simulated].format(config=home.config_file)
    )
    return Result(document, f"{home.root} is a home now. {says}")
