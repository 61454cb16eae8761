"""Generate symbols and company names. The same ordinal always gives the same symbol."""

CONSONANTS, VOWELS = "BCDFGHJKLMNPRSTVWXYZ", "AEIOU"
FOUR_LETTER_SYMBOLS = len(CONSONANTS) ** 3 * len(VOWELS)
STRIDE = 17_389  # coprime to the count above, so that consecutive symbols differ
RESERVED = frozenset({"CASH"})  # the cash row of the portfolio
ENDINGS = ("a", "on", "ex", "ia", "um", "is", "eo")
FORMS = {
    "Information Technology": "Systems",
    "Health Care": "Therapeutics",
    "Financials": "Financial",
    "Consumer Discretionary": "Brands",
    "Communication Services": "Media",
    "Industrials": "Industries",
    "Consumer Staples": "Foods",
    "Energy": "Energy",
    "Utilities": "Power",
    "Real Estate": "Properties",
    "Materials": "Materials",
}
SECTORS = tuple(FORMS)


def nth_symbol(ordinal: int) -> str:
    """Return the symbol of the n-th listing or renaming: four letters, a fifth once those are used up."""
    lap, position = divmod(ordinal, FOUR_LETTER_SYMBOLS)
    rest = position * STRIDE % FOUR_LETTER_SYMBOLS
    rest, last = divmod(rest, len(CONSONANTS))
    rest, third = divmod(rest, len(CONSONANTS))
    first, vowel = divmod(rest, len(VOWELS))
    symbol = CONSONANTS[first] + VOWELS[vowel] + CONSONANTS[third] + CONSONANTS[last]
    if lap == 0 and symbol in RESERVED:
        return symbol + "X"
    return symbol + (CONSONANTS[lap - 1] if lap else "")


def company_name(symbol: str, ordinal: int, sector: str) -> str:
    """Return a company name for the symbol."""
    return f"{symbol.capitalize()}{ENDINGS[ordinal % len(ENDINGS)]} {FORMS[sector]}"
