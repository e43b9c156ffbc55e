"""Classify digits in several threads without pause while a better checkpoint takes over.

`python examples/digits/serve.py BUNDLE.om`: a bundle whose eight weights can be refreshed.
"""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from runtime.refresh import Bundle

HERE = Path(__file__).parent
BATCH, THREADS, ANSWERS = 36, 4, 100


class Service:
    """Threads that classify, and count for each version of the weights how often they are right."""

    def __init__(self, bundle: Bundle) -> None:
        held_out: Any = np.load(HERE / "heldout.npz")
        self.images: npt.NDArray[np.float32] = held_out["images"]
        self.labels: npt.NDArray[np.int64] = held_out["labels"]
        self.bundle = bundle
        self.right: dict[str, list[float]] = defaultdict(list)
        self.changed = threading.Condition()
        self.stopped = False

    def classify(self) -> None:
        """One batch after the other, until stopped."""
        start = 0
        while not self.stopped:
            batch = slice(start, start + BATCH)
            answer = self.bundle.infer({"image": self.images[batch]})
            probabilities = answer["probabilities"]
            right = float((probabilities.argmax(axis=1) == self.labels[batch]).mean())
            with self.changed:
                self.right[answer.version].append(right)
                self.changed.notify_all()
            start = (start + BATCH) % len(self.images)

    def wait(self, version: str) -> None:
        """Until a version has given some more answers."""
        with self.changed:
            wanted = len(self.right[version]) + ANSWERS
            self.changed.wait_for(lambda: len(self.right[version]) >= wanted)


def better() -> dict[str, Any]:
    """The weights of the better checkpoint by ONNX name."""
    # onnx's stubs leave the type argument of PathLike open.
    model = onnx.load(HERE / "better.onnx")  # pyright: ignore[reportUnknownMemberType]
    initializers = model.graph.initializer
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in initializers}


def main(path: str) -> None:
    """Serve, update, roll back; print how many digits each version has got right."""
    with Bundle.load(path) as bundle:
        service = Service(bundle)
        threads = [threading.Thread(target=service.classify) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        service.wait("compiled")
        bundle.update(better(), "better")
        service.wait("better")
        bundle.rollback()
        service.wait("compiled")
        service.stopped = True
        for thread in threads:
            thread.join()
    for version, right in service.right.items():
        print(f"{version:10} {np.mean(right):6.1%} of the digits right")


if __name__ == "__main__":
    main(sys.argv[1])
