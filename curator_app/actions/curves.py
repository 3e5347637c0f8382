"""Curves over the steps of a training, as plain values; the macro `curves` of `plots.html` draws them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Place = tuple[int, float, float, float]
"""(step, value, lowest, highest)."""


@dataclass(frozen=True)
class Line:
    """One run or arm in a panel."""

    name: str
    series: int
    """Number of its colour and dashes, from 1."""
    path: str
    band: str
    """Between the lowest and the highest."""
    last: str


@dataclass(frozen=True)
class Panel:
    """One indicator over the steps."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    low: str
    high: str
    steps: int
    """The last one."""
    first: int = 1
    warned: str = ""
    """What is wrong with it, in a few words."""


def draw_panel(
    lines: Sequence[tuple[str, int, Sequence[Place]]],
    title: str,
    unit: str,
    *,
    show_end: Callable[[float], str] = "{:.2g}".format,
    show_last: Callable[[float], str] = "{:.2f}".format,
    warned: str = "",
) -> Panel:
    """Return a panel of lines (name, number, places), each with at least one place of finite numbers."""
    ends = [end for _, _, places in lines for place in places for end in place[1:]]
    steps = [place[0] for _, _, places in lines for place in places]
    low, high, first, last = min(0.0, *ends), max(0.0, *ends), min(steps), max(steps)
    height, width = high - low or 1.0, max(1, last - first)

    def put(step: int, value: float) -> str:
        return f"{100 * (step - first) / width:.2f} {100 - 100 * (value - low) / height:.2f}"

    drawn = []
    for name, series, places in lines:
        points = [put(step, value) for step, value, _, _ in places]
        if len(points) == 1:  # a line without length would not be seen
            points.append(f"{float(points[0].split()[0]) + 3:.2f} {points[0].split()[1]}")
        path = "M" + "L".join(points)
        upper = [put(step, highest) for step, _, _, highest in places]
        lower = [put(step, lowest) for step, _, lowest, _ in places]
        band = "M" + "L".join([*upper, *reversed(lower)]) + "Z"
        drawn.append(Line(name, series, path, band, show_last(places[-1][1])))
    return Panel(title, unit, tuple(drawn), show_end(low), show_end(high), last, first, warned)
