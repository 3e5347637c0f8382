"""The event loop that runs are made in."""

import asyncio
import gc

import pytest
import uvloop

from endpoints import event_loop

USUAL = (700, 10, 10)


async def look() -> tuple[bool, int, tuple[int, int, int]]:
    return isinstance(asyncio.get_running_loop(), uvloop.Loop), gc.get_freeze_count(), gc.get_threshold()


def test_a_run_is_on_uvloop_and_its_collections_are_rare_and_leave_the_modules_out() -> None:
    on_uvloop, frozen, after = event_loop.run(look())
    assert on_uvloop
    assert frozen > 10_000
    assert after == event_loop.COLLECT_AFTER


@pytest.mark.parametrize("fails", [False, True])
def test_afterwards_everything_can_be_collected_again(fails: bool) -> None:
    gc.set_threshold(*USUAL)

    async def work() -> str:
        await asyncio.sleep(0)
        if fails:
            raise ValueError("broken")
        return "done"

    if fails:
        with pytest.raises(ValueError, match="broken"):
            event_loop.run(work())
    else:
        assert event_loop.run(work()) == "done"
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, USUAL)
