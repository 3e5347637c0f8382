"""The log of a job: what its process prints."""

import sys

from storage.texts import utc_now


def write_line(text: str) -> None:
    """Write a line with the time, at once."""
    sys.stdout.write(f"{utc_now():%H:%M:%S}  {text}\n")
    sys.stdout.flush()
