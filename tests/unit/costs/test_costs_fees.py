from datetime import date

import pytest

from tasks.core.errors import ConfigError
from tasks.costs.fees import sec_fee_on, taf_on
from tests.builders import make_settings

SHIPPED = make_settings().costs.fees


# each from the notice that `source` names
@pytest.mark.parametrize(
    ("day", "usd_per_million"),
    [
        (date(1998, 1, 5), 33.33),
        (date(2001, 12, 27), 33.33),
        (date(2001, 12, 28), 15.00),
        (date(2008, 3, 31), 11.00),
        (date(2008, 4, 1), 5.60),
        (date(2020, 3, 16), 22.10),
        (date(2024, 5, 21), 8.00),
        (date(2024, 5, 22), 27.80),
        (date(2025, 5, 14), 0.00),
        (date(2026, 4, 3), 0.00),
        (date(2026, 4, 4), 20.60),
        (date(2030, 1, 2), 20.60),
    ],
)
def test_the_sec_fee_applies_from_its_trade_date(day, usd_per_million):
    assert sec_fee_on(day, fees=SHIPPED).usd_per_million == usd_per_million


@pytest.mark.parametrize(
    ("day", "usd_per_share", "max_usd"),
    [
        (date(2002, 9, 30), 0.0, 0.0),
        (date(2002, 10, 1), 0.0001, 10.0),
        (date(2011, 6, 30), 0.000075, 3.75),
        (date(2012, 2, 29), 0.00009, 4.50),
        (date(2012, 3, 1), 0.000095, 4.75),
        (date(2021, 12, 31), 0.000119, 5.95),
        (date(2022, 1, 3), 0.00013, 6.49),
        (date(2025, 12, 31), 0.000166, 8.30),
        (date(2026, 1, 2), 0.000195, 9.79),
        (date(2026, 12, 31), 0.0, 0.0),
        (date(2027, 1, 4), 0.000195, 9.79),
    ],
)
def test_the_taf_and_its_maximum_apply_from_their_trade_date(day, usd_per_share, max_usd):
    rate = taf_on(day, fees=SHIPPED)

    assert (rate.usd_per_share, rate.max_usd) == (usd_per_share, max_usd)


def test_a_session_before_the_first_rate_pays_the_first_rate_or_is_refused():
    refusing = make_settings(**{"costs.fees.before_first": "refuse"}).costs.fees
    early = date(1997, 12, 31)

    assert sec_fee_on(early, fees=SHIPPED) == SHIPPED.sec[0]
    assert taf_on(early, fees=SHIPPED) == SHIPPED.taf[0]
    with pytest.raises(ConfigError, match=r"costs\.fees\.sec has no rate for 1997-12-31"):
        sec_fee_on(early, fees=refusing)
    with pytest.raises(ConfigError, match=r"costs\.fees\.taf has no rate for 1997-12-31"):
        taf_on(early, fees=refusing)
    assert sec_fee_on(date(1998, 1, 1), fees=refusing).usd_per_million == 33.33
