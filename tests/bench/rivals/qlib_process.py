"""Qlib's side, run as a script by the Python of .venv-qlib: `qlib_process.py STORE NAMES HOW ARGUMENT`.

Computes the named features of Alpha158 for all instruments of the store in two processes. HOW is
- `scratch`: ARGUMENT times from the bars; prints the seconds of each as a JSON list;
- `DiskDatasetCache`: the same from the cache that Qlib's own benchmark reads, filled before;
- `SimpleDatasetCache`: the same from the plainer one, a pickled frame;
- `values`: writes the values to the Parquet file ARGUMENT.
"""

import json
import logging
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import qlib
from qlib import utils
from qlib.config import REG_US
from qlib.contrib.data.loader import Alpha158DL
from qlib.data import D, cache

PROCESSES = 2
PAST_THE_CACHE, THROUGH_THE_CACHE = 0, 1


def main() -> None:
    store, names, how, argument = sys.argv[1:]
    is_cached = how in ("DiskDatasetCache", "SimpleDatasetCache")
    leave_out_redis()
    qlib.init(
        provider_uri=store,
        region=REG_US,
        kernels=PROCESSES,
        logging_level=logging.ERROR,
        dataset_cache=how if is_cached else None,
        local_cache_path=str(Path(store) / "simple_cache"),
    )
    fields, all_names = Alpha158DL.get_feature_config()
    field_of = dict(zip(all_names, fields, strict=True))
    chosen = [field_of[name] for name in names.split(",")]
    instruments = D.list_instruments(D.instruments("all"), as_list=True)

    def features():
        disk_cache = THROUGH_THE_CACHE if is_cached else PAST_THE_CACHE
        return D.features(instruments, chosen, freq="day", disk_cache=disk_cache)

    if how == "values":
        features().set_axis(names.split(","), axis=1).reset_index().to_parquet(argument)
        return
    if is_cached:
        features()
    seconds = []
    for _ in range(int(argument)):
        started = time.perf_counter()
        features()
        seconds.append(time.perf_counter() - started)
    sys.stdout.write(json.dumps(seconds))


def leave_out_redis() -> None:
    """Read the cache without the lock server, which a single process does not need."""
    utils.can_use_cache = lambda: True
    cache.get_redis_connection = lambda: None
    cache.CacheUtils.reader_lock = cache.CacheUtils.writer_lock = staticmethod(lambda *_: nullcontext())


if __name__ == "__main__":  # its worker processes import this file
    main()
