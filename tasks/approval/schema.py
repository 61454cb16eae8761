"""The records of an approval, as they are stored and signed. Numbers are decimal text: no rounding, one spelling."""

import unicodedata
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tasks.core.text import instant_text

LONGEST_NAME = 60
LONGEST_REASON = 300
LAST_REVISION = 999
NAME_MARKS = frozenset(" .'-")


def is_name(text: str) -> bool:
    """Return whether the text can be a person's name: letters, digits, single spaces and . ' - in one spelling."""
    return (
        0 < len(text) <= LONGEST_NAME
        and text[0].isalpha()
        and text == " ".join(unicodedata.normalize("NFKC", text).split())
        and all(character.isalnum() or character in NAME_MARKS for character in text)
    )


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError("it is not a name")
    return text


def _instant(text: str) -> str:
    if instant_text(datetime.fromisoformat(text)) != text:
        raise ValueError("it is not a UTC time to the second")
    return text


Name = Annotated[str, AfterValidator(_name)]
Instant = Annotated[str, AfterValidator(_instant)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # SHA-256, and also a public key
SignatureHex = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
Decimals = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Text = Annotated[str, Field(max_length=LONGEST_REASON)]


class Record(BaseModel):
    """Frozen, no unknown fields, no conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Line(Record):
    """One approved trade and its bands. An order outside them is void; the other lines are not affected."""

    symbol: Annotated[str, Field(min_length=1, max_length=20)]
    side: Literal["BUY", "SELL"]
    shares: Decimals  # approved, and the most that may be ordered
    price: Decimals  # of the decision
    lowest_price: Decimals
    highest_price: Decimals
    least_shares: Decimals


class Envelope(Record):
    """What an approval is for. Every approver of a day signs the same envelope."""

    format: Literal["afterclose approval 1"]
    session: Day
    revision: Annotated[int, Field(ge=0, le=LAST_REVISION)]  # 0: the trades as published
    manifest_sha256: Digest
    trades_sha256: Digest
    snapshot: str  # the six inputs that the manifest names, repeated for the reader
    champion: str
    features: str
    config: str
    code: str
    positions: str
    equity_usd: Decimals
    account: str
    mode: Literal["paper", "live"]
    demo: bool  # the market is simulated
    persons: Annotated[int, Field(ge=1, le=2)]
    expires_at: Instant
    lines: tuple[Line, ...]


class Statement(Record):
    """What one person adds to the envelope with a signature."""

    approver: Name
    key: Digest  # public key
    at: Instant
    overrules: Text  # the rejection that this person overrules; "" without one
    reason: Text  # why it is overruled


class Signature(Record):
    """A statement, and the Ed25519 signature of envelope and statement."""

    statement: Statement
    signature: SignatureHex


class Approval(Record):
    """approval.json."""

    envelope: Envelope
    signatures: Annotated[tuple[Signature, ...], Field(min_length=1, max_length=2)]


class Unanswered(Record):
    """no_answer.json: what is executed of a day that nobody answered. No person signed it; the audit log names it."""

    format: Literal["afterclose no answer 1"]
    envelope: Envelope  # with the sales alone


class Detached(Record):
    """A signature on its way to the home, and the digest of the envelope that it is for."""

    envelope_sha256: Digest
    signature: Signature
