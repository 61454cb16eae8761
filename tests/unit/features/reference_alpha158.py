"""Alpha158 once more, written to be read beside Qlib's `qlib/contrib/data/loader.py`: its operators, its expressions.

`QLIB[name](bars)` is Qlib's own value, partial windows and all. `REFERENCE[name](bars)` is the same expression under
our rules for what is missing, and says where else we differ.
"""

from functools import partial

import numpy as np

from tests.unit.features.reference import Bars, known, rolling

WINDOWS = (5, 10, 20, 30, 60)


class QlibOperators:
    """What `qlib/data/ops.py` computes: any row is enough for a window, and comparing with nothing is false."""

    def window(self, x, d):
        return x.rolling(d, min_periods=1)

    def is_greater(self, x, y):
        return x > y

    def ref(self, x, d):
        return x.shift(d)

    def where_it_moves(self, figure, *moving, d):
        still = [np.isclose(self.window(x, d).std(), 0, atol=2e-5) for x in moving]
        return figure.mask(np.logical_or.reduce(still))

    def mean(self, x, d):
        return self.window(x, d).mean()

    def sum(self, x, d):
        return self.window(x, d).sum()

    def std(self, x, d):
        return self.window(x, d).std()

    def max(self, x, d):
        return self.window(x, d).max()

    def min(self, x, d):
        return self.window(x, d).min()

    def quantile(self, x, d, q):
        return self.window(x, d).quantile(q)

    def rank(self, x, d):
        return self.window(x, d).rank(pct=True)

    def idxmax(self, x, d):
        return self.window(x, d).apply(lambda w: w.argmax() + 1, raw=True)

    def idxmin(self, x, d):
        return self.window(x, d).apply(lambda w: w.argmin() + 1, raw=True)

    def slope(self, x, d):
        return self.window(x, d).apply(lambda w: line(w)[0], raw=True)

    def rsquare(self, x, d):
        r_squared = self.window(x, d).apply(lambda w: line(w)[1], raw=True)
        return self.where_it_moves(r_squared, x, d=d)

    def resi(self, x, d):
        return self.window(x, d).apply(lambda w: line(w)[2], raw=True)

    def corr(self, x, y, d):
        return self.where_it_moves(self.window(x, d).corr(y, pairwise=False), x, y, d=d)


class OurOperators(QlibOperators):
    """The same where less is known or nothing moves: see docs/alpha158.md."""

    def window(self, x, d):
        return rolling(x, d)

    def is_greater(self, x, y):
        return known(x > y, x, y)

    def idxmax(self, x, d):
        return self.window(x, d).apply(lambda w: np.nanargmax(w) + 1, raw=True)

    def idxmin(self, x, d):
        return self.window(x, d).apply(lambda w: np.nanargmin(w) + 1, raw=True)

    def where_it_moves(self, figure, *moving, d):
        together = sum(moving)  # missing where one of them is
        still = [self.std(x.where(together.notna()), d) == 0 for x in moving]
        return figure.mask(np.logical_or.reduce(still), 0.0)


def line(w):
    """Return slope, r² and last residual of the values on 1, 2, 3 … as `qlib/data/_libs/rolling.pyx` sums them."""
    here = ~np.isnan(w)
    n, x, y = here.sum(), np.arange(1, len(w) + 1)[here], w[here]
    with np.errstate(all="ignore"):
        xy = n * (x * y).sum() - x.sum() * y.sum()
        xx = n * (x * x).sum() - x.sum() ** 2
        yy = n * (y * y).sum() - y.sum() ** 2
        slope = xy / xx
        return slope, xy * xy / (xx * yy), w[-1] - (slope * len(w) + y.mean() - slope * x.mean())


def before(x):
    return x.shift(1)


def up(x):
    return np.maximum(x - before(x), 0)


def down(x):
    return np.maximum(before(x) - x, 0)


def moved(x):
    return abs(x - before(x))


def larger(b: Bars):
    return np.maximum(b.open, b.close)


def smaller(b: Bars):
    return np.minimum(b.open, b.close)


def weighted_moves(b: Bars):
    return abs(b.close / before(b.close) - 1) * b.volume


OF_ONE_BAR = {
    "kmid": lambda b: (b.close - b.open) / b.open,
    "klen": lambda b: (b.high - b.low) / b.open,
    "kmid2": lambda b: (b.close - b.open) / (b.high - b.low + 1e-12),
    "kup": lambda b: (b.high - larger(b)) / b.open,
    "kup2": lambda b: (b.high - larger(b)) / (b.high - b.low + 1e-12),
    "klow": lambda b: (smaller(b) - b.low) / b.open,
    "klow2": lambda b: (smaller(b) - b.low) / (b.high - b.low + 1e-12),
    "ksft": lambda b: (2 * b.close - b.high - b.low) / b.open,
    "ksft2": lambda b: (2 * b.close - b.high - b.low) / (b.high - b.low + 1e-12),
    "open_0": lambda b: b.open / b.close,
    "high_0": lambda b: b.high / b.close,
    "low_0": lambda b: b.low / b.close,
    "vwap_0": lambda b: (b.high + b.low + b.close) / 3 / b.close,
}

OF_A_WINDOW = {
    "roc": lambda b, q, d: q.ref(b.close, d) / b.close,
    "ma": lambda b, q, d: q.mean(b.close, d) / b.close,
    "std": lambda b, q, d: q.std(b.close, d) / b.close,
    "beta": lambda b, q, d: q.slope(b.close, d) / b.close,
    "rsqr": lambda b, q, d: q.rsquare(b.close, d),
    "resi": lambda b, q, d: q.resi(b.close, d) / b.close,
    "max": lambda b, q, d: q.max(b.high, d) / b.close,
    "min": lambda b, q, d: q.min(b.low, d) / b.close,
    "qtlu": lambda b, q, d: q.quantile(b.close, d, 0.8) / b.close,
    "qtld": lambda b, q, d: q.quantile(b.close, d, 0.2) / b.close,
    "rank": lambda b, q, d: q.rank(b.close, d),
    "rsv": lambda b, q, d: (b.close - q.min(b.low, d)) / (q.max(b.high, d) - q.min(b.low, d) + 1e-12),
    "imax": lambda b, q, d: q.idxmax(b.high, d) / d,
    "imin": lambda b, q, d: q.idxmin(b.low, d) / d,
    "imxd": lambda b, q, d: (q.idxmax(b.high, d) - q.idxmin(b.low, d)) / d,
    "corr": lambda b, q, d: q.corr(b.close, np.log(b.volume + 1), d),
    "cord": lambda b, q, d: q.corr(b.close / before(b.close), np.log(b.volume / before(b.volume) + 1), d),
    "cntp": lambda b, q, d: q.mean(q.is_greater(b.close, before(b.close)), d),
    "cntn": lambda b, q, d: q.mean(q.is_greater(before(b.close), b.close), d),
    "cntd": lambda b, q, d: (
        q.mean(q.is_greater(b.close, before(b.close)), d) - q.mean(q.is_greater(before(b.close), b.close), d)
    ),
    "sump": lambda b, q, d: q.sum(up(b.close), d) / (q.sum(moved(b.close), d) + 1e-12),
    "sumn": lambda b, q, d: q.sum(down(b.close), d) / (q.sum(moved(b.close), d) + 1e-12),
    "sumd": lambda b, q, d: (
        (q.sum(up(b.close), d) - q.sum(down(b.close), d)) / (q.sum(moved(b.close), d) + 1e-12)
    ),
    "vma": lambda b, q, d: q.mean(b.volume, d) / (b.volume + 1e-12),
    "vstd": lambda b, q, d: q.std(b.volume, d) / (b.volume + 1e-12),
    "wvma": lambda b, q, d: q.std(weighted_moves(b), d) / (q.mean(weighted_moves(b), d) + 1e-12),
    "vsump": lambda b, q, d: q.sum(up(b.volume), d) / (q.sum(moved(b.volume), d) + 1e-12),
    "vsumn": lambda b, q, d: q.sum(down(b.volume), d) / (q.sum(moved(b.volume), d) + 1e-12),
    "vsumd": lambda b, q, d: (
        (q.sum(up(b.volume), d) - q.sum(down(b.volume), d)) / (q.sum(moved(b.volume), d) + 1e-12)
    ),
}

WITHOUT_TRADES = {  # where a day without trades, or the unit in which shares are counted, would make a value
    "corr": lambda b, q, d: q.corr(b.close, np.log(traded(b)), d),
    "cord": lambda b, q, d: q.corr(b.close / before(b.close), np.log(b.volume / before(traded(b)) + 1), d),
    "vma": lambda b, q, d: q.mean(b.volume, d) / traded(b),
    "vstd": lambda b, q, d: q.std(b.volume, d) / traded(b),
}


def traded(b: Bars):
    return b.volume.where(b.volume > 0)


def expressions(of_a_window, operators):
    one_bar = {f"a158_{name}": expression for name, expression in OF_ONE_BAR.items()}
    windows = {
        f"a158_{name}_{d}": partial(expression, q=operators, d=d)
        for name, expression in of_a_window.items()
        for d in WINDOWS
    }
    return one_bar | windows


QLIB = expressions(OF_A_WINDOW, QlibOperators())
REFERENCE = expressions(OF_A_WINDOW | WITHOUT_TRADES, OurOperators())
