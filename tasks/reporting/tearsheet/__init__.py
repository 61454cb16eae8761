"""The report of a backtest: its tear sheet."""
