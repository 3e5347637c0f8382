"""Reads a run's log files on from where they were read last, so that a long run is not read anew at each look.

Four kinds of line are known:

    {"step": 7, "data": {...}}            of our plugin (`checkpoints/metrics.jsonl`), and of verl's file logger
    {"caspo/kl": 0.01, ...}               of `caspo.local` (`metrics.jsonl`): the n-th line is step n
    step:7 - caspo/kl:0.01 - ...          of verl's console logger (`log-1.txt`, ...), anywhere in a line

A run that was killed goes on from its last checkpoint and logs some steps again: then what was logged of them and of
all later steps before is forgotten.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from caspo.monitor.measured import read_measured
from caspo.monitor.series import INDICATORS, Points, Series, pick

METRIC_FILES = ("checkpoints/metrics.jsonl", "metrics.jsonl")
CONSOLE_FILES = re.compile(r"(?:log|run|slurm)-(\d+)\.(?:txt|log)")
_CONSOLE_LINE = re.compile(r"\bstep:(\d+) - (.*)")
_CONSOLE_PAIR = re.compile(r"([\w/@.-]+):(?:np\.\w+\()?(-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|nan|inf))\)?(?= - |\s|$)")
_TAIL = 4096
"""Bytes before the place up to which a file was read, whose hash shows whether it is still the same file."""


class LogFile:
    """One file, read line by line, each time what is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._tail = b""

    def read_new(self) -> list[str] | None:
        """Return the whole lines that were added; None: it is another file than before, and has to be read anew."""
        try:
            with self.path.open("rb") as file:
                if self._offset:
                    file.seek(max(0, self._offset - _TAIL))
                    if _hash(file.read(min(self._offset, _TAIL))) != self._tail:
                        return None
                content = file.read()
                end = content.rfind(b"\n") + 1
                if end:
                    self._offset += end
                    file.seek(max(0, self._offset - _TAIL))
                    self._tail = _hash(file.read(min(self._offset, _TAIL)))
        except FileNotFoundError:
            return None if self._offset else []
        return content[:end].decode("utf-8", "replace").split("\n")[:-1]


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class Follower:
    """A run's log files: a folder's, or one file. `read` may be called as often as one likes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        self._files: dict[Path, LogFile] = {}
        self._steps: dict[int, dict[str, float]] = {}
        self._lines = 0
        self._unread = 0

    def read(self) -> Series:
        """Return all that was logged up to now. What is missing or cannot be read is told, and raises nothing."""
        try:
            names = list_logs(self.path)
            if not self._read_on(names):
                self._forget()
                self._read_on(names)
        except OSError as exc:
            return Series({}, problem=f"{self.path} cannot be read: {exc}")
        return self._make_series(_say_nothing(self.path, names))

    def _read_on(self, names: Iterable[Path]) -> bool:
        """Read what is new; return whether it goes on from what was read before."""
        known = set(self._files)
        names = list(names)
        if not known <= set(names):
            return False
        for name in names:
            file = self._files.setdefault(name, LogFile(name))
            lines = file.read_new()
            if lines is None:
                return False
            for line in lines:
                self._take(line, is_json=name.suffix == ".jsonl")
        return True

    def _take(self, line: str, *, is_json: bool) -> None:
        if not is_json:
            found = _CONSOLE_LINE.search(line)
            if found:
                told = {name: float(value) for name, value in _CONSOLE_PAIR.findall(found[2])}
                self._put(int(found[1]), told)
            return
        self._lines += 1
        try:
            content = json.loads(line)
            if not isinstance(content, dict):
                raise ValueError("no object")
            if isinstance(content.get("data"), dict):
                self._put(int(content["step"]), _list_numbers(content["data"]))
            else:
                self._put(self._lines, _list_numbers(content))
        except (ValueError, KeyError, TypeError):
            self._unread += 1

    def _put(self, step: int, logged: Mapping[str, float]) -> None:
        """Take a step's metrics; an earlier step than the last one is where a resumed run began."""
        if self._steps and step < next(reversed(self._steps)):
            self._steps = {known: told for known, told in self._steps.items() if known <= step}
        self._steps.setdefault(step, {}).update(pick(logged))

    def _make_series(self, problem: str) -> Series:
        last = next(reversed(self._steps), None)
        points: dict[str, Points] = {} if last is None else read_measured(self.path, last)
        for name in INDICATORS:
            found = tuple((step, told[name]) for step, told in self._steps.items() if name in told)
            if found:
                points[name] = found
        return Series(points, last, self._unread, problem="" if points else problem)


def read_series(path: Path) -> Series:
    """Return what the log files of a run say, read once and whole."""
    return Follower(path).read()


def list_logs(path: Path) -> list[Path]:
    """Return the files that a run's metrics are read from, in their order: one of metrics, or else what verl printed.

    Raises:
        OSError: The folder cannot be listed.
    """
    if not path.is_dir():
        return [path] if path.exists() else []
    for name in METRIC_FILES:
        if (path / name).exists():
            return [path / name]
    found = [(int(match[1]), each) for each in path.iterdir() if (match := CONSOLE_FILES.fullmatch(each.name))]
    return [each for _, each in sorted(found)]


def _list_numbers(data: Mapping[str, Any]) -> dict[str, float]:
    """Return what is a number; null, which some loggers write for it, is not one that is known."""
    return {name: math.nan if value is None else float(value) for name, value in data.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _say_nothing(path: Path, names: list[Path]) -> str:
    if not path.exists():
        return f"{path} is not there; name the folder of a training, or one of its log files"
    if not names:
        return (
            f"{path} holds no log of a training ({', '.join(METRIC_FILES)} or log-1.txt); nothing has been logged yet, "
            "or it is another folder"
        )
    return f"no step has been logged yet in {', '.join(name.name for name in names)}"
