"""From sources to a folder of training data, which appears whole or not at all.

    NAME/
      train.parquet         prompts of RL; val.parquet those of held-out releases
      sft.parquet  preferences.parquet  reward_pairs.parquet  reward_scores.parquet    only where there are any
      report.json  report.md
      manifest.json         written last: sources, licences, seed, hashes of everything

Every source is read twice: once to choose, once to write. Between the two only small entries are in memory, so what
a prompt takes does not depend on its picture. The same sources, config and package versions give the same bytes.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from caspo.constitution import Constitution, hash_constitutions, list_constitutions
from caspo.dataset.choosing import choose
from caspo.dataset.config import DatasetConfig
from caspo.dataset.gate import BarredRow, BenchmarkGate
from caspo.dataset.progress import Observer
from caspo.dataset.report import build_report, render_markdown
from caspo.dataset.scored import JudgeRunFiles
from caspo.dataset.sources import ReleasedPrompts, Source, open_sources
from caspo.dataset.writing import write_files
from caspo.errors import DataRefused
from endpoints.embeddings import EmbeddingEndpoint
from storage.locks import hold_lock
from storage.records import Category
from storage.texts import canonical_json, hash_json

FORMAT = "ood-mmsafe-training-data/1"
MANIFEST = "manifest.json"
PACKAGES = ("ood-mmsafe-curator", "pyarrow", "numpy", "pillow", "imagehash", "pydantic")


@dataclass(frozen=True)
class Prepared:
    """A folder of training data."""

    folder: Path
    manifest: dict[str, Any]
    report: dict[str, Any]
    known: bool = False
    """Whether the same was there before, so that nothing changed."""


def prepare(
    config: DatasetConfig,
    *,
    to: Path,
    barred: Iterable[BarredRow],
    embeddings: EmbeddingEndpoint,
    constitutions: Mapping[Category, Constitution] | None = None,
    observer: Observer | None = None,
) -> Prepared:
    """Make the folder `to`.

    Args:
        config: what to make of what.
        to: the folder, which must not exist, unless it holds the very same.
        barred: everything that models are measured with, as far as it is known here.
        embeddings: compares queries with those that are barred.
        constitutions: one a category; None: those of the package.
        observer: told how far it is.

    Raises:
        BenchmarkFound: a source is a benchmark, or (unless `on_match` is `drop`) a prompt matches one.
        DataRefused: a source cannot be used, nothing is left, or something else is in the folder's place.
    """
    tell = observer or (lambda step, source, done: None)
    rules = constitutions or list_constitutions()
    sources = open_sources(config)
    runs = [JudgeRunFiles(path) for path in config.judge_runs]
    _check_runs(runs, sources)
    gate = BenchmarkGate(
        barred, embeddings=embeddings, query_threshold=config.query_threshold, picture_bits=config.picture_bits
    )
    busy = DataRefused(f"another process prepares training data in {to.parent}; wait until it is done")
    with hold_lock(to.parent / ".preparing", busy=busy):
        partial = to.parent / f".{to.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            choice = choose(config, sources, runs, gate, tell)
            partial.mkdir(parents=True)
            files = write_files(partial, sources, runs, choice, rules, tell)
            report = build_report(config=config, sources=sources, runs=runs, choice=choice, files=files)
            manifest = _make_manifest(config, sources, runs, gate, rules, files, report)
            for name, text in (
                ("report.json", canonical_json(report) + "\n"),
                ("report.md", render_markdown(report)),
                (MANIFEST, canonical_json(manifest) + "\n"),
            ):
                (partial / name).write_text(text, encoding="utf-8")
            known = _publish(partial, to)
        except OSError as exc:
            raise DataRefused(
                f"{exc.filename or to}: {exc.strerror}; nothing was kept. Make room and try again"
            ) from exc
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return Prepared(to, manifest, report, known)


def _check_runs(runs: Sequence[JudgeRunFiles], sources: Sequence[Source]) -> None:
    """Refuse judge runs on releases that are not trained on; benchmarks are among those."""
    trained = {
        source.release.manifest.digest
        for source in sources
        if isinstance(source, ReleasedPrompts) and source.part == "train"
    }
    for run in runs:
        if run.release_digest not in trained:
            raise DataRefused(
                f"the judge run {run.name} has answers to release {run.release_version} (digest "
                f"{run.release_digest[:12]}), which is none of the releases that are trained on; give that release too "
                "if its split is train, or leave the run out"
            )


def _make_manifest(
    config: DatasetConfig,
    sources: Sequence[Source],
    runs: Sequence[JudgeRunFiles],
    gate: BenchmarkGate,
    rules: Mapping[Category, Constitution],
    files: Mapping[str, Mapping[str, Any]],
    report: Mapping[str, Any],
) -> dict[str, Any]:
    described = [{"name": source.name, "part": source.part, **source.describe()} for source in sources]
    described += [run.describe() for run in runs]
    choices = config.describe_choices()
    digests = [one["digest"] for one in described if one["kind"] == "release"]
    return {
        "format": FORMAT,
        "seed": config.seed,
        "config": choices,
        "config_sha256": hash_json([choices, described]),
        "release_digest": digests[0] if len(digests) == 1 else hash_json(digests) if digests else None,
        "constitutions": {one.value: {"version": rule.version, "sha256": rule.sha256} for one, rule in rules.items()},
        "constitution_sha256": hash_constitutions(rules),
        "sources": described,
        "benchmarks": gate.describe(),
        "packages": {name: _find_version(name) for name in PACKAGES},
        "files": dict(files),
        "report_sha256": hash_json(report),
    }


def _find_version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _publish(partial: Path, to: Path) -> bool:
    """Give the finished folder its name; return whether the very same was there already."""
    if not to.exists():
        partial.rename(to)
        return False
    try:
        same = (to / MANIFEST).read_bytes() == (partial / MANIFEST).read_bytes()
    except OSError:
        same = False
    if not same:
        raise DataRefused(f"{to} holds other training data, or something else; choose another folder or move it away")
    return True
