"""A run's state as a table for a terminal, and as JSON."""

import math
from collections.abc import Sequence
from typing import Any

from caspo.monitor.alarms import Alarm, find_alarms, list_notes
from caspo.monitor.series import INDICATORS, Points, Series

SHOWN = (
    "reward", "entropy", "kl", "length", "capped", "held_out_reward", "held_out_r", "held_out_s", "held_out_e",
    "held_out_r_0", "false_alarms", "r_mean", "r_std", "r_p01", "r_p99", "zero_variance_groups", "grad_norm",
)  # fmt: skip
"""Names of the indicators that people are shown, in this order."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 24


def show_value(name: str, value: float) -> str:
    """Return a value as people read it."""
    if not math.isfinite(value):
        return str(value)
    return f"{100 * value:.1f}%" if INDICATORS[name].is_rate else f"{value:.3g}"


def draw_spark(points: Points) -> str:
    """Return a line of blocks: the mean of as many stretches of the steps as it has places; a dot where none is."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    if not finite:
        return ""
    first, last = finite[0][0], finite[-1][0]
    places: list[list[float]] = [[] for _ in range(min(_WIDTH, last - first + 1))]
    for step, value in finite:
        places[min(len(places) - 1, (step - first) * len(places) // (last - first + 1))].append(value)
    means = [sum(values) / len(values) if values else None for values in places]
    known = [mean for mean in means if mean is not None]
    low, height = min(known), max(known) - min(known)
    return "".join(
        "·" if mean is None else _BLOCKS[round(7 * (mean - low) / height) if height else 3] for mean in means
    )


def write_report(series: Series) -> str:
    """Return the table, what cannot be watched, and the alarms."""
    if series.last_step is None:
        return series.problem
    rows = [("", "first", "last", "", "")]
    for name in SHOWN:
        points = series.get(name)
        if points:
            one, other = (show_value(name, points[place][1]) for place in (0, -1))
            unit = INDICATORS[name].unit
            rows.append((INDICATORS[name].title, one, other, draw_spark(points), unit))
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    lines = [f"Step {series.last_step}"]
    for title, first, last, spark, unit in rows:
        cells = (title.ljust(widths[0]), first.rjust(widths[1]), last.rjust(widths[2]), spark.ljust(widths[3]), unit)
        lines.append(f"  {'  '.join(cells)}".rstrip())
    lines += [f"Note: {note}" for note in list_notes(series)]
    alarms = find_alarms(series)
    lines += [line for alarm in alarms for line in ("", *_write_alarm(alarm))]
    return "\n".join([*lines, "", f"{len(alarms)} alarms." if len(alarms) != 1 else "1 alarm."])


def _write_alarm(alarm: Alarm) -> Sequence[str]:
    return (
        f"ALARM {alarm.title} ({alarm.kind})",
        f"  seen: {alarm.seen}",
        f"  why:  {alarm.why}",
        f"  do:   {alarm.advice}",
    )


def describe(series: Series) -> dict[str, Any]:
    """Return all of it as JSON values; what is not finite is null."""
    return {
        "last_step": series.last_step,
        "problem": series.problem,
        "unread_lines": series.unread,
        "notes": list(list_notes(series)),
        "alarms": [
            {
                "kind": alarm.kind, "title": alarm.title, "seen": alarm.seen, "why": alarm.why, "advice": alarm.advice,
                "since": alarm.since, "indicators": list(alarm.indicators),
            }
            for alarm in find_alarms(series)
        ],
        "series": {
            name: [[step, value if math.isfinite(value) else None] for step, value in points]
            for name, points in series.points.items()
        },
    }  # fmt: skip
