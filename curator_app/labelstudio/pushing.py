"""Tasks to a project of Label Studio: what is there is found first, what is missing is sent once, and looked for again.

So a crash, or an error after an import that did happen, leaves no task twice: whatever a run was about to do, the next
one finds out from the server what was done.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, col, select

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio import outgoing
from curator_app.labelstudio.configs import KINDS, write_config
from curator_app.labelstudio.links import Tell, bury, hold, link_new, read_links, refuse_drift, tell_nobody
from curator_app.labelstudio.mapping import Result
from curator_app.labelstudio.outgoing import Outgoing, Pictures
from curator_app.labelstudio.picture_urls import RENEW_BEFORE, check_reach, read_until
from curator_app.labelstudio.predictions import as_task, check_predictions, gather_predictions
from curator_app.labelstudio.server import RemoteProject, Server, WriteUnsure
from curator_app.labelstudio.xml_check import check_config
from curator_app.workspace import Workspace
from storage.external import find_project
from storage.external_tables import ExternalProjectRow
from storage.failure_taxonomy import parse_taxonomy
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
    renew: bool = False
    """Give every open task a new address of its picture, not only where the old one ends soon."""
    predictions: bool = False
    """With what the filters found, in a project of its own."""


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
    renewed: int = 0
    """Tasks whose picture has a new address."""

    def to_lines(self) -> list[str]:
        """Return it as lines to print."""
        lines = [f"Project {self.project}: {self.pushed} tasks pushed, {self.known} were there."]
        if self.deleted:
            lines.append(f"  {self.deleted} were deleted there and stay so, unless asked to be pushed again (--again)")
        if self.doubled:
            lines.append(f"  {self.doubled} were there twice; the doubles without an annotation were removed")
        if self.renewed:
            lines.append(f"  {self.renewed} have a new address of their picture")
        return lines


@dataclass(frozen=True)
class Foreseen:
    """What a push would find, by what is known here."""

    open: int
    there: int
    deleted: int
    """Deleted there, and not pushed again unless asked."""

    @property
    def to_push(self) -> int:
        """How many tasks it would add."""
        return self.open - self.there - self.deleted


def foresee(workspace: Workspace, source: str, request: PushRequest) -> Foreseen:
    """Return what a push to the server at `source` would do; asks no server.

    Raises:
        LabelStudioRefused, NotFound: the request cannot be met.
    """
    check_request(request)
    _check_pictures(workspace, source, request)
    with workspace.db.read() as session:
        study = outgoing.find_study(session=session, name=request.study) if request.study else None
        wanted = outgoing.gather(session=session, kind=request.kind, study=study, person=request.person)
        project = find_project(session=session, source=source, marker=_mark(session=session, request=request))
    keys = {(row.task_id, row.content_sha256) for row in wanted}
    if project is None:
        return Foreseen(len(keys), 0, 0)
    live = _keys(workspace, project, state="live")
    tombs = _keys(workspace, project, state="deleted") if not request.again else set()
    return Foreseen(len(keys), len(keys & live), len(keys & tombs - live))


def push(workspace: Workspace, server: Server, request: PushRequest, *, tell: Tell = tell_nobody) -> PushReport:
    """Push the open tasks of a kind that are not there yet.

    Raises:
        LabelStudioRefused: the request cannot be met, or the server refuses, is away, or has another config.
    """
    check_request(request)
    _check_pictures(workspace, server.url, request)
    with hold(workspace):
        with workspace.db.read() as session:
            study = outgoing.find_study(session=session, name=request.study) if request.study else None
            wanted = outgoing.gather(session=session, kind=request.kind, study=study, person=request.person)
            config = _config(session=session, kind=request.kind, study=study)
            predicted = gather_predictions(session=session, rows=wanted) if request.predictions else {}
        project, remote = _ensure_project(workspace, server, request, config)
        if request.pictures == "files":
            server.add_local_files(remote.id, str(outgoing.check_folder(request.folder, request.root)))
        return _send_missing(
            workspace, server, project=project, wanted=wanted, predicted=predicted, request=request, tell=tell
        )


def check_request(request: PushRequest) -> None:
    """Refuse what cannot be asked there.

    Raises:
        LabelStudioRefused: it is settled here, or the study or its person is missing.
    """
    if request.kind not in KINDS:
        raise LabelStudioRefused(
            f"{request.kind.value} is settled here; push {', '.join(kind.value for kind in KINDS)}"
        )
    if (request.kind in STUDY_KINDS) != bool(request.study):
        raise LabelStudioRefused("judge_audit and failure_labels are asked in a study: give --study, and only for them")
    if request.renew and request.pictures != "url":
        raise LabelStudioRefused("only addresses of pictures are renewed: give --pictures url with --renew")
    if request.predictions:
        check_predictions(request.kind)
    if request.study and not request.person:
        raise LabelStudioRefused(
            "a study needs a project for each person, since everybody in a project of Label Studio sees all answers; "
            "give --person"
        )


def _check_pictures(workspace: Workspace, source: str, request: PushRequest) -> None:
    if request.pictures == "url":
        check_reach(base=workspace.settings.public_url, server=source)
    if request.pictures == "files":
        outgoing.check_folder(request.folder, request.root)


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
    more = ["predictions"] if request.predictions else []
    return hash_json([first, request.kind.value, request.study, request.person, *more])[:24]


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
        title = _TITLES[request.kind] + (" (predicted)" if request.predictions else "")
        named = " ".join(part for part in (title, request.study, request.person) if part)
        said = f"Made by OOD-MMSafe Curator; leave this line as it is. curator:{mark}"
        remote = server.create_project(
            title=named[:50], description=said, config=config, predictions=request.predictions
        )
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


def _send_missing(
    workspace: Workspace,
    server: Server,
    *,
    project: ExternalProjectRow,
    wanted: Sequence[Outgoing],
    predicted: Mapping[int, Result],
    request: PushRequest,
    tell: Tell,
) -> PushReport:
    doubled = reconcile(workspace, server, project)
    tombs = _keys(workspace, project, state="deleted") if not request.again else set()
    live = _keys(workspace, project, state="live")
    missing = [row for row in wanted if (row.task_id, row.content_sha256) not in live | tombs]
    left = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    tries = TRIES
    while left:
        tell("tasks pushed", len(missing) - sum(map(len, left)), len(missing))
        rows = outgoing.add_pictures(
            workspace, left[0], pictures=request.pictures, folder=request.folder, root=request.root
        )
        try:
            server.import_tasks(project.remote_id, [as_task(row, predicted) for row in rows])
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
        tell("tasks pushed", len(missing), len(missing))
        doubled += reconcile(workspace, server, project)
    renewed = 0
    if request.pictures == "url":
        old = [row for row in wanted if (row.task_id, row.content_sha256) in live]
        renewed = _renew_pictures(workspace, server, project, old, every=request.renew, tell=tell)
    keys = {(row.task_id, row.content_sha256) for row in wanted}
    return PushReport(project.remote_id, len(missing), len(keys & live), len(keys & tombs - live), doubled, renewed)


def _renew_pictures(
    workspace: Workspace, server: Server, project: ExternalProjectRow, rows: Sequence[Outgoing], *, every: bool,
    tell: Tell,
) -> int:  # fmt: skip
    """Give open tasks a new address of their picture where the old one ends soon, or everywhere; return how many.

    Nothing else of a task changes. Doing it again after a kill goes on where it was.
    """
    by_key = {(row.task_id, row.content_sha256): row for row in rows if row.image_sha256 is not None}
    with workspace.db.read() as session:
        links = read_links(session=session, project=project)
    old = {
        remote_id: by_key[link.task_id, link.content_sha256]
        for remote_id, link in links.items()
        if link.state == "live" and link.task_id is not None and (link.task_id, link.content_sha256) in by_key
    }
    ids, renewed = sorted(old), 0
    soon = (utc_now() + RENEW_BEFORE).timestamp()
    for start in range(0, len(ids), BATCH):
        tell("pictures looked at", start, len(ids))
        for task in server.read_data(project.remote_id, ids[start : start + BATCH]):
            until = read_until(task.data.get("image"))
            if every or (until is not None and until < soon):
                image = outgoing.sign_image(workspace, old[task.id])
                renewed += server.change_data(task.id, task.data | {"image": image})
    return renewed


def _keys(workspace: Workspace, project: ExternalProjectRow, *, state: str) -> set[tuple[int, str]]:
    with workspace.db.read() as session:
        rows = read_links(session=session, project=project).values()
    return {(row.task_id, row.content_sha256) for row in rows if row.state == state and row.task_id is not None}


def reconcile(workspace: Workspace, server: Server, project: ExternalProjectRow) -> int:
    """Note which tasks are on the server; return how many doubles without an annotation were deleted there."""
    there = server.count_annotations(project.remote_id)
    links = link_new(workspace, server, project, there=there)
    by_key: dict[tuple[int, str], list[int]] = defaultdict(list)
    for remote_id, row in sorted(links.items()):
        if row.task_id is not None and remote_id in there:
            by_key[row.task_id, row.content_sha256].append(remote_id)
    surplus = set()
    for ids in by_key.values():
        kept = next((each for each in ids if there[each]), ids[0])
        surplus |= {each for each in ids if each != kept and not there[each]}
    for remote_id in sorted(surplus):
        server.delete_task(remote_id)
    bury(workspace, project, there=set(there) - surplus)
    return len(surplus)
