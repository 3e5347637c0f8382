"""The whole path for real: scenes, filters, people, releases, training, judging; minutes long.

`CURATOR_TUNNEL_CACHE` names the cache of a quick wind tunnel, whose stage 0 is then not made again.
"""

import json
import os
import re
from pathlib import Path

import pytest
from standalone_pages import check_stands_alone

from curator_app.actions.walk import BENCHMARK, TRAIN, WalkProgress, walk
from curator_app.actions.walk_scenes import WalkPlan
from curator_app.settings import Settings
from storage.release_files import Release, read_release

pytestmark = [pytest.mark.models, pytest.mark.thorough, pytest.mark.timeout(5400)]


def test_the_whole_path_teaches_the_model_to_see_hazards_on_a_released_benchmark(tmp_path: Path) -> None:
    home, told = tmp_path / "home", list[WalkProgress]()
    if given := os.environ.get("CURATOR_TUNNEL_CACHE"):
        (home / "wind-tunnel-quick").mkdir(parents=True)
        (home / "wind-tunnel-quick" / "cache").symlink_to(Path(given).absolute(), target_is_directory=True)
    end = walk(Settings(home=home), WalkPlan(), observer=told.append)
    train, benchmark = (read_release(home / "releases" / version) for version in (TRAIN, BENCHMARK))
    assert (train.manifest.items, benchmark.manifest.items) == (48, 48)
    assert not list_ids(train) & list_ids(benchmark)
    reports = [
        json.loads((home / "judge-runs" / run / "report.json").read_text(encoding="utf-8"))
        for run in ("walk-before", "walk-constitution", "walk-after")
    ]
    before, guided, after = (report["scores"]["panel"]["all"]["R"] for report in reports)
    assert after["zero_share_wilson"][1] < before["zero_share_wilson"][0], "R_0 did not fall by more than chance"
    assert after["mean_interval"][0] > before["mean_interval"][1], "R_A did not rise by more than chance"
    assert guided["zero_share"] < before["zero_share"]
    assert reports[2]["over_warning"]["rate"] < 0.5
    assert (end.before, end.after) == (before["zero_share"], after["zero_share"])
    page = end.page.read_text(encoding="utf-8")
    assert re.search(r"Hazards overlooked: \d+% before RL, \d+% after", check_stands_alone(page, pictures=True).text)
    assert page.count("data:image/webp;base64,") == 12
    check_cache(home)


def list_ids(release: Release) -> set[str]:
    return {item_id for (item_id,) in release.iterate_columns("id")}


def check_cache(home: Path) -> None:
    """The walk's stage 0 is where a quick wind tunnel of the workspace looks for it."""
    gates = list((home / "wind-tunnel-quick" / "cache").glob("gate-*.json"))
    assert gates and (home / "walk" / "wind-tunnel" / "cache").resolve() == gates[0].parent.resolve()
