"""Orders and books at Alpaca, through alpaca-py."""
