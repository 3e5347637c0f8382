"""Watching a training from a terminal."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from caspo.monitor.reading import Follower
from caspo.monitor.series import Series
from caspo.monitor.text import describe, write_report

EVERY_S = 5.0


def watch(
    folder: Path, *, as_json: bool, follow: bool, wait: Callable[[float], None] = time.sleep
) -> Iterator[tuple[Series, str]]:
    """Yield what a run's log files say and how it is shown: once, or without end each time that they say more."""
    follower, before = Follower(folder), None
    while True:
        series = follower.read()
        if series != before:
            before = series
            yield series, json.dumps(describe(series)) if as_json else write_report(series)
        if not follow:
            return
        wait(EVERY_S)
