"""Addresses of our own styles and scripts: `/static/v-HASH/NAME`, kept by the browser for good.

The hash stands in the folder, so the scripts that a script imports by `./other.js` carry it too.
"""

import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"


def static_url(name: str) -> str:
    """Return the address of a file in `curator_app/static`, with the hash of all of them.

    One hash for all: a script that imports another is then new whenever any of them is.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not (STATIC / name).is_file():
        raise FileNotFoundError(f"there is no {name!r} in {STATIC}")
    return f"/static/v-{static_hash()}/{name}"


@cache
def static_hash() -> str:
    """Return a hash (12 hex digits) over the names and contents of everything in `curator_app/static`."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
