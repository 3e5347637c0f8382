"""CPU seconds of `import curator_app` and `curator --help`, beside a bare interpreter and beside `import gradio`.

    python -m bench.import_cost [--runs 5]

Both are held to under one second.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

from bench.results_file import percentile, write_results

CURATOR = str(Path(sys.executable).parent / "curator")
COMMANDS = {
    "bare_interpreter": [sys.executable, "-c", "pass"],
    "import_curator_app": [sys.executable, "-c", "import curator_app"],
    "curator_help": [CURATOR, "--help"],
    "import_gradio": [sys.executable, "-c", "import gradio"],
}


def cpu_seconds(command: list[str]) -> float:
    """Return the user and system time that a command takes, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    figures = {}
    for name, command in COMMANDS.items():
        cpu_seconds(command)  # fills the file cache
        figures[name] = {"cpu_s_p50": round(percentile([cpu_seconds(command) for _ in range(runs)], 0.5), 3)}
        print(f"{name:<20} {figures[name]['cpu_s_p50']:.3f} s CPU")
    ratio = round(figures["curator_help"]["cpu_s_p50"] / figures["import_gradio"]["cpu_s_p50"], 3)
    print(f"curator --help over import gradio: {ratio} (held to under 1 s)")
    print("kept in", write_results("import_cost", figures | {"runs": runs, "help_ratio_to_gradio": ratio}))


if __name__ == "__main__":
    main()
