"""Starting, resuming and planning pipeline runs in a workspace."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curator_app.errors import AppError
from curator_app.workspace import Workspace
from endpoints.config import EndpointCheck, Roles, build_endpoints, check_endpoints, load_endpoints
from endpoints.errors import EndpointError
from endpoints.ledger import Budget, Ledger
from pipeline import ocr
from pipeline.config import PipelineConfig, load_config
from pipeline.errors import PipelineError
from pipeline.few_shot_library import load_few_shot
from pipeline.run_folder import RunFolder, open_run_folder
from pipeline.run_plan import RunPlan, plan_run
from pipeline.run_report import RunReport, make_report, write_report
from pipeline.runner import Runner, RunParts, RunState, needed_roles
from pipeline.synthesis import Generator, prepare_synthesis

ENDPOINTS_FILE = "endpoints.yaml"
RunObserver = Callable[[RunState, Ledger], None]


class RunRefused(AppError):
    """A run cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True)
class DryRun:
    """What a dry run shows."""

    plan: RunPlan
    checks: tuple[EndpointCheck, ...]
    reads_pictures: bool

    @property
    def ok(self) -> bool:
        """Whether the run could start."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True)
class RunEnd:
    """What a sitting came to."""

    state: RunState
    report: RunReport
    folder: Path
    resumed: bool


def runs_folder(workspace: Workspace) -> Path:
    """Return the folder of all runs."""
    return workspace.settings.home / "runs"


def plan(workspace: Workspace, *, config_file: Path, endpoints_file: Path | None = None) -> DryRun:
    """Plan a run and try every endpoint with one cheap call. Nothing is written.

    Raises:
        RunRefused: a file cannot be used.
    """
    with _refuse_plainly():
        config = load_config(config_file)
        roles = _build_roles(workspace, endpoints_file, ledger=Ledger(), cache_dir=None, budget=None, run=config.batch)
        roles.require(*needed_roles(config))
        generators = [Generator(shared.endpoint, shared.weight) for shared in roles.generators]
        synthesis = prepare_synthesis(
            config=config,
            taxonomy=workspace.taxonomy,
            library=load_few_shot(workspace.taxonomy),
            generators=generators,
        )
        planned = plan_run(synthesis, roles)
        checks = asyncio.run(_check(roles))
    return DryRun(planned, tuple(checks), ocr.is_installed())


def run(
    workspace: Workspace,
    *,
    config_file: Path,
    endpoints_file: Path | None = None,
    budget: Budget | None = None,
    observer: RunObserver | None = None,
) -> RunEnd:
    """Start a run, or go on with the one of this name. A first interrupt or SIGTERM ends it after what is under way.

    Raises:
        RunRefused: a file cannot be used, another process works on the run, or a role has no endpoint.
        StorageError: the database or the blob store cannot go on.
    """
    with _refuse_plainly():
        config = load_config(config_file)
        with open_run_folder(runs_folder(workspace) / config.batch, config) as folder:
            ledger = Ledger(folder.ledger)
            try:
                return _run_in(workspace, config, folder, ledger, endpoints_file, budget, observer)
            finally:
                ledger.close()


def _run_in(
    workspace: Workspace,
    config: PipelineConfig,
    folder: RunFolder,
    ledger: Ledger,
    endpoints_file: Path | None,
    budget: Budget | None,
    observer: RunObserver | None,
) -> RunEnd:
    roles = _build_roles(
        workspace, endpoints_file, ledger=ledger, cache_dir=folder.cache, budget=budget, run=config.batch
    )
    parts = RunParts(
        config=config,
        taxonomy=workspace.taxonomy,
        library=load_few_shot(workspace.taxonomy),
        roles=roles,
        db=workspace.db,
        blobs=workspace.blobs,
        folder=folder,
        dedup_folder=workspace.settings.home / "dedup",
        overlap=workspace.settings.overlap,
        read_image=ocr.read_text if ocr.is_installed() else None,
    )
    runner = Runner(parts, observer=(lambda state: observer(state, ledger)) if observer else None)
    try:
        asyncio.run(_run_until_stopped(runner))
    finally:
        # Also when it failed: what was done is in the database and belongs into the report.
        report = make_report(
            folder=folder,
            config=config,
            taxonomy=workspace.taxonomy,
            db=workspace.db,
            ledger=ledger,
            stopped=runner.state.stopped,
        )
        write_report(report, folder.path)
    return RunEnd(runner.state, report, folder.path, folder.resumed)


async def _run_until_stopped(runner: Runner) -> None:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        runner.stop("stopped by hand")
        for number in signals:
            loop.remove_signal_handler(number)  # a second one ends it at once

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        await runner.run()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        await runner.parts.roles.aclose()


async def _check(roles: Roles) -> list[EndpointCheck]:
    try:
        return await check_endpoints(roles)
    finally:
        await roles.aclose()


def _build_roles(
    workspace: Workspace,
    endpoints_file: Path | None,
    *,
    ledger: Ledger,
    cache_dir: Path | None,
    budget: Budget | None,
    run: str,
) -> Roles:
    file = endpoints_file or workspace.settings.home / ENDPOINTS_FILE
    return build_endpoints(load_endpoints(file), cache_dir=cache_dir, ledger=ledger, budget=budget, run=run)


@contextmanager
def _refuse_plainly() -> Iterator[None]:
    try:
        yield
    except (PipelineError, EndpointError) as exc:
        raise RunRefused(str(exc)) from exc
