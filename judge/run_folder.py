"""The folder of a judge run: what it was started with, its secret, its cache and ledger, answers and judgments.

    judge-runs/NAME/  run.json  answers.json  scores.json  secret  cache/  ledger.jsonl
                      responses.jsonl  judgments.jsonl  report.json  report.md  spending.json

The same folder again is a resume. One process at a time works in it.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from judge.config import AnswerConfig, ScoreConfig
from judge.errors import ConfigInvalid, RunBusy, RunMissing
from judge.prompting import SECRET_BYTES
from storage.locks import hold_lock
from storage.texts import utc_now
from storage.whole_files import write_whole

Config = TypeVar("Config", AnswerConfig, ScoreConfig)


@dataclass(frozen=True)
class RunFolder:
    """An open run folder."""

    path: Path
    release_folder: Path
    started_at: datetime
    """When the run was first started. A resume writes this time into provenances, so that its records are the same."""
    secret: bytes
    """Keys the fences of this run's judge calls."""

    @property
    def cache(self) -> Path:
        """Replies that were received."""
        return self.path / "cache"

    @property
    def ledger(self) -> Path:
        """One line per call."""
        return self.path / "ledger.jsonl"

    @property
    def responses(self) -> Path:
        """One line per answer."""
        return self.path / "responses.jsonl"

    @property
    def judgments(self) -> Path:
        """One line per answer, judge and repeat."""
        return self.path / "judgments.jsonl"

    def read_answer_config(self) -> AnswerConfig:
        """Return what the run was started with.

        Raises:
            RunMissing: no answers were asked for.
            ConfigInvalid: another version wrote it.
        """
        config = _read_config(self.path / "answers.json", AnswerConfig)
        if config is None:
            raise RunMissing(f"the judge run {self.path.name} has no answers yet; run `curator respond` first")
        return config

    def read_score_config(self) -> ScoreConfig | None:
        """Return how the answers are scored; None before anybody scored them.

        Raises:
            ConfigInvalid: another version wrote it.
        """
        return _read_config(self.path / "scores.json", ScoreConfig)

    def keep_score_config(self, config: ScoreConfig) -> None:
        """Say how the answers are scored, or check that it is as before.

        Raises:
            ConfigInvalid: they were scored otherwise.
        """
        _keep_config(
            self.path / "scores.json", config, remedy="move scores.json and judgments.jsonl away to score anew"
        )


@contextmanager
def open_new_or_known(path: Path, config: AnswerConfig, *, release_folder: Path) -> Iterator[RunFolder]:
    """Make the folder of a judge run, or open the one that is there; nobody else works in it meanwhile.

    Raises:
        ConfigInvalid: the run that lies there was started with another config.
        RunBusy: another process works on the run.
    """
    with _lock(path):
        _keep_config(path / "answers.json", config, remedy="choose another name with --run")
        if not (path / "secret").exists():
            write_whole(path / "secret", secrets.token_hex(SECRET_BYTES), mode=0o600)
        # Last: a run that has this file has everything before it. The release may have moved since.
        started_at = _read_run(path)[0] if (path / "run.json").exists() else utc_now()
        run = {"started_at": started_at.isoformat(), "release_folder": str(release_folder.absolute())}
        write_whole(path / "run.json", json.dumps(run))
        yield _open(path)


@contextmanager
def open_known(path: Path) -> Iterator[RunFolder]:
    """Open the folder of a judge run that was started; nobody else works in it meanwhile.

    Raises:
        RunMissing: there is none.
        RunBusy: another process works on the run.
    """
    _check_known(path)
    with _lock(path):
        yield _open(path)


def read_known(path: Path) -> RunFolder:
    """Return the folder of a judge run that was started, to be read only; a process may be at work in it.

    Raises:
        RunMissing: there is none.
        ConfigInvalid: its files cannot be read.
    """
    _check_known(path)
    return _open(path)


def _check_known(path: Path) -> None:
    if not (path / "run.json").is_file():
        known = sorted(entry.parent.name for entry in path.parent.glob("*/run.json"))
        raise RunMissing(
            f"there is no judge run {path.name} in {path.parent}; there are: {', '.join(known) or 'none yet'}. "
            "`curator respond` starts one"
        )


def _open(path: Path) -> RunFolder:
    started_at, release_folder = _read_run(path)
    secret = bytes.fromhex((path / "secret").read_text("ascii"))
    return RunFolder(path, release_folder, started_at, secret)


def _read_run(path: Path) -> tuple[datetime, Path]:
    try:
        run = json.loads((path / "run.json").read_text("utf-8"))
        return datetime.fromisoformat(run["started_at"]), Path(run["release_folder"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ConfigInvalid(f"{path / 'run.json'} cannot be read ({exc}); was it edited?") from exc


def _lock(path: Path) -> AbstractContextManager[int]:
    busy = RunBusy(f"another process works on the judge run {path}; wait for it, or end it first")
    return hold_lock(path / ".lock", busy=busy)


def _read_config(file: Path, kind: type[Config]) -> Config | None:
    if not file.exists():
        return None
    try:
        return kind.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as exc:
        raise ConfigInvalid(f"{file} was written by another version or edited, and cannot be used") from exc


def _keep_config(file: Path, config: Config, *, remedy: str) -> None:
    known = _read_config(file, type(config))
    if known is None:
        write_whole(file, config.model_dump_json(indent=2))
        return
    if known != config:
        before, now = known.model_dump(), config.model_dump()
        changed = [f"{name} was {before[name]!r} and is now {now[name]!r}" for name in now if before[name] != now[name]]
        raise ConfigInvalid(f"the judge run {file.parent.name} was begun otherwise: {'; '.join(changed)}; {remedy}")
