"""Write docs/configuration.md from the models, base.yaml and the profiles, so that it cannot go stale.

`python -m config.reference` prints the page; a test compares it with the file.
"""

import sys
from collections.abc import Iterator

from config.environment import NOT_SETTINGS
from config.keys import Key, keys_of
from config.settings import SHIPPED, Settings, profiles
from config.yaml_file import Tree, read_yaml

INTRODUCTION = """\
<!-- Made by `make docs` out of config/. Do not edit. -->
# Configuration

Settings come in layers; a later one changes what it names and nothing beside it:

1. `config/base.yaml`: every default. No limit has a default in code: one that is missing here is an error.
2. The profile that `--profile` or `AFTERCLOSE_PROFILE` names: {profiles}.
3. `config.yaml` in the home.
4. The environment: `AFTERCLOSE_` and the key in capitals, a dot written as two underscores.

Mappings are merged key by key, lists are replaced whole. In the environment lists and sections are written as JSON:
`AFTERCLOSE_MODELS__LABEL_HORIZONS='[5, 21]'`. A path in a file is meant from the home, one in the environment from the
working folder.

`afterclose config show` prints what is in force and which layer each value came from. A key that does not exist, a
value of another type (text where a number belongs, too), a value out of bounds, and an `AFTERCLOSE_` variable that
names no setting are refused before anything runs, all of them at once, each with its file and key. YAML is read as
plain values: tags, anchors, aliases and duplicate keys are refused. {others} are variables, but no settings.

## Profiles

{profile_table}
"""


def reference() -> str:
    """Return the whole page."""
    keys = keys_of(Settings)
    names = profiles()
    head = INTRODUCTION.format(
        profiles=", ".join(f"`{name}`" for name in names),
        others=", ".join(f"`{name}`" for name in sorted(NOT_SETTINGS)),
        profile_table="\n".join(_profile_table(names)),
    )
    return head + "\n".join(line for section in _sections(keys) for line in _section(section, keys)) + "\n"


def _profile_table(names: list[str]) -> Iterator[str]:
    """List only what a profile changes."""
    trees = {name: read_yaml(SHIPPED / "profiles" / f"{name}.yaml", name=name) for name in names}
    base = read_yaml(SHIPPED / "base.yaml", name="base.yaml")
    changed = sorted({key for tree in trees.values() for key in _flat(tree)})
    yield _row(["key", "base.yaml", *names])
    yield _row(["---"] * (len(names) + 2))
    for key in changed:
        yield _row([f"`{key}`", _code(_at(base, key)), *(_code(_at(trees[name], key)) for name in names)])


def _sections(keys: dict[str, Key]) -> list[str]:
    """Return "" for the keys at the root, then every top-level section."""
    return ["", *(dotted for dotted, key in keys.items() if key.is_section and "." not in dotted)]


def _section(name: str, keys: dict[str, Key]) -> Iterator[str]:
    base = read_yaml(SHIPPED / "base.yaml", name="base.yaml")
    inside = [key for key in keys.values() if _top(key) == name and not key.is_section]
    yield f"\n## {name or 'General'}\n"
    if name and keys[name].description:
        yield f"{keys[name].description}\n"
    yield _row(["key", "default", "allowed", "meaning"])
    yield _row(["---"] * 4)
    for key in inside:
        yield _row(
            [
                f"`{key.dotted}`",
                _code(_at(base, key.dotted)),
                _escaped(key.allowed),
                _escaped(key.description),
            ]
        )


def _top(key: Key) -> str:
    return key.dotted.partition(".")[0].partition("[")[0] if "." in key.dotted else ""


def _flat(tree: Tree, path: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def _at(tree: Tree, dotted: str) -> object:
    """Return the value at the dotted key, or None when this tree does not name it."""
    branch: object = tree
    for name in dotted.split("."):
        branch = branch.get(name) if isinstance(branch, dict) else None
    return branch


def _code(value: object) -> str:
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, list):
        named = [entry["name"] if isinstance(entry, dict) else str(entry) for entry in value]
        return f"`[{', '.join(named)}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
