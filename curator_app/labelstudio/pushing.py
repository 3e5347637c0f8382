"""Tasks to a project of Label Studio: what is there is found first, what is missing is sent once, and looked for again.

So a crash, or an error after an import that did happen, leaves no task twice: whatever a run was about to do, the next
one finds out from the server what was done.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, select

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio import outgoing
from curator_app.labelstudio.configs import KINDS, write_config
from curator_app.labelstudio.outgoing import Outgoing, Pictures
from curator_app.labelstudio.server import RemoteProject, RemoteTask, Server, WriteUnsure
from curator_app.labelstudio.xml_check import check_config, describe_drift
from curator_app.workspace import Workspace
from storage.external import find_project
from storage.external_tables import ExternalProjectRow, ExternalTaskRow
from storage.failure_taxonomy import parse_taxonomy
from storage.locks import hold_lock
from storage.records import STUDY_KINDS, TaskKind
from storage.tables import AuditRow, StudyRow
from storage.texts import hash_json, utc_now

BATCH = 50
TRIES = 3
_TITLES = {
    TaskKind.SCENARIO_REVIEW: "Scenario review",
    TaskKind.LEAKAGE_CHECK: "Leakage check",
    TaskKind.JUDGE_AUDIT: "Scores",
    TaskKind.FAILURE_LABELS: "Failure labels",
}


@dataclass(frozen=True)
class PushRequest:
    """What is to be asked, and how."""

    kind: TaskKind
    study: str = ""
    person: str = ""
    """Whose project; empty: everybody's."""
    pictures: Pictures = "inline"
    folder: Path | None = None
    root: Path | None = None
    again: bool = False
    """Push again what was deleted there."""


@dataclass(frozen=True)
class PushReport:
    """What is there now."""

    project: int
    pushed: int
    known: int
    deleted: int
    """Deleted there, and not pushed again."""
    doubled: int
    """Tasks that were there twice, removed."""


def hold(workspace: Workspace):  # type: ignore[no-untyped-def]  # a context manager
    """Let one push or pull run at a time."""
    busy = LabelStudioRefused("another push or pull of this workspace is running; wait until it has ended")
    return hold_lock(workspace.settings.home / "label-studio.lock", busy=busy)


def push(workspace: Workspace, server: Server, request: PushRequest) -> PushReport:
    """Push the open tasks of a kind that are not there yet.

    Raises:
        LabelStudioRefused: the request cannot be met, or the server refuses, is away, or has another config.
    """
    _check(request)
    with hold(workspace):
        with workspace.db.read() as session:
            study = outgoing.find_study(session=session, name=request.study) if request.study else None
            wanted = outgoing.gather(session=session, kind=request.kind, study=study, person=request.person)
            config = _config(session=session, kind=request.kind, study=study)
        project, remote = _ensure_project(workspace, server, request, config)
        if request.pictures == "files":
            server.add_local_files(remote.id, str(outgoing.check_folder(request.folder, request.root)))
        return _send_missing(workspace, server, project=project, wanted=wanted, request=request)


def _check(request: PushRequest) -> None:
    if request.kind not in KINDS:
        raise LabelStudioRefused(
            f"{request.kind.value} is settled here; push {', '.join(kind.value for kind in KINDS)}"
        )
    if (request.kind in STUDY_KINDS) != bool(request.study):
        raise LabelStudioRefused("judge_audit and failure_labels are asked in a study: give --study, and only for them")
    if request.study and not request.person:
        raise LabelStudioRefused(
            "a study needs a project for each person, since everybody in a project of Label Studio sees all answers; "
            "give --person"
        )


def _config(*, session: Session, kind: TaskKind, study: StudyRow | None) -> str:
    taxonomy = None
    if kind is TaskKind.FAILURE_LABELS and study is not None:
        taxonomy = parse_taxonomy(outgoing.read_rubric(session=session, study=study))
    config = write_config(kind, taxonomy=taxonomy)
    check_config(config)
    return config


def _mark(*, session: Session, request: PushRequest) -> str:
    """Return what names the project in its description. It follows from the workspace, so that it is found again."""
    first = session.exec(select(AuditRow.sha256).order_by(col(AuditRow.seq)).limit(1)).first()
    return hash_json([first, request.kind.value, request.study, request.person])[:24]


def _ensure_project(
    workspace: Workspace, server: Server, request: PushRequest, config: str
) -> tuple[ExternalProjectRow, RemoteProject]:
    with workspace.db.read() as session:
        mark = _mark(session=session, request=request)
        known = find_project(session=session, source=server.url, marker=mark)
    if known is not None:
        remote = server.read_project(known.remote_id)
        refuse_drift(known, remote)
        return known, remote
    found = server.find_projects(f"curator:{mark}")
    if found:  # made by a push that did not live to note it
        remote = found[0]
    else:
        named = " ".join(part for part in (_TITLES[request.kind], request.study, request.person) if part)
        said = f"Made by OOD-MMSafe Curator; leave this line as it is. curator:{mark}"
        remote = server.create_project(title=named[:50], description=said, config=config)
    row = ExternalProjectRow(
        source=server.url,
        marker=mark,
        remote_id=remote.id,
        kind=request.kind.value,
        study=request.study,
        person=request.person,
        config=config,
        created_at=utc_now(),
    )
    refuse_drift(row, remote)
    with workspace.db.write() as session:
        session.add(row)
        session.commit()
    return row, remote


def refuse_drift(project: ExternalProjectRow, remote: RemoteProject) -> None:
    """Stop when somebody changed the labeling config on the server.

    Raises:
        LabelStudioRefused: it differs; the message ends with the difference.
    """
    drift = describe_drift(pushed=project.config, found=remote.config)
    if drift:
        raise LabelStudioRefused(
            f"the labeling config of project {project.remote_id} was changed on the server, so its answers may mean "
            f"something else; put ours back under its Settings, and try again:\n{drift}"
        )


def _send_missing(
    workspace: Workspace,
    server: Server,
    *,
    project: ExternalProjectRow,
    wanted: Sequence[Outgoing],
    request: PushRequest,
) -> PushReport:
    doubled = reconcile(workspace, server, project)
    tombs = _keys(workspace, project, state="deleted") if not request.again else set()
    live = _keys(workspace, project, state="live")
    missing = [row for row in wanted if (row.task_id, row.content_sha256) not in live | tombs]
    left = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    tries = TRIES
    while left:
        rows = outgoing.add_pictures(
            workspace, left[0], pictures=request.pictures, folder=request.folder, root=request.root
        )
        try:
            server.import_tasks(project.remote_id, [{"data": row} for row in rows])
        except WriteUnsure:
            tries -= 1
            if not tries:
                raise
            doubled += reconcile(workspace, server, project)
            there = _keys(workspace, project, state="live")
            left[0] = [row for row in left[0] if (row.task_id, row.content_sha256) not in there]
            if left[0]:
                continue
        left.pop(0)
    if missing:
        doubled += reconcile(workspace, server, project)
    keys = {(row.task_id, row.content_sha256) for row in wanted}
    return PushReport(project.remote_id, len(missing), len(keys & live), len(keys & tombs - live), doubled)


def _keys(workspace: Workspace, project: ExternalProjectRow, *, state: str) -> set[tuple[int, str]]:
    query = select(ExternalTaskRow).where(ExternalTaskRow.project_id == project.id, ExternalTaskRow.state == state)
    with workspace.db.read() as session:
        return {(row.task_id, row.content_sha256) for row in session.exec(query) if row.task_id is not None}


def reconcile(workspace: Workspace, server: Server, project: ExternalProjectRow) -> int:
    """Note which tasks are on the server; return how many doubles without an annotation were deleted there."""
    remote = server.list_tasks(project.remote_id)
    by_key: dict[tuple[object, object], list[RemoteTask]] = defaultdict(list)
    for task in remote:
        if task.data.get("curator_task") is not None:
            by_key[task.data["curator_task"], task.data.get("content_hash")].append(task)
    surplus = set()
    for tasks in by_key.values():
        kept = next((task for task in tasks if task.annotations), tasks[0])
        surplus |= {task.id for task in tasks if task is not kept and not task.annotations}
    for task_id in sorted(surplus):
        server.delete_task(task_id)
    with workspace.db.write() as session:
        note_tasks(session=session, project=project, remote=[task for task in remote if task.id not in surplus])
        session.commit()
    return len(surplus)


def note_tasks(*, session: Session, project: ExternalProjectRow, remote: Sequence[RemoteTask]) -> None:
    """Note all tasks that the server has, and that the others are gone. The caller commits."""
    assert project.id is not None
    known = {
        row.remote_id: row
        for row in session.exec(select(ExternalTaskRow).where(ExternalTaskRow.project_id == project.id))
    }
    for task in remote:
        if task.id not in known:
            ours = task.data.get("curator_task")
            session.add(
                ExternalTaskRow(
                    project_id=project.id,
                    remote_id=task.id,
                    task_id=ours if isinstance(ours, int) else None,
                    content_sha256=str(task.data.get("content_hash", ""))[:64],
                    data=json.dumps(outgoing.keep_texts(task.data), ensure_ascii=False),
                )
            )
    there = {task.id for task in remote}
    for remote_id, row in known.items():
        row.state = "live" if remote_id in there else "deleted"
        session.add(row)
