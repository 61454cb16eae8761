"""Every command that a message tells a person to run exists (issue 10, line 15)."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from flows.cli.app import app

ROOT = Path(__file__).parents[4]
NAMED = re.compile(r"`afterclose ([a-z][a-z -]*)")


def named_commands() -> list[str]:
    sources = [path for folder in ("tasks", "flows", "config") for path in (ROOT / folder).rglob("*.py")]
    found = {words for path in sources for words in NAMED.findall(path.read_text(encoding="utf-8"))}
    return sorted({words.split(" --")[0].strip() for words in found})


@pytest.mark.parametrize("words", named_commands())
def test_a_command_that_a_message_names_exists(words):
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    for word in words.split():
        if not isinstance(command, TyperGroup):
            break  # what follows is an argument
        assert word in command.commands, f"afterclose {words}"
        command = command.commands[word]

    assert not isinstance(command, TyperGroup), f"afterclose {words} names no command"


def test_the_import_of_positions_is_among_them():
    assert "positions import" in named_commands()
