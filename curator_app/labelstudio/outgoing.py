"""Tasks of ours as Label Studio shows them. Nothing here reads the judge's scores, or who planted a flaw."""

import base64
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlmodel import Session, col, select

from curator_app.errors import LabelStudioRefused
from curator_app.labelstudio.configs import SCHEMA_VERSION
from curator_app.labelstudio.picture_urls import LIFE, make_key, sign_picture
from curator_app.workspace import Workspace
from storage import claim_queries, study_queries
from storage.blobs import get_blob
from storage.errors import NotFound
from storage.items import get_scenario, label
from storage.records import STUDY_KINDS, TaskKind
from storage.tables import ItemRow, StudyItemRow, StudyRow, StudyTextRow, TaskRow, UserRow
from storage.texts import hash_json, utc_now

Pictures = Literal["inline", "url", "files"]
NO_PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
TEXTS = ("query", "answer")
"""The fields of a task that spans count in."""


@dataclass(frozen=True)
class Outgoing:
    """A task as it is to be pushed."""

    task_id: int
    content_sha256: str
    data: dict[str, Any]
    image_sha256: str | None


def find_study(*, session: Session, name: str) -> StudyRow:
    """Return an open study.

    Raises:
        LabelStudioRefused: there is none of this name, or it is closed.
    """
    study = session.exec(select(StudyRow).where(StudyRow.name == name)).first()
    if study is None or study.closed_at is not None:
        raise LabelStudioRefused(f"there is no open study {name!r}; see `curator study status`")
    return study


def read_rubric(*, session: Session, study: StudyRow) -> str:
    """Return the rubric of a study, or its taxonomy."""
    return session.get_one(StudyTextRow, (study.id, "rubric")).body


def gather(*, session: Session, kind: TaskKind, study: StudyRow | None, person: str) -> list[Outgoing]:
    """Return the open tasks of a kind; with a person, those only that the queue would give them."""
    query = select(TaskRow, ItemRow).join(ItemRow, col(ItemRow.number) == TaskRow.item_number)
    query = query.where(TaskRow.kind == kind.value, TaskRow.status == "open").order_by(col(TaskRow.rank))
    cases: dict[int, StudyItemRow] = {}
    rubric = ""
    if study is not None:
        rows = session.exec(select(StudyItemRow).where(StudyItemRow.study_id == study.id))
        cases = {case.task_id: case for case in rows if case.task_id is not None}
        rubric = read_rubric(session=session, study=study)
    found = [(task, item) for task, item in session.exec(query) if study is None or task.id in cases]
    if person:
        found = _only_for(session=session, kind=kind, person=person, found=found)
    return [
        _describe(session=session, task=task, item=item, case=cases.get(task.id or 0), rubric=rubric)
        for task, item in found
    ]


def _only_for(
    *, session: Session, kind: TaskKind, person: str, found: Sequence[tuple[TaskRow, ItemRow]]
) -> list[tuple[TaskRow, ItemRow]]:
    user = session.exec(select(UserRow).where(UserRow.name == person)).first()
    if user is None:
        raise NotFound(f"there is no account {person!r}; add it with `curator users add {person}`")
    query = study_queries.FREE_CASE[kind] if kind in STUDY_KINDS else claim_queries.FREE_TASK[kind]
    return [
        (task, item)
        for task, item in found
        if session.execute(query, {"user_id": user.id, "task_id": task.id}).first() is not None
    ]


def _describe(*, session: Session, task: TaskRow, item: ItemRow, case: StudyItemRow | None, rubric: str) -> Outgoing:
    assert task.id is not None
    scenario = get_scenario(session=session, item=item)
    shown = {
        "query": scenario.query if case is None else case.asked,
        "scene": "The picture:" if item.image_sha256 else f"There is no picture. The scene: {scenario.scene}",
        "hazard": scenario.hidden_hazard,
        "chain": "\n".join(f"{place}. {link}" for place, link in enumerate(scenario.causal_chain, start=1)),
    }
    if case is not None:
        shown |= {"answer": case.answer, "rubric": rubric}
    content = hash_json([task.kind, SCHEMA_VERSION, shown, item.image_sha256])
    ours = {
        "curator_task": task.id,
        "item_id": item.id,
        "item": label(task.item_number),
        "item_rev": item.round,
        "content_hash": content,
        "stage": item.stage,
        "schema_version": SCHEMA_VERSION,
    }
    return Outgoing(task.id, content, ours | shown, item.image_sha256)


def add_pictures(
    workspace: Workspace, rows: Sequence[Outgoing], *, pictures: Pictures, folder: Path | None, root: Path | None
) -> list[dict[str, Any]]:
    """Return the tasks' data with their pictures: in the task itself, by an address of ours that ends, or as files.

    Args:
        workspace: whose pictures.
        rows: the tasks.
        pictures: how.
        folder: for `files`, which the server serves: where they go, strictly inside its document root.
        root: that document root.

    Raises:
        LabelStudioRefused: the folder is not inside the root.
    """
    if pictures == "url":
        return [row.data | {"image": sign_image(workspace, row)} for row in rows]
    refs = {}
    with workspace.db.read() as session:
        for sha256 in {row.image_sha256 for row in rows if row.image_sha256}:
            refs[sha256] = get_blob(session=session, sha256=sha256)
    shown: dict[str, str] = {}
    for sha256, ref in refs.items():
        if pictures == "inline":
            shown[sha256] = f"data:{ref.mime};base64,{base64.b64encode(workspace.blobs.read(ref)).decode()}"
            continue
        where = check_folder(folder, root)
        file = where / f"{sha256}.{ref.mime.removeprefix('image/')}"
        if not file.exists():
            part = file.with_name(file.name + ".part")
            part.write_bytes(workspace.blobs.read(ref))
            shutil.move(part, file)
        assert root is not None
        shown[sha256] = f"/data/local-files/?d={file.relative_to(root.resolve()).as_posix()}"
    return [row.data | {"image": shown.get(row.image_sha256 or "", NO_PICTURE)} for row in rows]


def sign_image(workspace: Workspace, row: Outgoing) -> str:
    """Return the address of a task's picture that holds for `LIFE`; of one without a picture a blank one."""
    if row.image_sha256 is None:
        return NO_PICTURE
    settings = workspace.settings
    return sign_picture(make_key(settings), base=settings.public_url, sha256=row.image_sha256, until=utc_now() + LIFE)


def check_folder(folder: Path | None, root: Path | None) -> Path:
    """Return the folder of the pictures, made.

    Raises:
        LabelStudioRefused: one is not given, the folder is not strictly inside the root, or cannot be made.
    """
    if folder is None or root is None or root.resolve() not in folder.resolve().parents:
        raise LabelStudioRefused(
            "pictures as files need a folder inside the server's LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT, "
            f"not {folder} in {root}; give --folder and --root"
        )
    where = folder.resolve()
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise LabelStudioRefused(f"{where} cannot be made ({exc.strerror}); give another --folder") from exc
    return where


def keep_texts(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of a task that spans count in."""
    return {name: str(data[name]) for name in TEXTS if name in data}
