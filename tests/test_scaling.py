"""The page about scaling reckons with what the benchmarks have kept."""

import json
import re
from functools import reduce
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| [A-Z]'* \| `(\w+\.json)` \| `([\w.]+)` \| ([\d.]+) \|$", (ROOT / "docs/scaling.md").read_text("utf-8"), re.M
)


def test_there_are_rows() -> None:
    assert len(ROWS) == 18


@pytest.mark.parametrize(("file", "path", "value"), ROWS)
def test_a_measured_value_is_the_one_that_was_kept(file: str, path: str, value: str) -> None:
    kept = json.loads((ROOT / "bench" / "results" / file).read_text("utf-8"))
    assert reduce(lambda found, name: found[name], path.split("."), kept) == float(value)
