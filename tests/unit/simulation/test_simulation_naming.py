from tasks.data.schema.symbols import is_safe_symbol
from tasks.simulation.naming import FOUR_LETTER_SYMBOLS, SECTORS, company_name, nth_symbol


def test_no_two_listings_share_a_symbol():
    symbols = [nth_symbol(n) for n in range(FOUR_LETTER_SYMBOLS + 500)]

    assert len(set(symbols)) == len(symbols)


def test_every_symbol_may_enter_the_lake():
    assert all(is_safe_symbol(nth_symbol(n)) for n in range(FOUR_LETTER_SYMBOLS))


def test_a_name_says_symbol_and_sector():
    assert company_name("KELV", 0, "Energy") == "Kelva Energy"
    assert len({company_name("KELV", 0, sector) for sector in SECTORS}) == len(SECTORS)
