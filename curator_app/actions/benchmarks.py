"""Importing a public benchmark into the workspace."""

from collections.abc import Callable
from pathlib import Path

from curator_app.errors import AppError
from curator_app.workspace import Workspace
from judge.adapters.errors import BenchmarkRefused
from judge.adapters.imported import ImportSummary, import_benchmark


class ImportRefused(AppError):
    """A benchmark cannot be imported; the message says why and what to do."""


def import_into_workspace(
    workspace: Workspace,
    *,
    name: str,
    path: Path,
    pictures: Path | None = None,
    allow_missing: bool = False,
    observer: Callable[[int], None] | None = None,
) -> ImportSummary:
    """Import a benchmark into the workspace's folder `benchmarks`; see `judge.adapters.imported.import_benchmark`.

    Raises:
        ImportRefused: it cannot be read or written.
    """
    try:
        return import_benchmark(
            name,
            path,
            target=workspace.settings.home / "benchmarks",
            pictures=pictures,
            allow_missing=allow_missing,
            observer=observer,
        )
    except BenchmarkRefused as exc:
        raise ImportRefused(str(exc)) from exc
