"""Running what can be stopped by hand: what waits for calls finishes those, what trains breaks off where it is."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import NoReturn, Protocol, TypeVar

from curator_app.actions.leases import Lease
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


class JobStopped(Exception):
    """Somebody asked for an end; raised in the middle of the work, which its checkpoints allow."""


@contextmanager
def stoppable(lease: Lease) -> Iterator[list[str]]:
    """Let who asks for an end, or a SIGTERM, raise `JobStopped` in the main thread, whatever that waits for.

    Yields the reasons that were given so far, for work that has a handler of SIGTERM of its own.
    """
    reasons: list[str] = []
    main = threading.main_thread().ident
    assert main is not None

    def stop(reason: str) -> None:
        reasons.append(reason)
        signal.pthread_kill(main, signal.SIGTERM)

    def interrupt(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not break the tidying up
        raise JobStopped(reasons[-1] if reasons else "stopped by hand")

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        lease.call_to_stop(stop)
        yield reasons
    finally:
        signal.signal(signal.SIGTERM, before)
