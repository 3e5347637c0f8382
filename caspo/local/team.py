"""Two processes that train one model together, each with its half of every batch: torch.distributed on this machine.

They give, bit for bit, what one process gives. The first alone reads and writes files. If one fails, the other waits
for it in vain: whoever began them has to end both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

T = TypeVar("T")


@contextmanager
def join_team(meeting: Path, *, place: int) -> Iterator[None]:
    """Wait for the other one, and be a team for as long as the block runs.

    Args:
        meeting: A file that is not there yet, the same for both; they find each other by it.
        place: 0 for the first, 1 for the other.
    """
    dist.init_process_group("gloo", store=dist.FileStore(str(meeting), 2), rank=place, world_size=2)
    try:
        yield
    finally:
        dist.destroy_process_group()


def find_place() -> tuple[int, int]:
    """Return which one this process is and how many there are: 0 and 1 without a team."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def hand_out(value: T) -> T:
    """Return the first one's value, in both."""
    if find_place()[1] == 1:
        return value
    held = [value]
    dist.broadcast_object_list(held, src=0)
    return held[0]


def add_halves(module: torch.nn.Module, halves: Sequence[Callable[[], Sequence[float]]]) -> list[float]:
    """Run two halves of a backward pass, leave the sum of their gradients, and return the sum of what they return.

    There is no gradient before.

    In a team each process runs one of them; alone, one after the other. The sum is the same bit for bit.
    """
    first, second = halves
    place, size = find_place()
    trained = [one for one in module.parameters() if one.requires_grad]
    numbers = torch.tensor(first() if place == 0 else second(), dtype=torch.float64)
    flat = _take_gradients(trained)
    if size == 1:
        numbers += torch.tensor(second(), dtype=torch.float64)
        flat += _take_gradients(trained)
    else:
        dist.all_reduce(numbers)
        dist.all_reduce(flat)
    for one, summed in zip(trained, flat.split([one.numel() for one in trained]), strict=True):
        one.grad = summed.view_as(one)
    return [float(each) for each in numbers]


def _take_gradients(trained: Sequence[torch.nn.Parameter]) -> Tensor:
    """Return all gradients in one row and forget them; zeros for parameters that have none."""
    flat = torch.cat([torch.zeros_like(one).flatten() if one.grad is None else one.grad.flatten() for one in trained])
    for one in trained:
        one.grad = None
    return flat


def share_work(jobs: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """Return what each job gives, in their order; each process does every second one, and both get all."""
    place, size = find_place()
    own = {name: job() for name, job in list(jobs.items())[place::size]}
    if size == 1:
        return own
    everybody: list[dict[str, T]] = [{}] * size
    dist.all_gather_object(everybody, own)
    found = {name: value for each in everybody for name, value in each.items()}
    return {name: found[name] for name in jobs}
