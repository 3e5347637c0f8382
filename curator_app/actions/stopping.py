"""Running what can be stopped by hand: a first interrupt lets what is under way finish, a second ends it at once."""

import asyncio
import signal
from collections.abc import Awaitable
from typing import Protocol, TypeVar

from endpoints import event_loop
from endpoints.config import Roles

End_co = TypeVar("End_co", covariant=True)
End = TypeVar("End")


class Stoppable(Protocol[End_co]):
    """A sitting of a run."""

    def stop(self, reason: str) -> None:
        """Begin nothing new; what is under way finishes."""

    def run(self) -> Awaitable[End_co]:
        """Run to the end, or to the stop."""


def run_until_stopped(sitting: Stoppable[End], roles: Roles) -> End:
    """Run `sitting` in an event loop of its own, return what it returns, and close the connections of `roles`."""
    return event_loop.run(_run(sitting, roles))


async def _run(sitting: Stoppable[End], roles: Roles) -> End:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        sitting.stop("stopped by hand")
        for number in signals:
            loop.remove_signal_handler(number)  # a second one ends it at once

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        return await sitting.run()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        await roles.aclose()
