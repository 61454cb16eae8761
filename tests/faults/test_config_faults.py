"""Settings that are absent, mistyped or hostile: refused with file and key, before anything runs."""

import shutil
import time
from copy import deepcopy

import pytest
import yaml

from config.keys import keys_of
from config.problems import InvalidSettings
from config.settings import SHIPPED, Settings, load_settings
from config.yaml_file import MOST_BYTES

BASE = yaml.safe_load((SHIPPED / "base.yaml").read_text())
LIMITS = [
    key.dotted
    for key in keys_of(Settings).values()
    if key.dotted.startswith(
        ("safety.", "portfolio.max", "trades.max", "regime.exposure_cap", "data.quality.")
    )
    and not key.is_section
]


OF_TABLES = [key for key in LIMITS if any(other.startswith(f"{key}.") for other in LIMITS)]


def refusal(home, *, shipped=SHIPPED):
    with pytest.raises(InvalidSettings) as caught:
        load_settings(home=home, profile=None, environ={}, shipped=shipped)
    return "\n".join(str(problem) for problem in caught.value.problems)


def with_value(limits, value):
    """Return settings in which each of the limits has the value."""
    tree = {}
    for limit in limits:
        *parents, leaf = limit.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = deepcopy(value)
    return tree


@pytest.mark.parametrize(
    "limit", [key for key in LIMITS if "exposure_cap." not in key and "class_frac." not in key]
)
def test_fault_047_a_limit_that_is_absent_stops_the_run(tmp_path, limit):
    shutil.copytree(SHIPPED / "profiles", tmp_path / "profiles")
    *parents, leaf = limit.split(".")
    tree = yaml.safe_load((SHIPPED / "base.yaml").read_text())
    branch = tree
    for parent in parents:
        branch = branch[parent]
    del branch[leaf]
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(tree))

    message = refusal(tmp_path, shipped=tmp_path)

    assert f"{limit}: is not set, and has no default." in message


@pytest.mark.parametrize("value", [float("nan"), "0.1", "none", None, [0.1]])
@pytest.mark.parametrize("limits", [OF_TABLES, [key for key in LIMITS if key not in OF_TABLES]])
def test_fault_047_a_limit_that_is_not_a_number_stops_the_run(tmp_path, limits, value):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(with_value(limits, value)))

    message = refusal(tmp_path)

    assert [limit for limit in limits if f"config.yaml: {limit}: must be a" not in message] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: !!python/object/apply:os.system ['touch pwned']", "tags"),
        ("a: !!python/name:os.system", "tags"),
        ("!!python/object/new:type {}", "tags"),
        ("a: !local x", "tags"),
        ("a: !!binary aGk=", "tags"),
        ("a: &x [1]\nb: *x", "anchors"),
        ("a: &x {b: 1}\nc: {<<: *x}", "anchors"),
        ("a: *x", "anchors"),
        ("[" * 50_000, "nested"),
        ("{a: " * 5_000, "nested"),
        ("a:\n" + "- " * 5_000 + "b", "nested"),
        ("x" * 300_000, "larger than"),
        ("a: 1\na: 2", "duplicate key"),
        ("a: {b: 1, b: 2}", "duplicate key"),
        ("1: a", "is not text"),
        ("? [a, b]\n: c", "not"),
        ("- a", "must consist of sections"),
        ("a: 9999-99-99", "cannot be read"),
        (f"seed: {'9' * 6000}", "cannot be read"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("a: \0", "not valid YAML"),
        ("a: %x", "not valid YAML"),
    ],
)
def test_fault_113_hostile_yaml_is_refused_with_the_file_named(tmp_path, monkeypatch, text, why):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(text)
    started = time.monotonic()

    message = refusal(tmp_path)

    assert f"{tmp_path}/config.yaml: " in message
    assert why in message
    assert time.monotonic() - started < 2
    assert not (tmp_path / "pwned").exists()


def test_fault_113_a_billion_laughs_are_refused_before_they_are_built(tmp_path):
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (tmp_path / "config.yaml").write_text("\n".join(lines))

    assert "anchors (&) and aliases (*) are not allowed" in refusal(tmp_path)


def test_fault_113_bytes_that_are_not_text_are_refused(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\x00a")

    assert "is not UTF-8 text" in refusal(tmp_path)


def test_fault_113_an_endless_file_is_not_read_to_its_end(tmp_path):
    (tmp_path / "config.yaml").symlink_to("/dev/zero")

    assert "is not a regular file" in refusal(tmp_path)


def test_fault_113_a_file_that_is_too_large_is_refused(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"#" * (MOST_BYTES + 1))

    assert "is larger than" in refusal(tmp_path)
