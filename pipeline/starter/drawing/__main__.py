"""Command line: `python -m pipeline.starter.drawing [KEY ...] [--to FOLDER] [--png]`."""

import argparse
import sys
from pathlib import Path

from pipeline.starter.drawing.render import PICTURES, RenderError, render


def main() -> int:
    """Render the named pictures, or all; 1 when something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.starter.drawing", description="Render the starter pictures."
    )
    parser.add_argument("keys", nargs="*", metavar="KEY", help="scenario keys such as violent-01; all when left out")
    parser.add_argument("--to", type=Path, default=PICTURES, help="folder to write to (the package's pictures)")
    parser.add_argument("--png", action="store_true", help="write PNG instead of WebP, to look at")
    args = parser.parse_args()
    try:
        written = render(args.keys, args.to, png=args.png)
    except RenderError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    for path in written:
        sys.stdout.write(f"{path.name}  {path.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
