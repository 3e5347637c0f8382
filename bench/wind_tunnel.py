"""Keeps the figures of a whole run of the wind tunnel, and adds up what its runs cost.

    curator caspo wind-tunnel --out FOLDER --workers 2
    python -m bench.wind_tunnel FOLDER

Of `report.json` it leaves out curves and answers. Times are the CPU seconds of one thread that each run noted itself,
training and measuring apart; stage 0 and the rewards note none, `bench.stage_zero` takes theirs.

Held to: nothing; whether the goal is met stands in the ranking.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench.results_file import write_results

LEFT_OUT = ("curves", "changed")


def add_up(folder: Path) -> dict[str, Any]:
    """Return the CPU seconds of all runs in the folder: of arms, training and measuring, and of the baselines."""
    found: dict[str, list[float]] = {"training": [], "measuring": [], "baselines": []}
    for file in sorted((folder / "runs").glob("*/measured.json")):
        body = json.loads(file.read_text(encoding="utf-8"))
        if "measuring_cpu_s" in body:
            found["training"].append(body["cpu_s"])
            found["measuring"].append(body["measuring_cpu_s"])
        else:
            found["baselines"].append(body["cpu_s"])
    return {
        name: {"runs": len(each), "cpu_s": round(sum(each), 1), "each": round(sum(each) / max(1, len(each)), 1)}
        for name, each in found.items()
    }


def shorten(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report without what is long and no figure."""
    kept = {name: value for name, value in report.items() if name != "examples"}
    kept["arms"] = [{name: value for name, value in arm.items() if name not in LEFT_OUT} for arm in report["arms"]]
    return kept


def main() -> int:
    """Read, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="results of `curator caspo wind-tunnel`")
    folder: Path = parser.parse_args().folder
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    cost = add_up(folder)
    print(cost)
    print("kept in", write_results("wind_tunnel", {"cost": cost, **shorten(report)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
