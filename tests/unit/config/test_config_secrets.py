"""A secret is never shown: not in the tree in force, not in its hash, not in a problem."""

import pytest
from pydantic import SecretStr, ValidationError

from config.invalid import problems_of
from config.keys import keys_of
from config.section import Section
from config.settings import leaves_of


class Broker(Section):
    """A section with a secret."""

    key: SecretStr
    """The key."""
    retries: int
    """How often."""


class Tree(Section):
    """A tree with that section."""

    broker: Broker


def test_a_secret_in_force_is_masked():
    tree = Tree(broker=Broker(key=SecretStr("hush"), retries=1))

    assert leaves_of(tree) == {"broker.key": "**********", "broker.retries": 1}


def test_a_secret_is_known_as_one():
    assert keys_of(Tree)["broker.key"].is_secret
    assert keys_of(Tree)["broker.key"].allowed == "text (secret)"
    assert not keys_of(Tree)["broker.retries"].is_secret


def test_a_problem_with_a_secret_does_not_repeat_it():
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate_json('{"broker": {"key": 123456, "retries": "hush"}}', strict=True)

    key, retries = (str(problem) for problem in problems_of(caught.value, keys_of(Tree), {}))

    assert "123456" not in key
    assert "hush" in retries
