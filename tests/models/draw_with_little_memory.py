"""Draw a small picture, then a large one with 200 MB more than the process has: `FILE_SMALL FILE_LARGE`."""

import asyncio
import resource
import sys
from pathlib import Path

from endpoints.config import build_endpoints, load_endpoints
from endpoints.errors import BadConfig
from endpoints.ledger import Ledger

ROOM_BYTES = 200_000_000


def main() -> None:
    """Print the error."""
    small, large = (
        build_endpoints(load_endpoints(Path(path)), cache_dir=None, ledger=Ledger()).plain("tiny")
        for path in sys.argv[1:3]
    )
    asyncio.run(small.generate("Ice.", seed=1, count=1))
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        asyncio.run(large.generate("Ice.", seed=1, count=1))
    except BadConfig as exc:
        sys.stdout.write(str(exc))


if __name__ == "__main__":
    main()
