"""Give every listing a symbol and a name of its own. The same ordinal always gets the same symbol."""

CONSONANTS, VOWELS = "BCDFGHJKLMNPRSTVWXYZ", "AEIOU"
FOUR_LETTER_SYMBOLS = len(CONSONANTS) ** 3 * len(VOWELS)
STRIDE = 17_389  # shares no factor with the count above, so that neighbours do not look alike
RESERVED = frozenset({"CASH"})  # the book's own row
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


def symbol_of(ordinal: int) -> str:
    """Return the symbol of the n-th listing or renaming: four letters, a fifth once those are used up."""
    lap, place = divmod(ordinal, FOUR_LETTER_SYMBOLS)
    rest = place * STRIDE % FOUR_LETTER_SYMBOLS
    rest, last = divmod(rest, len(CONSONANTS))
    rest, third = divmod(rest, len(CONSONANTS))
    first, vowel = divmod(rest, len(VOWELS))
    symbol = CONSONANTS[first] + VOWELS[vowel] + CONSONANTS[third] + CONSONANTS[last]
    if lap == 0 and symbol in RESERVED:
        return symbol + "X"
    return symbol + (CONSONANTS[lap - 1] if lap else "")


def name_of(symbol: str, ordinal: int, sector: str) -> str:
    """Return a company name that goes with the symbol."""
    return f"{symbol.capitalize()}{ENDINGS[ordinal % len(ENDINGS)]} {FORMS[sector]}"
