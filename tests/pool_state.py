"""A worker's state for the tests of `caspo.wind_tunnel.workers`; the workers import it by its name."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from caspo.errors import CaspoError
from caspo.wind_tunnel.workers import Job, open_pool

Tell = Callable[[str, int, int], None]


class Counter:
    """Counts its jobs."""

    def __init__(self) -> None:
        self.jobs = 0

    def add(self, number: int, tell: Tell) -> tuple[int, int, int]:
        self.jobs += 1
        tell(f"adding {number}", 0, 2)
        tell(f"adding {number}", 2, 2)
        return number + 1, self.jobs, os.getpid()

    def meet(self, folder: str, name: str, other: str, tell: Tell) -> bool:
        """Wait until another job runs at the same time."""
        (Path(folder) / name).touch()
        deadline = time.monotonic() + 60
        while not (Path(folder) / other).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return (Path(folder) / other).exists()

    def refuse(self, tell: Tell) -> None:
        raise CaspoError("there is no such thing; give another")

    def break_down(self, tell: Tell) -> None:
        raise ZeroDivisionError("by zero")

    def die(self, tell: Tell) -> None:
        os._exit(7)

    def linger(self, file: str, tell: Tell) -> None:
        Path(file).write_text(str(os.getpid()), encoding="utf-8")
        time.sleep(600)


if __name__ == "__main__":
    with open_pool(Counter, 1) as pool:
        pool.run([Job("linger", "linger", (sys.argv[1],), 1)], lambda event: None)
