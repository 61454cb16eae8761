"""One other backtester: `backtester_process.py NAME FOLDER RUNS RATE`, run by the Python of .venv-backtesters.

Trades towards the weights of FOLDER at the close of every session, at a cost of RATE × the value traded, RUNS times.
If RUNS is above 1, a warm-up run comes first and is not counted. Prints the processor seconds of each as a JSON list,
and writes the equity before the trades of each session, as a multiple of the cash at the start, to FOLDER/NAME.npy.
The backtesters hold fractional shares, so the amount of cash does not matter.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

CASH_USD = 1e6


def vectorbt(prices, weights, rate):
    import vectorbt

    def work():
        portfolio = vectorbt.Portfolio.from_orders(
            prices,
            size=weights,
            size_type="targetpercent",
            fees=rate,
            init_cash=CASH_USD,
            cash_sharing=True,
            group_by=True,
            call_seq="auto",
            freq="1D",
        )
        return portfolio, portfolio.value()

    def equity(done):
        portfolio, value = done
        orders = portfolio.orders.values  # noqa: PD011 - not of pandas
        fees = np.bincount(orders["idx"], weights=orders["fees"], minlength=len(prices))
        return value.to_numpy() + fees

    return work, equity


def bt(prices, weights, rate):
    import bt

    def work():
        algos = [bt.algos.WeighTarget(weights), bt.algos.Rebalance()]
        backtest = bt.Backtest(
            bt.Strategy("weights", algos),
            prices,
            initial_capital=CASH_USD,
            commissions=lambda quantity, price: abs(quantity) * price * rate,
            integer_positions=False,
            progress_bar=False,
        )
        backtest.run()
        return backtest.strategy

    def equity(strategy):
        value = strategy.values + strategy.fees  # noqa: PD011 - not of pandas
        return value.loc[prices.index].to_numpy()

    return work, equity


def cvxportfolio(prices, weights, rate):
    import cvxportfolio

    returns = (prices.shift(-1) / prices - 1).iloc[:-1]
    returns["cash"] = 0.0
    with_cash = weights.assign(cash=1 - weights.sum(axis=1))

    def work():
        simulator = cvxportfolio.MarketSimulator(
            returns=returns,
            cash_key="cash",
            costs=[cvxportfolio.TransactionCost(a=rate, b=None)],
            round_trades=False,
            min_history=pd.Timedelta("0D"),
        )
        start = pd.Series(0.0, returns.columns)
        start["cash"] = CASH_USD
        policy = cvxportfolio.FixedWeights(with_cash)
        return simulator.run_backtest(policy, start_time=returns.index[0], h=start)

    def equity(result):
        return result.v.to_numpy()

    return work, equity


RIVALS = {rival.__name__: rival for rival in (vectorbt, bt, cvxportfolio)}


def main() -> None:
    name, folder, runs, rate = sys.argv[1:]
    market = np.load(Path(folder) / "market.npz")
    sessions = pd.DatetimeIndex(market["sessions"])
    names = [f"S{number:03d}" for number in range(market["cents"].shape[1])]
    prices = pd.DataFrame(market["cents"] / 100, sessions, names)
    weights = pd.DataFrame(market["weights"], sessions, names)
    work, equity = RIVALS[name](prices, weights, float(rate))
    done = work() if int(runs) > 1 else None  # compiles
    seconds = []
    for _ in range(int(runs)):
        started = time.process_time()
        done = work()
        seconds.append(time.process_time() - started)
    np.save(Path(folder) / f"{name}.npy", equity(done) / CASH_USD)
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()
