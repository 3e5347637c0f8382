"""The event loop for many calls at once: uvloop where it is installed, and a garbage collector that looks at less."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run `main` in a new event loop and return its result, as `asyncio.run` does.

    What is in memory by now, modules above all, is left out of the collections meanwhile: a full one over it stops
    every call for a quarter of a second, in which the server's slots stand empty.
    """
    gc.collect()
    gc.freeze()
    try:
        try:
            import uvloop
        except ImportError:  # there is none for Windows
            return asyncio.run(main)
        return uvloop.run(main)
    finally:
        gc.unfreeze()
