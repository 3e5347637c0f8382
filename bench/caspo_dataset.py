"""Export of a release as training data, beside copying its pictures: time and memory at 1,000 and 10,000 items.

    python -m bench.caspo_dataset

Pictures are noise, 49 kB each, so nothing can be compressed. Each measurement is a process of its own; all are taken
in turn, five times, and the quickest one counts. Two copies are measured: every
picture from its own file into another one, as an export to a folder of pictures does; and the release's data files as a
whole, a MiB at a time, which nothing that looks at rows or hashes what it writes comes near. Neither they nor the
export force anything to the disk, and all find what they read in memory. A copy of pictures goes to a folder that was
never there, and is left there to the end: after many files were deleted, ext4 takes several times as long to make new
ones. The export verifies what it reads, hashes what it writes, and loads pandas, which pyarrow asks for. The comparison
with a benchmark of 455 items, which decodes and hashes every picture and embeds every query by words, is measured on
1,000 items on its own.

Held to: the export takes at most 3 times as long as copying the pictures one by one; memory does not grow with them.
It encodes, hashes and writes in a thread beside its reading, so its CPU time is more than that; both are kept.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.results_file import write_results

ROOT = Path(__file__).parents[1]
SIDE_PX = 128
MOST_TIMES = 3.0
BENCHMARK_ITEMS = 455
REPEATS = 5
sys.path.insert(0, str(ROOT / "tests"))


def make_picture(number: int) -> bytes:
    """Return a PNG of noise."""
    noise = np.random.default_rng(number).bytes(SIDE_PX * SIDE_PX * 3)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (SIDE_PX, SIDE_PX), noise).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def make_release(folder: Path, count: int, *, first: int, benchmark: bool = False) -> Path:
    """Write a release of items with such pictures."""
    from training_sources import make_row, write_release

    from storage.records import Split

    def rows() -> Iterator[Any]:
        for number in range(first, first + count):
            yield make_row(number, picture=make_picture(number), query=f"What goes on shelf {number * 7919 % 10_007}?")

    return write_release(folder, rows(), count=count, split=Split.BENCHMARK if benchmark else Split.TRAIN)


def copy_whole(release: Path, to: Path) -> dict[str, float]:
    """Copy the data files through this process."""
    to.mkdir()
    with Clock() as clock:
        for file in sorted((release / "data").iterdir()):
            with file.open("rb") as source, (to / file.name).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return clock.figures


def copy_pictures(pictures: Path, to: Path) -> dict[str, float]:
    """Copy a folder of pictures, file by file."""
    to.mkdir()
    with Clock() as clock:
        for file in sorted(pictures.iterdir()):
            (to / file.name).write_bytes(file.read_bytes())
    return clock.figures


def unpack(release: Path, to: Path) -> Path:
    """Write each picture of a release into a file of its own."""
    from storage.release_files import read_release

    to.mkdir()
    for item in read_release(release, verify=False).items:
        (to / f"{item.id}.png").write_bytes(item.image or b"")
    return to


def read_peak_mb() -> float:
    """Return the greatest memory of this process; what the kernel tells of a child's begins with its parent's."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return round(int(line.split()[1]) / 1024, 1)


def export(release: Path, to: Path, benchmark: Path | None) -> dict[str, Any]:
    """Make training data of a release."""
    from caspo.dataset.config import make_config
    from caspo.dataset.gate import list_barred
    from caspo.dataset.prepare import prepare
    from endpoints.embeddings import HashEmbeddings
    from storage.release_files import read_release

    barred = list(list_barred(read_release(benchmark))) if benchmark else []
    config = make_config({"releases": [{"path": release}], "on_match": "drop", "twin_share": 0.0})
    with Clock() as clock:
        made = prepare(config, to=to, barred=barred, embeddings=HashEmbeddings())
    told = made.manifest["files"]["train.parquet"]
    return {"rows": told["rows"], "bytes": told["bytes"], **clock.figures}


class Clock:
    """Seconds of a block: CPU of this process with its system calls, and the clock on the wall."""

    def __enter__(self) -> "Clock":
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.figures = {
            "cpu_s": round(time.process_time() - self._cpu, 3),
            "wall_s": round(time.perf_counter() - self._wall, 3),
        }


def measure(*words: str) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    code = [sys.executable, "-m", "bench.caspo_dataset", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(code, check=True, capture_output=True, text=True, env=environment, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure_in_turn(kinds: dict[str, tuple[str, Path]], to: Path) -> dict[str, dict[str, Any]]:
    """Return of each kind the quickest run.

    Args:
        kinds: Name -> option and source of a measurement.
        to: Folder of what they write.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in kinds}
    for turn in range(REPEATS):
        for name, (option, source) in kinds.items():
            found[name].append(measure(option, str(source), str(to / f"{source.name}-{name}-{turn}")))
    return {name: min(runs, key=lambda one: float(one["wall_s"])) for name, runs in found.items()}


def run_all(home: Path) -> dict[str, Any]:
    """Measure everything."""
    to = home / "to"
    to.mkdir()
    small, release = (make_release(home / f"v{count // 1_000}.0", count, first=1) for count in (1_000, 10_000))
    pictures = unpack(release, home / "pictures")
    figures: dict[str, Any] = {"1000_items": measure_in_turn({"export": ("--export", small)}, to)}
    figures["10000_items"] = measure_in_turn(
        {
            "export": ("--export", release),
            "copy_of_pictures": ("--pictures", pictures),
            "copy_of_whole_files": ("--whole", release),
        },
        to,
    )
    measured = make_release(home / "v99.0", BENCHMARK_ITEMS, first=900_000, benchmark=True)
    figures["1000_items"]["export_beside_a_benchmark"] = measure(
        "--export", str(small), str(to / "beside"), str(measured)
    )
    large = figures["10000_items"]
    for name in ("copy_of_pictures", "copy_of_whole_files"):
        figures[f"times_the_{name}"] = {
            kind: round(large["export"][kind] / large[name][kind], 2) for kind in ("cpu_s", "wall_s")
        }
    figures["memory_growth_mb"] = round(large["export"]["peak_mb"] - figures["1000_items"]["export"]["peak_mb"], 1)
    return figures | {"goal": {"times_the_copy_of_pictures_wall": MOST_TIMES}}


def main() -> None:
    """Measure and write the figures, or take one measurement."""
    parser = argparse.ArgumentParser()
    for name in ("--whole", "--pictures", "--export"):
        parser.add_argument(name, nargs="+", type=Path)
    given = parser.parse_args()
    if not any(vars(given).values()):
        with tempfile.TemporaryDirectory() as place:
            figures = run_all(Path(place))
        print(json.dumps(figures, indent=1))
        print(write_results("caspo_dataset", figures))
        return
    found: dict[str, Any] = {}
    if given.whole:
        found = dict(copy_whole(*given.whole))
    elif given.pictures:
        found = dict(copy_pictures(*given.pictures))
    else:
        found = export(given.export[0], given.export[1], given.export[2] if len(given.export) > 2 else None)
    print(json.dumps(found | {"peak_mb": read_peak_mb()}))


if __name__ == "__main__":
    main()
