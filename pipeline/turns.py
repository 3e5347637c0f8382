"""Turns: what is worked on side by side is settled in the order of the plan."""

import asyncio


class Turns:
    """Numbers in a row; each waits until all lower ones have left."""

    def __init__(self) -> None:
        self._given = 0
        self._next = 0
        self._left: set[int] = set()
        self._changed = asyncio.Event()

    def take(self) -> int:
        """Return the next number. Whoever takes one must leave."""
        self._given += 1
        return self._given - 1

    async def wait(self, number: int) -> None:
        """Return when it is the turn of `number`."""
        while self._next < number:
            await self._changed.wait()

    def leave(self, number: int) -> None:
        """Let the next one come; leaving twice, or before the turn has come, does no harm."""
        if number >= self._next:
            self._left.add(number)
        while self._next in self._left:
            self._left.remove(self._next)
            self._next += 1
        self._changed.set()
        self._changed = asyncio.Event()
