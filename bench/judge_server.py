"""The local server of `bench.judge_throughput`: after a while it answers as a judge does, and takes so many at once.

Run by the benchmark: `python -m bench.judge_server --port P --latency 0.2 --slots 64`.
"""

import argparse
import asyncio
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS / "endpoints"), str(TESTS / "judge")]

from faulty_server import FaultyServer  # noqa: E402
from judge_runs import answer_body  # noqa: E402


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, required=True)
    parser.add_argument("--slots", type=int, required=True)
    options = parser.parse_args()
    server = FaultyServer(
        port=options.port,
        latency_s=options.latency,
        slots=options.slots,
        answer=answer_body,
        keep_bodies=False,
    )
    asyncio.run(server.serve())


if __name__ == "__main__":
    main()
