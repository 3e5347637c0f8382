"""Seeded choices that depend on what is chosen from, and never on the order in which it comes."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from statistics import median
from typing import TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


def rank(seed: int, *names: object) -> int:
    """Return a number of 64 bits that stands for these names under this seed; sorting by it shuffles."""
    text = "\0".join(str(name) for name in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def draw(seed: int, *names: object) -> float:
    """Return a number from 0 to below 1 that stands for these names under this seed."""
    return rank(seed, *names) / 2**64


def allocate(total: int, *, weights: Mapping[K, float], available: Mapping[K, int]) -> dict[K, int]:
    """Split `total` by weight, no key above what it has; what a key lacks goes to the others, by their weights.

    Keys of no weight get nothing. The sum is `total`, or less when there is not as much.
    """
    given = dict.fromkeys(available, 0)
    left = total
    while left > 0:
        open_keys = [key for key in available if weights.get(key, 0) > 0 and given[key] < available[key]]
        if not open_keys:
            break
        whole = sum(weights[key] for key in open_keys)
        exact = {key: left * weights[key] / whole for key in open_keys}
        parts = {key: int(exact[key]) for key in open_keys}
        by_rest = sorted(open_keys, key=lambda key: (parts[key] - exact[key], str(key)))
        for key in by_rest[: left - sum(parts.values())]:
            parts[key] += 1
        for key in open_keys:
            taken = min(parts[key], available[key] - given[key])
            given[key] += taken
            left -= taken
    return given


def spread_evenly(
    entries: Iterable[T],
    *,
    cell: Callable[[T], Hashable],
    order: Callable[[T], int],
    most: int | None,
    evenness: float,
) -> list[T]:
    """Return a part of `entries` in which no cell stands out; within a cell those of the lowest `order`.

    Args:
        entries: to choose from.
        cell: what should be even, such as the model and the length of an answer.
        order: a seeded rank.
        most: how many in all, as evenly over the cells as they allow; None: see `evenness`.
        evenness: without `most`, a cell keeps at most so many times the median cell's number.
    """
    cells: dict[Hashable, list[T]] = defaultdict(list)
    for entry in entries:
        cells[cell(entry)].append(entry)
    if not cells:
        return []
    sizes = {key: len(members) for key, members in cells.items()}
    if most is None:
        bound = max(1, int(evenness * median(sizes.values())))
        quota = {key: min(size, bound) for key, size in sizes.items()}
    else:
        quota = allocate(most, weights=dict.fromkeys(sizes, 1.0), available=sizes)
    return [entry for key, members in cells.items() for entry in sorted(members, key=order)[: quota[key]]]


def find_quartiles(values: Sequence[int]) -> tuple[int, int, int]:
    """Return the three bounds that cut values into four parts of about the same size."""
    ranked = sorted(values) or [0]
    return tuple(ranked[min(len(ranked) - 1, len(ranked) * k // 4)] for k in (1, 2, 3))  # type: ignore[return-value]


def find_bin(value: int, bounds: Sequence[int]) -> int:
    """Return in which part a value lies: 0 below the first bound."""
    return sum(value >= bound for bound in bounds)
