"""Write the systemd units that run a home on schedule, for those without Prefect."""

import getpass
import sys
from pathlib import Path

from config.settings import SHIPPED
from flows.terminal import Options, Result
from tasks.core.atomic import make_folder, write_text
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.reading import read_text
from tasks.safety.kill_switch.halts_outside import outside_folder

TEMPLATES = SHIPPED / "systemd"
PROGRAM = "afterclose"


def write_units(options: Options, folder: Path) -> Result:
    """Write the units for this home, this installation and this user into the directory; they are not installed."""
    home = find_home(options.home)
    settings_of(home, options.profile)
    values = _values(home, options.profile)
    folder = folder.expanduser().absolute()
    written = []
    for template in sorted(TEMPLATES.iterdir()):
        write_text(folder / template.name, unit_text(read_text(template), values, profile=options.profile))
        written.append(str(folder / template.name))
    install = f"sudo cp {folder}/afterclose-* /etc/systemd/system/ && sudo systemctl daemon-reload"
    enable = (
        "sudo systemctl enable --now afterclose-daily.timer afterclose-weekly.timer afterclose-execute.timer"
    )
    text = "\n".join([*written, f"Install them: {install}", f"Then: {enable}"])
    return Result({"home": str(home.root), "units": written}, text)


def unit_text(template: str, values: dict[str, str], *, profile: str | None) -> str:
    """Return a unit. `%` is doubled, because systemd expands it; quotes and backslashes are escaped."""
    for name, value in values.items():
        shown = value.replace("%", "%%")
        if name != "FOLDER":  # WorkingDirectory takes the rest of its line as it is
            shown = shown.replace("\\", "\\\\").replace('"', '\\"')
        template = template.replace(f"@{name}@", shown.replace("$", "$$") if name == "PROGRAM" else shown)
    if profile is not None:
        template = template.replace(
            "EnvironmentFile=", f"Environment=AFTERCLOSE_PROFILE={profile}\nEnvironmentFile="
        )
    return template


def _values(home: Home, profile: str | None) -> dict[str, str]:
    """Return what the templates leave open. Creates the directory for trips of a read-only home."""
    state = outside_folder(home)
    if state is not None:
        make_folder(state)
    values = {
        "USER": getpass.getuser(),
        "FOLDER": str(home.root),
        "HOME": str(home.root),
        "STATE": str(state or home.root),
        "PROGRAM": str(Path(sys.executable).parent / PROGRAM),
    }
    for value in (*values.values(), profile or ""):
        if not value.isprintable():
            raise ConfigError(
                f"{value!r} cannot be written into a systemd unit.",
                remedy="Use a home and an installation without control characters in their paths.",
            )
    return values
