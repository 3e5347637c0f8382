"""What the monitor says of the runs of a wind tunnel: at their end, and played step by step.

    curator caspo wind-tunnel --out FOLDER
    python -m bench.monitor_alarms FOLDER

Held-out figures are known at the end only, so that on the way nothing but training raises alarms. Beside them the
figures that the bounds of `caspo.monitor.alarms` were set by: medians over its window.

Held to: nothing; docs/monitor.md tells what was found.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from bench.results_file import write_results
from caspo.monitor.alarms import DEFAULTS, find_alarms, smooth
from caspo.monitor.reading import read_series
from caspo.monitor.series import Series

HELD_OUT = ("held_out_", "false_alarms")


def cut(series: Series, step: int) -> Series:
    """Return what training had logged by a step."""
    trained = {name: points for name, points in series.points.items() if not name.startswith(HELD_OUT)}
    return Series({name: tuple(each for each in points if each[0] <= step) for name, points in trained.items()}, step)


def watch(series: Series, last: int) -> dict[str, Any]:
    """Return a run's alarms and figures."""
    raised: dict[str, int] = {}
    for step in range(1, last + 1):
        for alarm in find_alarms(cut(series, step)):
            raised.setdefault(alarm.kind, step)
    medians = {
        name: [value for _, value in smooth(series.get(name), DEFAULTS.window)]
        for name in ("entropy", "kl", "length", "capped", "r_std", "zero_variance_groups")
    }
    known = {name: values for name, values in medians.items() if values}
    figures = {name: [round(find(values), 3) for find in (min, max)] for name, values in known.items()}
    return {
        "steps": last,
        "at_the_end": [alarm.kind for alarm in find_alarms(series)],
        "first_raised": raised,
        "least_and_greatest_median": figures,
        "last_median": {name: round(values[-1], 3) for name, values in known.items()},
        "least_share_of_first_entropy": round(min(known["entropy"]) / known["entropy"][0], 2),
    }


def main() -> int:
    """Read, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="results of `curator caspo wind-tunnel`")
    runs = {}
    for folder in sorted((parser.parse_args().folder / "runs").iterdir()):
        series = read_series(folder)
        if series.last_step is not None:
            runs[folder.name] = watch(series, series.last_step)
            print(folder.name, runs[folder.name]["at_the_end"], runs[folder.name]["first_raised"])
    print("kept in", write_results("monitor_alarms", {"bounds": DEFAULTS.model_dump(), "runs": runs}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
