from tasks.data.schema.symbols import is_safe_symbol
from tasks.simulation.naming import FOUR_LETTER_SYMBOLS, SECTORS, name_of, symbol_of


def test_no_two_listings_share_a_symbol():
    symbols = [symbol_of(n) for n in range(FOUR_LETTER_SYMBOLS + 500)]

    assert len(set(symbols)) == len(symbols)


def test_every_symbol_may_enter_the_lake():
    assert all(is_safe_symbol(symbol_of(n)) for n in range(FOUR_LETTER_SYMBOLS))


def test_a_name_says_symbol_and_sector():
    assert name_of("KELV", 0, "Energy") == "Kelva Energy"
    assert len({name_of("KELV", 0, sector) for sector in SECTORS}) == len(SECTORS)
