import pandas as pd
import pytest

from flows.revision import Changes, wanted_shares
from tasks.core.errors import ConfigError

TRADES = pd.DataFrame(
    {"symbol": ["AAA", "BBB", "CCC"], "side": ["SELL", "BUY", "BUY"], "shares": [101, 7, 1]}
)


def test_struck_trades_vanish_and_halved_ones_keep_their_side():
    assert wanted_shares(TRADES, Changes(strike=("BBB",), halve=("AAA", "CCC"))) == {
        "BBB": 0,
        "AAA": -50,
        "CCC": 0,
    }


@pytest.mark.parametrize(
    "changes",
    [
        Changes(),
        Changes(solve=True),
        Changes(strike=("ZZZ",)),
        Changes(strike=("aaa",)),
        Changes(strike=("AAA",), halve=("AAA",)),
        Changes(halve=("AAA", "AAA")),
    ],
)
def test_what_is_not_one_change_of_a_proposed_trade_is_refused(changes):
    with pytest.raises(ConfigError):
        wanted_shares(TRADES, changes)
