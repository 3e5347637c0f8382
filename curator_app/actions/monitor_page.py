"""How trainings go, as a part of a page: alarms, last values and curves of one run, or of several compared."""

import math
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Lock

from caspo.monitor import alarms
from caspo.monitor.alarms import DEFAULTS, Alarm, list_notes, smooth
from caspo.monitor.reading import Follower
from caspo.monitor.series import INDICATORS, Points, Series
from caspo.monitor.text import SHOWN, show_value
from curator_app.actions.curves import Panel, Place, draw_panel
from curator_app.actions.report_pages import SHAPES, draw_part

PANELS = (
    "reward", "held_out_r", "held_out_s", "held_out_e", "held_out_r_0", "false_alarms", "entropy", "kl", "length",
    "capped", "r_mean", "r_std", "zero_variance_groups", "grad_norm",
)  # fmt: skip
LOOKS = frozenset({"held_out_r", "held_out_s", "held_out_e", "held_out_r_0", "false_alarms"})
"""Drawn as they are: there are few of them."""
EXPLAINED = (
    f"Lines are medians of {DEFAULTS.window} steps, as the alarms take them; held-out figures are drawn as they are. "
    "The band of r reaches from percentile 1 to 99 of all tokens."
)
_KEPT = 32
_followers: OrderedDict[Path, Follower] = OrderedDict()
_lock = Lock()


def read_run(folder: Path) -> Series:
    """Return what a run's log files say; of what was read before, only what is new is read."""
    with _lock:
        follower = _followers.pop(folder, None) or Follower(folder)
        _followers[folder] = follower
        while len(_followers) > _KEPT:
            _followers.popitem(last=False)
        return follower.read()


def find_alarms(folder: Path) -> tuple[Alarm, ...]:
    """Return what goes wrong in a run now."""
    return alarms.find_alarms(read_run(folder))


def render_monitor(folders: Sequence[Path], *, names: Sequence[str] = ()) -> str:
    """Return one run, or several beside one another, as HTML to put into a page of the app.

    Args:
        folders: Of the runs, or log files; beyond six they are left out, with a note.
        names: How the runs are called; without them, like their folders.
    """
    called = list(names) or [folder.name for folder in folders]
    runs = [(name, read_run(folder)) for name, folder in zip(called, folders, strict=True)][:SHAPES]
    found = {name: alarms.find_alarms(series) for name, series in runs}
    logged = [(name, number, series) for number, (name, series) in enumerate(runs, 1) if series.last_step is not None]
    steps = max((len(points) for _, _, series in logged for points in series.points.values()), default=0)
    alone = len(folders) == 1
    return draw_part(
        "monitor.html",
        named=len(folders) > 1,
        alarmed=[(name, alarm) for name, _ in runs for alarm in found[name]],
        notes=_list_notes(runs),
        hidden=len(folders) - len(runs),
        most=SHAPES,
        shown=[(name, number) for name, number, _ in logged],
        steps=steps,
        heads=_head_table(logged, steps) if alone else [f"{name}, step {each.last_step}" for name, _, each in logged],
        rows=_list_rows(logged, places=(0, -1) if alone and steps > 1 else (-1,)),
        panels=[panel for name in PANELS if (panel := _draw(name, logged, found))],
        explained=EXPLAINED,
    )


def _list_notes(runs: Sequence[tuple[str, Series]]) -> list[tuple[str, str]]:
    """Return each note once, with the names of the runs that it is about; none where it is about all of them."""
    of: dict[str, list[str]] = {}
    for name, series in runs:
        for note in list_notes(series):
            of.setdefault(note, []).append(name)
    return [("" if len(names) == len(runs) else ", ".join(names), note) for note, names in of.items()]


Logged = Sequence[tuple[str, int, Series]]
"""Name, number and series of the runs that have logged a step."""


def _head_table(logged: Logged, steps: int) -> list[str]:
    """Return the heads of one run's values."""
    last = [f"step {series.last_step}" for _, _, series in logged]
    return ["first", *last] if steps > 1 else last


def _list_rows(logged: Logged, *, places: Sequence[int]) -> list[tuple[str, list[str]]]:
    """Return a row for each indicator: of each run the values at these places."""
    rows = []
    for name in SHOWN:
        if any(series.get(name) for _, _, series in logged):
            values = [
                show_value(name, points[place][1]) if (points := series.get(name)) else "–"
                for _, _, series in logged
                for place in places
            ]
            rows.append((INDICATORS[name].title, values))
    return rows


def _draw(name: str, logged: Logged, found: dict[str, tuple[Alarm, ...]]) -> Panel | None:
    """Return the panel of an indicator; None where no run has it."""
    lines = [(run, number, places) for run, number, series in logged if (places := _list_places(name, series))]
    if not lines:
        return None
    indicator = INDICATORS[name]
    alarmed = any(name in alarm.indicators for each in found.values() for alarm in each)
    show = partial(show_value, name)
    return draw_panel(
        lines, indicator.title, indicator.unit, show_end=show, show_last=show, warned="alarm" if alarmed else ""
    )


def _list_places(name: str, series: Series) -> list[Place]:
    points = _take_medians(name, series.get(name))
    if name != "r_mean":
        return [(step, value, value, value) for step, value in points]
    low, high = (dict(_take_medians(end, series.get(end))) for end in ("r_p01", "r_p99"))
    return [(step, value, low.get(step, value), high.get(step, value)) for step, value in points]


def _take_medians(name: str, points: Points) -> Points:
    finite = tuple((step, value) for step, value in points if math.isfinite(value))
    return finite if name in LOOKS else smooth(finite, DEFAULTS.window, whole=False)
