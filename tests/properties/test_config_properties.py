"""Settings in layers: whatever they name, the strongest layer wins and nothing else moves."""

import json
import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.environment import variable_of
from config.keys import keys_of
from config.problems import InvalidSettings
from config.settings import SHIPPED, Settings, leaves_of, load_settings, profiles

FRACTIONS = sorted(
    key.dotted
    for key in keys_of(Settings).values()
    if key.allowed == "a number from 0 to 1"
    # those of the regime are ordered, the weights sum to 1
    and not key.dotted.startswith(("models.candidates[]", "regime.", "selection.score_weights."))
)
NAMES = [dotted for dotted in keys_of(Settings) if "[]" not in dotted]
BASE = leaves_of(load_settings(home=Path("/nowhere"), profile=None, environ={}).settings)
PROFILES = {
    name: dict(yaml.safe_load((SHIPPED / "profiles" / f"{name}.yaml").read_text())) for name in profiles()
}

values = st.dictionaries(st.sampled_from(FRACTIONS), st.floats(0.01, 1, allow_nan=False), max_size=6)


def nested(flat):
    tree = {}
    for dotted, value in flat.items():
        branch = tree
        *parents, leaf = dotted.split(".")
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = value
    return tree


def flat(tree, path=""):
    return {
        key: value
        for name, inside in tree.items()
        for key, value in (
            flat(inside, f"{path}{name}.") if isinstance(inside, dict) else {f"{path}{name}": inside}
        ).items()
    }


def load(home, profile, environ):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.yaml").write_text(home)
        return load_settings(home=Path(folder), profile=profile, environ=environ)


def refused(home, environ):
    """Return the problems; none when the settings are taken."""
    try:
        load(home, None, environ)
    except InvalidSettings as error:
        return error.problems
    return ()


@settings(max_examples=40)
@given(values, st.sampled_from([None, *PROFILES]), values)
def test_the_strongest_layer_wins_leaf_by_leaf(home, profile, environ):
    variables = {variable_of(key): json.dumps(value) for key, value in environ.items()}

    loaded = load(yaml.safe_dump(nested(home)), profile, variables)

    named = flat(PROFILES[profile]) if profile else {}
    assert leaves_of(loaded.settings) == BASE | named | home | environ
    assert {key for key, origin in loaded.origins.items() if origin in variables} == set(environ)
    assert {key for key, origin in loaded.origins.items() if origin.endswith("/config.yaml")} == set(
        home
    ) - set(environ)


@settings(max_examples=40)
@given(st.text(max_size=200))
def test_any_text_is_settings_or_a_refusal_with_the_file_named(text):
    assert all("config.yaml" in problem.where for problem in refused(text, {}))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.sampled_from(NAMES), plain)
def test_any_value_under_any_key_is_taken_or_refused_with_its_section_named(name, value):
    problems = refused(yaml.safe_dump(nested({name: value})), {})

    assert all(problem.key.split(".")[0] == name.split(".")[0] for problem in problems)


@settings(max_examples=60)
@given(st.sampled_from(NAMES), st.text())
def test_any_text_in_a_variable_is_taken_or_refused_with_its_name(name, text):
    problems = refused("", {variable_of(name): text})

    assert all(problem.where == variable_of(name) for problem in problems)
