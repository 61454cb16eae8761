"""Write a count with its noun in the right number, for messages, logs and pages."""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return "1 trade", "2 trades", "1,234 trades" or "no trades"; `plural` where it is not the noun with an s."""
    word = noun if count == 1 else plural or f"{noun}s"
    return f"{count:,} {word}" if count else f"no {word}"
