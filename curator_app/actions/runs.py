"""Starting, resuming and planning pipeline runs in a workspace."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from curator_app.actions.background_jobs import describe_spent
from curator_app.actions.benchmarks import BenchmarkGone, read_benchmarks
from curator_app.actions.leases import Lease, hold_job
from curator_app.actions.releases import open_release, read_releases
from curator_app.actions.stopping import run_until_stopped
from curator_app.errors import AppError
from curator_app.workspace import Workspace
from endpoints.config import EndpointCheck, Roles, build_endpoints, check_endpoints, load_endpoints
from endpoints.errors import EndpointError, PromptInvalid
from endpoints.ledger import Budget, Ledger
from pipeline import ocr
from pipeline.config import PipelineConfig, load_config
from pipeline.errors import PipelineError
from pipeline.few_shot_library import load_few_shot
from pipeline.photo_matching import count_undescribed
from pipeline.photo_synthesis import list_free
from pipeline.run_folder import RunFolder, open_run_folder
from pipeline.run_parts import RunParts, needed_roles
from pipeline.run_plan import RunPlan, plan_run
from pipeline.run_report import RunReport, make_report, write_report
from pipeline.runner import Runner, RunState
from pipeline.synthesis import Generator, prepare_synthesis
from storage.errors import StorageError
from storage.release_files import Release

ENDPOINTS_FILE = "endpoints.yaml"
JOB_KIND = "run"
RunObserver = Callable[[RunState, Ledger], None]


class RunRefused(AppError):
    """A run cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked to do; kept with its job, so that a resume needs nothing else."""

    config: PipelineConfig
    endpoints_file: Path | None = None
    """None: the workspace's own."""
    budget: Budget = field(default_factory=Budget)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "config": self.config.model_dump(mode="json"),
            "endpoints": str(self.endpoints_file.absolute()) if self.endpoints_file else None,
            "budget": {"tokens": self.budget.tokens, "usd": self.budget.usd},
        }


def read_request(values: dict[str, Any]) -> RunRequest:
    """Return the request that `to_json` made these values of.

    Raises:
        RunRefused: another version of this program wrote them.
    """
    file = values["endpoints"]
    try:
        config = PipelineConfig.model_validate(values["config"])
    except ValidationError as exc:
        raise RunRefused(
            f"the config was written by another version and cannot be used here: {exc.errors()[0]['msg']} "
            f"({'.'.join(map(str, exc.errors()[0]['loc']))}); go on with that version, or start a run of another name"
        ) from exc
    return RunRequest(config, Path(file) if file else None, Budget(**values["budget"]))


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


def load_request(config_file: Path, *, endpoints_file: Path | None = None, budget: Budget | None = None) -> RunRequest:
    """Return the request for the run of a config file.

    Raises:
        RunRefused: the file cannot be used.
    """
    with _refuse_plainly():
        return RunRequest(load_config(config_file), endpoints_file, budget or Budget())


def plan(workspace: Workspace, request: RunRequest) -> DryRun:
    """Plan a run and try every endpoint with one cheap call. Nothing is written.

    Raises:
        RunRefused: a file cannot be used.
    """
    config = request.config
    with _refuse_plainly():
        roles = _build_roles(workspace, request, ledger=Ledger(), cache_dir=None)
        roles.require(*needed_roles(config))
        generators = [Generator(shared.endpoint, shared.weight) for shared in roles.generators]
        synthesis = prepare_synthesis(
            config=config,
            taxonomy=workspace.taxonomy,
            library=load_few_shot(workspace.taxonomy),
            generators=generators,
        )
        photos = count_undescribed(workspace.db, config=config, roles=roles)
        free = list_free(workspace.db, config) if config.synthesis.from_photos else []
        planned = plan_run(synthesis, roles, photos=photos, free_photos=free)
        checks = asyncio.run(_check(roles))
    return DryRun(planned, tuple(checks), ocr.is_installed())


def run(
    workspace: Workspace, request: RunRequest, *, actor: str = "command-line", observer: RunObserver | None = None
) -> RunEnd:
    """Start a run, or go on with the one of this name. A first interrupt or SIGTERM ends it after what is under way.

    Raises:
        RunRefused: a file cannot be used, another process works on the run, or a role has no endpoint.
        StorageError: the database or the blob store cannot go on, or another process has the run's lease.
    """
    name, values = request.config.batch, request.to_json()
    with hold_job(workspace.db, kind=JOB_KIND, name=name, actor=actor, request=values) as lease:
        return _run_with(workspace, request, lease, observer)


def run_queued(workspace: Workspace, *, name: str) -> RunEnd:
    """Work on the run that was put down under `name` for this process.

    Raises:
        RunRefused, StorageError: as `run` does.
    """
    with hold_job(workspace.db, kind=JOB_KIND, name=name, actor="", request=None) as lease:
        return _run_with(workspace, read_request(lease.job.request), lease, None)


def _run_with(workspace: Workspace, request: RunRequest, lease: Lease, observer: RunObserver | None) -> RunEnd:
    with (
        _refuse_plainly(),
        open_run_folder(runs_folder(workspace) / request.config.batch, request.config) as folder,
    ):
        ledger = Ledger(folder.ledger)
        try:
            end = _run_in(workspace, request, folder, ledger, lease, observer)
        finally:
            ledger.close()
    lease.ended_early = end.state.stopped
    return end


def _run_in(
    workspace: Workspace,
    request: RunRequest,
    folder: RunFolder,
    ledger: Ledger,
    lease: Lease,
    observer: RunObserver | None,
) -> RunEnd:
    config = request.config
    roles = _build_roles(workspace, request, ledger=ledger, cache_dir=folder.cache)
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
        releases=_open_releases(workspace),
        benchmarks=read_benchmarks(workspace),
        read_image=ocr.read_text if ocr.is_installed() else None,
    )
    runner = Runner(parts, observer=(lambda state: observer(state, ledger)) if observer else None)
    lease.read_progress = _make_meter(runner.state, ledger)
    lease.call_to_stop(runner.stop)
    try:
        run_until_stopped(runner, runner.parts.roles)
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


def _open_releases(workspace: Workspace) -> tuple[Release, ...]:
    """Return the workspace's releases, with which new scenarios are compared.

    Raises:
        RunRefused: the folder of one is gone or damaged; without it a repetition would go unnoticed.
    """
    opened = []
    for line in read_releases(workspace):
        try:
            opened.append(open_release(workspace, version=line.version))
        except StorageError as exc:
            raise RunRefused(
                f"new scenarios are compared with release {line.version}, which cannot be read: {exc}; restore its "
                f"folder {line.folder} from a copy"
            ) from exc
    return tuple(opened)


def _make_meter(state: RunState, ledger: Ledger) -> Callable[[], dict[str, Any]]:
    """Return what tells how far this sitting is, for the job's row."""
    began, before = time.monotonic(), ledger.total.calls

    def read() -> dict[str, Any]:
        return {
            "asked": state.asked,
            "done": state.counts["refinement", "passed"],
            "seconds": round(time.monotonic() - began, 1),
            "calls_now": ledger.total.calls - before,
            **describe_spent(ledger),
        }

    return read


async def _check(roles: Roles) -> list[EndpointCheck]:
    try:
        return await check_endpoints(roles)
    finally:
        await roles.aclose()


def find_endpoints_file(workspace: Workspace, request: RunRequest | None = None) -> Path:
    """Return the endpoints file of a run, by default the workspace's."""
    return (request and request.endpoints_file) or workspace.settings.home / ENDPOINTS_FILE


def _build_roles(workspace: Workspace, request: RunRequest, *, ledger: Ledger, cache_dir: Path | None) -> Roles:
    return build_endpoints(
        load_endpoints(find_endpoints_file(workspace, request)),
        cache_dir=cache_dir,
        ledger=ledger,
        budget=request.budget,
        run=request.config.batch,
    )


@contextmanager
def _refuse_plainly() -> Iterator[None]:
    try:
        yield
    except (PipelineError, EndpointError, PromptInvalid, BenchmarkGone) as exc:
        raise RunRefused(str(exc)) from exc
