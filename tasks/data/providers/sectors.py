"""Map SIC industry codes of the SEC to eleven sectors: a substitute for GICS, which is licensed.

SIC predates software and social networks: Alphabet and Meta are computer services here, and communication in GICS. The
first row that contains a code applies, so exceptions precede the rule.
"""

ENERGY, MATERIALS, INDUSTRIALS = "Energy", "Materials", "Industrials"
DISCRETIONARY, STAPLES, HEALTH = "Consumer Discretionary", "Consumer Staples", "Health Care"
FINANCIALS, TECHNOLOGY = "Financials", "Information Technology"
COMMUNICATION, UTILITIES, REAL_ESTATE = "Communication Services", "Utilities", "Real Estate"

GICS = frozenset(
    {
        *(ENERGY, MATERIALS, INDUSTRIALS, DISCRETIONARY, STAPLES, HEALTH, FINANCIALS, TECHNOLOGY),
        *(COMMUNICATION, UTILITIES, REAL_ESTATE),
        "Telecommunication Services",  # until September 2018
    }
)

SECTORS: tuple[tuple[int, int, str], ...] = (
    (100, 999, STAPLES),  # farming, fishing
    (1200, 1399, ENERGY),  # coal, oil and gas
    (1000, 1499, MATERIALS),  # other mining
    (1520, 1531, DISCRETIONARY),  # home builders
    (1500, 1799, INDUSTRIALS),  # other construction
    (2000, 2199, STAPLES),  # food, drinks, tobacco
    (2200, 2399, DISCRETIONARY),  # textiles, apparel
    (2500, 2599, DISCRETIONARY),  # furniture
    (2700, 2799, COMMUNICATION),  # publishing
    (2833, 2836, HEALTH),  # drugs
    (2840, 2844, STAPLES),  # soap, cosmetics
    (2900, 2999, ENERGY),  # refining
    (3021, 3021, DISCRETIONARY),  # footwear
    (3100, 3199, DISCRETIONARY),  # leather
    (2400, 3399, MATERIALS),  # wood, paper, chemicals, plastics, glass, metals
    (3411, 3411, MATERIALS),  # cans
    (3570, 3579, TECHNOLOGY),  # computers
    (3630, 3652, DISCRETIONARY),  # household appliances, audio and video
    (3661, 3679, TECHNOLOGY),  # communications equipment, semiconductors
    (3711, 3716, DISCRETIONARY),  # motor vehicles
    (3751, 3751, DISCRETIONARY),  # motorcycles
    (3822, 3829, TECHNOLOGY),  # measuring instruments
    (3840, 3851, HEALTH),  # medical instruments
    (3861, 3861, TECHNOLOGY),  # photographic equipment
    (3873, 3999, DISCRETIONARY),  # watches, jewellery, toys
    (3400, 3899, INDUSTRIALS),  # metal goods, machinery, aircraft, ships, navigation
    (4800, 4899, COMMUNICATION),  # telephone, broadcasting, cable
    (4950, 4959, INDUSTRIALS),  # waste
    (4900, 4999, UTILITIES),  # electricity, gas, water
    (4000, 4799, INDUSTRIALS),  # transport
    (5045, 5045, TECHNOLOGY),  # computers, wholesale
    (5047, 5047, HEALTH),  # medical supplies, wholesale
    (5122, 5122, HEALTH),  # drugs, wholesale
    (5140, 5159, STAPLES),  # groceries, farm products, wholesale
    (5160, 5169, MATERIALS),  # chemicals, wholesale
    (5171, 5172, ENERGY),  # petroleum, wholesale
    (5180, 5189, STAPLES),  # drinks, wholesale
    (5000, 5199, INDUSTRIALS),  # other wholesale
    (5331, 5331, STAPLES),  # variety stores: Walmart, Target, Costco
    (5400, 5499, STAPLES),  # food stores
    (5912, 5912, STAPLES),  # drug stores
    (5200, 5999, DISCRETIONARY),  # other retail, restaurants
    (6324, 6324, HEALTH),  # hospital and medical service plans
    (6500, 6599, REAL_ESTATE),
    (6798, 6798, REAL_ESTATE),  # real estate investment trusts
    (6000, 6799, FINANCIALS),  # banks, brokers, insurance, holding companies
    (7310, 7319, COMMUNICATION),  # advertising
    (7370, 7379, TECHNOLOGY),  # software, computer services
    (7320, 7399, INDUSTRIALS),  # other business services
    (7800, 7849, COMMUNICATION),  # film
    (7000, 7999, DISCRETIONARY),  # hotels, personal services, leisure
    (8000, 8099, HEALTH),  # health services
    (8731, 8731, HEALTH),  # commercial research, which is biotechnology mostly
    (8200, 8399, DISCRETIONARY),  # education, child care
    (8700, 8799, INDUSTRIALS),  # engineering, consulting
)


def sector_of(code: str) -> str:
    """Return the sector of a four-digit code; "" for a code outside all ranges."""
    number = int(code) if code.isdecimal() else 0
    return next((sector for first, last, sector in SECTORS if first <= number <= last), "")


def gics_sector(label: str) -> str:
    """Return the GICS sector of a label, ignoring case and spaces; "" for a label that GICS does not define.

    Another label for the same sector ("Healthcare") would be a second sector with a second limit.
    """
    return _SPELLINGS.get("".join(label.casefold().split()), "")


_SPELLINGS = {"".join(name.casefold().split()): name for name in GICS}
