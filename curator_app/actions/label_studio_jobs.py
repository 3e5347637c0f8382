"""Pushing to and pulling from Label Studio as jobs of their own, and who an e-mail of that server stands for."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from sqlmodel import col, select

from curator_app.actions import background_jobs
from curator_app.actions.job_log import write_line
from curator_app.actions.leases import Lease, hold_job
from curator_app.actions.stopping import JobStopped, stoppable
from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio import links, pulling, pushing
from curator_app.labelstudio.configs import KINDS
from curator_app.labelstudio.outgoing import Pictures
from curator_app.labelstudio.pushing import Foreseen, PushRequest
from curator_app.labelstudio.server import Server, check_address
from curator_app.workspace import Workspace
from storage.external import map_person
from storage.external_counts import may_answer
from storage.jobs import Job
from storage.records import TaskKind
from storage.tables import StudyRow, UserRow
from storage.texts import hash_json

JOB_KIND = "label studio"
FOLDER = "label-studio"
PULL = "pull"
PICTURES: tuple[Pictures, ...] = tuple(each for each in get_args(Pictures) if each != "files")
"""How pictures may travel when the browser asks. Files are written into a folder of the server, which only the command
line may name."""
TELL_EVERY_S = 2.0


@dataclass(frozen=True)
class Choices:
    """What the form offers."""

    kinds: tuple[str, ...]
    studies: tuple[str, ...]
    people: tuple[str, ...]
    """Accounts that may answer."""


def list_choices(workspace: Workspace) -> Choices:
    """Return what may be asked there, and of whom."""
    with workspace.db.read() as session:
        studies = session.exec(
            select(StudyRow.name).where(col(StudyRow.closed_at).is_(None)).order_by(col(StudyRow.id))
        ).all()
        people = session.exec(select(UserRow).order_by(col(UserRow.name))).all()
    able = tuple(row.name for row in people if may_answer(row))
    return Choices(tuple(kind.value for kind in KINDS), tuple(studies), able)


def make_request(*, kind: str, study: str, person: str, pictures: str, again: bool, renew: bool = False) -> PushRequest:
    """Return what a form asks for.

    Raises:
        LabelStudioRefused: a field cannot be used; the message names it with its value.
    """
    known = [each.value for each in KINDS]
    if kind not in known:
        raise LabelStudioRefused(f"there is no kind of task {kind[:40]!r} to push; there are {', '.join(known)}")
    chosen = next((each for each in PICTURES if each == pictures), None)
    if chosen is None:
        raise LabelStudioRefused(
            f"pictures cannot travel as {pictures[:40]!r} from here; choose {' or '.join(PICTURES)}"
        )
    request = PushRequest(
        TaskKind(kind), study=study.strip(), person=person.strip(), pictures=chosen, again=again, renew=renew
    )
    pushing.check_request(request)
    return request


def to_json(request: PushRequest) -> dict[str, Any]:
    """Return a push as its job keeps it."""
    return {
        "kind": request.kind.value, "study": request.study, "person": request.person, "pictures": request.pictures,
        "again": request.again, "renew": request.renew,
    }  # fmt: skip


def identify(request: PushRequest) -> str:
    """Return what tells requests from others (64 hex digits)."""
    return hash_json(to_json(request))


def name_push(request: PushRequest) -> str:
    """Return the name of the job that pushes this: one for each project there."""
    asked = f"push-{request.kind.value.replace('_', '-')}"
    whose = f"-{hash_json([request.study, request.person])[:8]}" if request.study or request.person else ""
    return asked + whose


def describe_job(job: Job) -> str:
    """Return in words what a job does."""
    if job.name == PULL:
        return "Pull"
    kind = str(job.request.get("kind", "")).replace("_", " ")
    more = [str(job.request.get(name, "")) for name in ("study", "person")]
    return f"Push {', '.join(word for word in (kind, *more) if word)}"


def foresee(workspace: Workspace, request: PushRequest) -> Foreseen:
    """Return what a push would do, by what is known here.

    Raises:
        LabelStudioRefused, NotFound: it cannot be asked.
    """
    return pushing.foresee(workspace, check_address(workspace.settings.label_studio_url), request)


def start_push(workspace: Workspace, request: PushRequest, *, actor: str) -> str:
    """Push in a process that does not end with this one; return the job's name.

    Raises:
        LabelStudioRefused: no server is set.
        Conflict: a process pushes it already.
        JobRefused: its process cannot be started.
    """
    name = name_push(request)
    _start(workspace, name=name, request=to_json(request), actor=actor)
    return name


def start_pull(workspace: Workspace, *, actor: str) -> str:
    """Pull in a process that does not end with this one; return the job's name.

    Raises:
        LabelStudioRefused, Conflict, JobRefused: as `start_push` does.
    """
    _start(workspace, name=PULL, request={}, actor=actor)
    return PULL


def _start(workspace: Workspace, *, name: str, request: dict[str, Any], actor: str) -> None:
    check_address(workspace.settings.label_studio_url)
    folder = find_folder(workspace, name)
    background_jobs.start_job(workspace, kind=JOB_KIND, name=name, request=request, folder=folder, actor=actor)


def resume(workspace: Workspace, *, name: str, actor: str) -> None:
    """Do once more what was asked for: it finds out what is done already.

    Raises:
        NotFound: it was never asked for in the app.
        LabelStudioRefused, Conflict, JobRefused: as `start_push` does.
    """
    job = background_jobs.find_job(workspace, kind=JOB_KIND, name=name)
    _start(workspace, name=name, request=job.request, actor=actor)


def stop(workspace: Workspace, *, name: str, actor: str) -> Job:
    """Ask for an end; what was pushed or pulled stays.

    Raises:
        NotFound: there is no such job.
        Conflict: nobody works on it.
    """
    return background_jobs.stop_job(workspace, kind=JOB_KIND, name=name, actor=actor)


def find_folder(workspace: Workspace, name: str) -> Path:
    """Return where the log of a job lies."""
    return workspace.settings.home / FOLDER / name


def name_person(workspace: Workspace, *, email: str, account: str, actor: str) -> int:
    """Say which account an e-mail stands for; return how many of its annotations count now.

    Raises:
        LabelStudioRefused: a push or pull is running.
        StorageError: the e-mail or the account cannot be used.
    """
    with links.hold(workspace), workspace.db.write() as session:
        counted = map_person(session=session, email=email, name=account, actor=actor)
        session.commit()
    return counted


def connect(workspace: Workspace) -> Server:
    """Return a connection to the server of the settings.

    Raises:
        LabelStudioRefused: address or token cannot be used, or the SDK is missing.
    """
    settings = workspace.settings
    return Server(settings.label_studio_url, settings.label_studio_token.get_secret_value())


def run_queued(workspace: Workspace, *, name: str) -> None:
    """Push or pull what was put down under `name` for this process. Call it in the main thread.

    Raises:
        LabelStudioRefused, StorageError: it cannot be done, or a project was left alone.
    """
    with hold_job(workspace.db, kind=JOB_KIND, name=name, actor="", request=None) as lease:
        meter = _Meter(lease)
        try:
            with stoppable(lease):
                _work(workspace, lease.job.request, meter, pulls=name == PULL)
        except JobStopped as exc:
            lease.ended_early = f"{exc}; what was done stays, and Resume goes on from there"
            meter.say(lease.ended_early)


def _work(workspace: Workspace, request: Mapping[str, Any], meter: "_Meter", *, pulls: bool) -> None:
    server = connect(workspace)
    meter.say(f"asking {server.url}")
    if not pulls:
        asked = make_request(**request)
        for line in pushing.push(workspace, server, asked, tell=meter.tell).to_lines():
            meter.say(line)
        return
    reports = pulling.pull(workspace, server, tell=meter.tell)
    for line in [line for report in reports for line in report.to_lines()] or ["nothing was pulled"]:
        meter.say(line)
    refused = [report.refused for report in reports if report.refused]
    if refused:
        raise LabelStudioRefused("\n".join(refused))


class _Meter:
    """How far the work is, for its job's row, and as lines of its log."""

    def __init__(self, lease: Lease) -> None:
        self._now: dict[str, Any] = {"what": "", "done": 0, "of": 0}
        self._said_at = 0.0
        lease.read_progress = lambda: dict(self._now)

    def tell(self, what: str, done: int, of: int) -> None:
        """Note how far it is."""
        self._now = {"what": what, "done": done, "of": of}
        if time.monotonic() - self._said_at >= TELL_EVERY_S:
            self.say(f"{done:,} of {of:,} {what}")

    def say(self, text: str) -> None:
        """Write a line of the log."""
        self._said_at = time.monotonic()
        write_line(text)
