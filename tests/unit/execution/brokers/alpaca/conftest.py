"""The local Alpaca, and a broker connected to it."""

import pytest

from tests.execution_alpaca import make_account, trading_at
from tests.servers.alpaca import KEYS


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def both(account):
    with trading_at(account) as running:
        yield running


@pytest.fixture
def server(both):
    return both[0]


@pytest.fixture
def broker(both):
    return both[1]
