"""How many inferences several threads get done at a time, while another swaps the weights.

`python -m bench.concurrency [--seconds N]`

Each product is computed by the thread that infers (OPENBLAS_NUM_THREADS=1), so that one thread
takes one core: what a second one adds is what the interpreter's lock and the swaps leave of it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, sleep

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when NumPy is loaded

import numpy as np

from bench.refresh_models import Weights, compiled_bundle, mlp
from runtime.refresh import Bundle

WIDTHS = (64, 512, 1024)
"""Of models whose inference is mostly Python, and mostly products."""
THREADS = (1, 2, 4)
SWAP_S = 0.005
"""Between two swaps."""


def until(stop: threading.Event, work: Callable[[], object]) -> int:
    """How often a thread does its work before it is told to stop."""
    count = 0
    while not stop.is_set():
        work()
        count += 1
    return count


def per_second(
    infer: Callable[[], object], swap: Callable[[], object] | None, threads: int, seconds: float
) -> float:
    """Inferences a second of so many threads together."""
    stop, counts = threading.Event(), [0] * threads

    def inferring(place: int) -> None:
        counts[place] = until(stop, infer)

    workers = [threading.Thread(target=inferring, args=(place,)) for place in range(threads)]
    if swap is not None:
        workers.append(threading.Thread(target=until, args=(stop, swap)))
    start = perf_counter()
    for worker in workers:
        worker.start()
    sleep(seconds)
    stop.set()
    for worker in workers:
        worker.join()
    return sum(counts) / (perf_counter() - start)


class Swapping:
    """Exchanges all weights of a bundle for those of two versions in turn, by copies."""

    def __init__(self, bundle: Bundle, versions: list[Weights]) -> None:
        self._bundle, self._versions = bundle, versions
        self._number = 0

    def once(self) -> None:
        """One update, and a pause."""
        self._number += 1
        self._bundle.update(self._versions[self._number % 2])
        sleep(SWAP_S)


def main() -> None:
    """Print a table: inferences a second, and how many times those of one thread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    seconds: float = parser.parse_args().seconds
    print(f"{'inferences/s of threads:':34}" + "".join(f"{n:>16}" for n in THREADS))
    for width in WIDTHS:
        model, draw = mlp(width, 4, rows=32), np.random.default_rng(0)
        first, *others = (model.draw(draw) for _ in range(3))
        x = draw.standard_normal((model.rows, width), np.float32)
        with tempfile.TemporaryDirectory() as folder:
            bundle = Bundle.load(compiled_bundle(model, first, Path(folder)))
            ways = {"": None, f", swapped every {SWAP_S * 1000:.0f} ms": Swapping(bundle, others)}
            for told, swapping in ways.items():
                swap = swapping.once if swapping is not None else None
                infer = partial(bundle.infer, {"x": x})
                found = [per_second(infer, swap, threads, seconds) for threads in THREADS]
                each = "".join(f"{n:>9.0f} {n / found[0]:>4.2f} x" for n in found)
                print(f"width {width}{told:26}{each}", flush=True)
            bundle.close()


if __name__ == "__main__":
    main()
