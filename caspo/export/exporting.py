"""Exports a step of a run into a folder of its own, which gets its name last.

NAME/
  config.json  model-00001-of-....safetensors  tokenizer and processor   verl's merger's, or as TRL saved them
  README.md                                                            the model card
  export.json                                                          all facts, and the hash of every file
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caspo.config import Stage
from caspo.errors import ExportRefused
from caspo.export.card import render_card
from caspo.export.checkpoints import SavedStep, find_step
from caspo.export.provenance import describe_origin, read_run
from caspo.export.saved_models import SavedModel, find_model
from caspo.launch import find_version
from storage.locks import hold_lock
from storage.release_files import hash_file

FORMAT = "ood-mmsafe-export/1"
RECORD, CARD = "export.json", "README.md"
EVALUATIONS = "evaluations.jsonl"
"""In a run's folder: which judge runs have measured the model, one line each."""
MERGER = "verl.model_merger"


@dataclass(frozen=True)
class Exported:
    """A model's folder."""

    folder: Path
    facts: Mapping[str, Any]


def export_run(
    run: Path,
    to: Path,
    *,
    step: int | None = None,
    releases: Mapping[str, Path] | None = None,
    studies: Sequence[Mapping[str, Any]] = (),
    tell: Callable[[str], None] = lambda line: None,
) -> Exported:
    """Merge or copy a checkpoint, compare the result with it, describe it, and give the folder its name.

    Args:
        run: The run's folder.
        to: A folder that does not exist.
        step: Of the checkpoint; None: the last whole one, and of DPO the model at the training's end.
        releases: Folders of releases by digest, for the card.
        studies: Reports of closed human studies, for the card.
        tell: Told what is being done.

    Raises:
        ExportRefused: There is nothing whole to export, something lies at `to`, or the merged model answers otherwise.
        TrainingRefused: The training data have no manifest.
    """
    told, config = read_run(run)
    saved = _find_saved(run, step, config.stage)
    _check_installed(config.stage)
    _check_free(to)
    origin = describe_origin(run, told, config, releases=releases or {}, studies=studies)
    to.parent.mkdir(parents=True, exist_ok=True)
    busy = ExportRefused(f"another process exports to {to}; wait until it is done")
    partial, lock = to.with_name(f".{to.name}.partial"), to.with_name(f".{to.name}.exporting")
    with hold_lock(lock, busy=busy):
        shutil.rmtree(partial, ignore_errors=True)
        try:
            if isinstance(saved, SavedModel):
                tell(f"copying the model of step {saved.step} of {run.name}")
                _copy(saved, partial)
            else:
                tell(f"merging step {saved.step} of {run.name} with verl's merger")
                _merge(saved, partial)
            tell("comparing log-probabilities")
            compared = _compare(saved, partial, config.data.folder / config.table, start=config.model.path)
            facts = {"format": FORMAT, "step": saved.step, **origin}
            facts |= {"comparison": compared, "evaluations": read_evaluations(run)}
            _describe(partial, facts, name=to.name)
            _check_free(to)
            partial.rename(to)
        except OSError as exc:
            raise ExportRefused(
                f"{exc.filename or to}: {exc.strerror}; nothing was kept. Make room and try again"
            ) from exc
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            lock.unlink(missing_ok=True)
    return Exported(to, facts)


def _find_saved(run: Path, step: int | None, stage: Stage) -> SavedStep | SavedModel:
    if stage == "dpo":
        return find_model(run, step)
    return find_step(run, step, part="actor" if stage == "train" else "")


def _check_installed(stage: Stage) -> None:
    if stage != "dpo" and find_version("verl") is None:
        raise ExportRefused(
            "verl is not installed here, and its merger is needed: make setup-models, or pip install '.[models,verl]'"
        )
    if find_version("torch") is None:
        raise ExportRefused("torch is not installed here, and the model has to be loaded: pip install '.[models]'")


def _check_free(to: Path) -> None:
    if to.exists() or to.is_symlink():
        raise ExportRefused(f"{to} exists, and nothing is overwritten; choose another folder with --to")


def _merge(saved: SavedStep, partial: Path) -> None:
    """Let verl write the folder.

    Raises:
        ExportRefused: It failed.
    """
    words = [sys.executable, "-W", "ignore", "-m", MERGER, "merge", "--backend", "fsdp"]
    words += ["--local_dir", str(saved.folder.absolute()), "--target_dir", str(partial.absolute())]
    child = subprocess.run(
        words, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False,
    )  # fmt: skip
    if child.returncode or not (partial / "config.json").is_file():
        raise ExportRefused(
            f"verl's merger failed with code {child.returncode} on {saved.folder}: {child.stdout.strip()[-1500:]}"
        )


def _copy(saved: SavedModel, partial: Path) -> None:
    """Copy the model's files.

    Raises:
        ExportRefused: A copy is not what was copied.
    """
    partial.mkdir()
    for name in saved.files:
        shutil.copyfile(saved.folder / name, partial / name)
        if hash_file(partial / name) != hash_file(saved.folder / name):
            raise ExportRefused(f"{saved.folder / name} changed while it was copied; wait until the training has ended")


def _compare(saved: SavedStep | SavedModel, made: Path, table: Path, *, start: str) -> dict[str, Any]:
    from caspo.export.comparison import compare, try_out  # take torch and transformers

    if isinstance(saved, SavedModel):
        return try_out(made, table, start=start).describe()
    return compare(saved, made, table, start=start).describe()


def _describe(folder: Path, facts: Mapping[str, Any], *, name: str) -> None:
    """Write card and record."""
    (folder / CARD).write_text(render_card(facts, name=name, files=_hash_all(folder)), encoding="utf-8")
    record = {**facts, "files": _hash_all(folder)}
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / RECORD).write_text(text, encoding="utf-8")


def _hash_all(folder: Path) -> dict[str, dict[str, str | int]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in files}


def read_evaluations(run: Path) -> list[dict[str, Any]]:
    """Return which judge runs have measured what the run came to; of those of one name, what was noted last.

    Raises:
        ExportRefused: The file was edited.
    """
    path = run / EVALUATIONS
    if not path.exists():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        return list({line["name"]: line for line in lines}.values())
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ExportRefused(f"{path} cannot be read ({exc}); was it edited?") from exc


def read_record(folder: Path) -> dict[str, Any]:
    """Return what an exported folder's record says.

    Raises:
        ExportRefused: The folder is no export.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
    except (OSError, ValueError) as exc:
        raise ExportRefused(f"{folder} is no exported model ({exc}); give a folder of `curator caspo export`") from exc
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ExportRefused(f"{folder / RECORD} does not have the format {FORMAT}; export the model again")
    return record
