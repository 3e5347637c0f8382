"""Disks that can be filled and emptied: a small tmpfs (needs root), or a file-size limit on the server (needs nothing).

The limit is no full disk, but a write over it fails in the same place, with EFBIG instead of ENOSPC, and anybody
may set it. Both kinds leave the processes running, so that recovery without a restart can be seen.
"""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fault_server import Server


class SmallDisk:
    """A tmpfs of its own; `fill` takes every free page of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, _server: Server | None = None, *, leave_bytes: int = 0) -> None:
        """Write a file until the disk is full, then give `leave_bytes` back."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError as exc:
                assert exc.errno == errno.ENOSPC, exc
        os.truncate(self._filler, self._filler.stat().st_size - leave_bytes)

    def empty(self) -> None:
        """Remove the file again."""
        self._filler.unlink(missing_ok=True)


class SizeLimit:
    """A folder on the ordinary disk, and a limit of 0 bytes per file on the server that writes to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pid = 0

    def fill(self, server: Server | None = None, *, leave_bytes: int = 0) -> None:
        """Let the server (None: this process) write no file beyond `leave_bytes`."""
        self._pid = server.process.pid if server is not None and server.process is not None else os.getpid()
        self._limit(leave_bytes)

    def empty(self) -> None:
        """Take the limit away."""
        if self._pid:
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, soft: int) -> None:
        _, hard = resource.prlimit(self._pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def mount_small_disk(folder: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """Yield a mounted tmpfs; skips the test when this machine does not let us mount."""
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("a disk of a few megabytes can be mounted by root on Linux only; the size limit runs instead")
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"this machine mounts no tmpfs ({mounted.stderr.strip()}); the size limit runs instead")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a process that is just ending may still hold a file open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
