"""The event loop for many calls at once: uvloop where it is installed, and a garbage collector that looks at less."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
COLLECT_AFTER = (10_000, 50, 10)
"""For `gc.set_threshold`. The usual 700 new objects come together within a few calls."""


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run `main` in a new event loop and return its result, as `asyncio.run` does.

    What is in memory by now, modules above all, is left out of the collections meanwhile: a full one over it stops
    every call for a quarter of a second, in which the server's slots stand empty. Collections are rarer for the same
    reason.
    """
    gc.collect()
    gc.freeze()
    usual = gc.get_threshold()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        try:
            import uvloop
        except ImportError:  # there is none for Windows
            return asyncio.run(main)
        return uvloop.run(main)
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
