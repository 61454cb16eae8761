"""Read settings from AFTERCLOSE_* variables: sections joined by two underscores, lists and sections as JSON.

A variable that is not a setting is an error, so that a misspelt limit is noticed.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from config.keys import Key
from config.problems import REPLACED, InvalidSettings, Problem, did_you_mean, replacement
from config.yaml_file import Tree

PREFIX = "AFTERCLOSE_"
NOT_SETTINGS = frozenset(
    {
        "AFTERCLOSE_HOME",
        "AFTERCLOSE_PROFILE",
        "AFTERCLOSE_REAL_DATA",
        "AFTERCLOSE_APPROVAL_KEY_FILE",
        "AFTERCLOSE_APPROVAL_PASSPHRASE",
        "AFTERCLOSE_APPROVAL_PASSPHRASE_FILE",
        "AFTERCLOSE_AUDIT_HEADS_FILE",
        "AFTERCLOSE_AUDIT_KEY",
        "AFTERCLOSE_AUDIT_KEY_FILE",
        "AFTERCLOSE_LIVE_ACCOUNT",
        "AFTERCLOSE_REVIEW_PASSWORD",
        "AFTERCLOSE_REVIEW_PASSWORD_FILE",
        "AFTERCLOSE_SLACK_WEBHOOK_URL",
        "AFTERCLOSE_SLACK_WEBHOOK_URL_FILE",
        "AFTERCLOSE_SMTP_PASSWORD",
        "AFTERCLOSE_SMTP_PASSWORD_FILE",
        "AFTERCLOSE_WEBHOOK_SECRET",
        "AFTERCLOSE_WEBHOOK_SECRET_FILE",
    }
)


def read_environment(environ: Mapping[str, str], keys: Mapping[str, Key]) -> dict[str, Tree]:
    """Return one small tree per variable, sections before the single keys inside them."""
    known = {variable_of(dotted): key for dotted, key in keys.items() if "[]" not in dotted}
    problems: list[Problem] = []
    trees: dict[str, Tree] = {}
    for name in sorted(environ, key=lambda name: (name.count("__"), name)):
        if not name.upper().startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        if name in known:
            trees[name] = _planted(known[name].dotted, _value(environ[name], known[name]))
        else:
            former = {variable_of(dotted): dotted for dotted in REPLACED}.get(name.upper(), "")
            guess = replacement(former) or did_you_mean(name.upper(), [*known, *NOT_SETTINGS])
            problems.append(Problem(name, "", f"is not a setting.{guess}"))
    if problems:
        raise InvalidSettings(problems)
    return trees


def variable_of(dotted: str) -> str:
    """Return the name of the variable that sets the key."""
    return PREFIX + dotted.replace(".", "__").upper()


def _value(text: str, key: Key) -> object:
    """Return text unchanged if the key allows text, else parse JSON; invalid JSON is left to validation."""
    if "null" in key.types and text in {"", "null"}:
        return None
    is_list = "array" in key.types and text.startswith("[")
    if "string" in key.types and not is_list:
        return str(Path(text).absolute()) if key.is_path else text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _planted(dotted: str, value: object) -> Tree:
    parent, _, name = dotted.rpartition(".")
    return _planted(parent, {name: value}) if parent else {name: value}
