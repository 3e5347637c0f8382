"""Freezing approved items into a release folder, and the list of releases.

A freeze writes a hidden folder beside the final one, moves the items within the caller's transaction, and
renames the folder last. Killed in the middle it leaves the database as it was and nothing under the final name;
the next freeze removes what it left.
"""

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.audit import Tag, lock_chain, record_event
from storage.blobs import BlobStore
from storage.errors import Conflict, InvalidRecord, NotFound, ReleaseInvalid, StorageFull
from storage.items import advance, attach
from storage.locks import hold_lock
from storage.records import Provenance, ReleaseItem, Split
from storage.release_card import CardFacts, render_croissant, render_licences, render_readme
from storage.release_content import (
    ChosenItem,
    ReleaseContent,
    choose_items,
    find_audit_head,
    is_releasable,
    iterate_rows,
    refuse_changed,
)
from storage.release_files import hash_file, verify_release
from storage.release_manifest import MANIFEST, ReleaseManifest, compute_digest, encode_manifest
from storage.release_rows import list_shards, write_rows
from storage.stages import Stage
from storage.tables import ItemRow, ReleaseItemRow, ReleaseRow
from storage.texts import check_filled, check_text, utc_now

VERSION_PATTERN = r"v(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})(\.(0|[1-9][0-9]{0,3}))?"
_LOCK_NAME = ".freezing"


@dataclass(frozen=True)
class ApprovedCount:
    """Approved items of one sub-category that a benchmark release may hold."""

    approved: int
    """Waiting for a release and released."""
    released: int


def freeze_release(
    *,
    session: Session,
    blobs: BlobStore,
    folder: Path,
    version: str,
    split: Split,
    taxonomy: Mapping[str, Any],
    prompts: Mapping[str, str],
    code_commit: str,
    author: str,
    notes: str = "",
    item_ids: Sequence[str] | None = None,
    now: datetime | None = None,
) -> ReleaseRow:
    """Freeze approved items into `folder` and move the new ones to RELEASED. The caller commits.

    Takes every item at stage REVIEWED and every one already released in this split, or those of `item_ids`. The same
    content gives the same bytes, whenever and wherever it is frozen (with the same pyarrow version).

    Args:
        session: a session for writing; gets the rows and the audit event; items change their stage and split.
        blobs: where the pictures are.
        folder: the release's own folder, which must not exist; its parent is made.
        version: `v1.0` or `v1.0.2`.
        split: what the release may be used for.
        taxonomy: kept in the manifest; its titles appear in the dataset card.
        prompts: name -> full text of the prompts and guidelines used; the manifest keeps their hashes.
        code_commit: the code that froze it.
        author: who froze it, `user:NAME`; in the database only, never in the folder.
        notes: what is new; the dataset card shows it.
        item_ids: which items; None takes all that can be taken.
        now: the time to write into the database.

    Raises:
        InvalidRecord: version, notes, author or code commit cannot be used.
        Conflict: the version exists, nothing is approved, an item is not approved or belongs to another split,
            an item changed meanwhile, another freeze is running, or something else is in the folder's place.
        NotFound: an item of `item_ids` or a picture does not exist.
        StorageFull: the disk is full; nothing was kept.
    """
    now = now or utc_now()
    notes, author, code_commit = _check_request(version=version, notes=notes, author=author, code_commit=code_commit)
    if session.exec(select(ReleaseRow.id).where(ReleaseRow.version == version)).first() is not None:
        raise Conflict(f"release {version} exists already; choose a higher version")
    chosen = choose_items(session=session, split=split, item_ids=item_ids)
    facts = {"version": version, "split": split, "notes": notes, "code_commit": code_commit, "taxonomy": taxonomy}
    with _hold_releases(folder.parent), wrap_disk_errors():
        partial = folder.parent / f".{folder.name}.partial"
        try:
            manifest = _write_folder(
                session=session, blobs=blobs, folder=partial, chosen=chosen, facts=facts, prompts=prompts
            )
            row = _record_release(
                session=session, manifest=manifest, chosen=chosen, folder=folder, author=author, now=now
            )
            _publish(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return row


def list_releases(*, session: Session) -> list[ReleaseRow]:
    """Return all releases, the newest first."""
    return list(session.exec(select(ReleaseRow).order_by(col(ReleaseRow.id).desc())))


def get_release(*, session: Session, version: str) -> ReleaseRow:
    """Return a release by its version.

    Raises:
        NotFound: there is none.
    """
    row = session.exec(select(ReleaseRow).where(ReleaseRow.version == version)).first()
    if row is None:
        raise NotFound(f"there is no release {version[:80]!r}; see the list of releases (`curator release list`)")
    return row


def count_approved(*, session: Session, split: Split = Split.BENCHMARK) -> dict[tuple[str, str], ApprovedCount]:
    """Return (category, sub-category) -> the approved items that a release of `split` could hold."""
    query = (
        select(ItemRow.category, ItemRow.sub_category, ItemRow.stage, func.count())
        .where(is_releasable(split))
        .group_by(ItemRow.category, ItemRow.sub_category, ItemRow.stage)
    )
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for category, sub_category, stage, count in session.exec(query):
        counts.setdefault((category, sub_category), {})[stage] = count
    return {
        key: ApprovedCount(approved=sum(stages.values()), released=stages.get(Stage.RELEASED.value, 0))
        for key, stages in counts.items()
    }


@contextmanager
def wrap_disk_errors() -> Iterator[None]:
    """Turn the system's error for a full disk into ours."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull("the disk is full, nothing was kept; free some room and try again") from exc
        raise


def _check_request(*, version: str, notes: str, author: str, code_commit: str) -> tuple[str, str, str]:
    if not re.fullmatch(VERSION_PATTERN, version):
        raise InvalidRecord(f"version {version!r} is not of the form v1.0 or v1.0.2")
    if len(notes) > 20_000:
        raise InvalidRecord(f"the notes have {len(notes)} characters; keep them under 20,000")
    try:
        return check_text(notes).strip(), check_filled(author), check_filled(code_commit)
    except ValueError as exc:
        raise InvalidRecord(f"notes, author or code commit cannot be stored: {exc}") from exc


@contextmanager
def _hold_releases(folder: Path) -> Iterator[None]:
    """Keep other freezes out of the folder of releases, and clear what a killed one left.

    Raises:
        Conflict: another freeze is running.
    """
    busy = Conflict("another freeze is running in this workspace; wait until it is done")
    with hold_lock(folder / _LOCK_NAME, busy=busy):
        for unfinished in folder.glob(".*.partial"):
            shutil.rmtree(unfinished)
        yield


def _write_folder(
    *,
    session: Session,
    blobs: BlobStore,
    folder: Path,
    chosen: Sequence[ChosenItem],
    facts: dict[str, Any],
    prompts: Mapping[str, str],
) -> ReleaseManifest:
    """Write the complete folder, the manifest last, and return the manifest."""
    content = ReleaseContent()
    split: Split = facts["split"]
    rows = iterate_rows(session=session, blobs=blobs, chosen=chosen, content=content)
    write_rows(folder=folder, split=split, items=len(chosen), rows=rows)
    assert content.last_decision is not None
    shards = {name: hash_file(folder / name) for name in list_shards(split, len(chosen))}
    card = CardFacts(created_at=content.last_decision, **facts)
    documents = {
        "README.md": render_readme(facts=card, tally=content.tally),
        "LICENSES.md": render_licences(tally=content.tally),
        "croissant.json": render_croissant(facts=card, tally=content.tally, shards=shards),
    }
    for name, text in documents.items():
        (folder / name).write_bytes(text.encode("utf-8"))
    files = {**shards, **{name: hash_file(folder / name) for name in documents}}
    try:
        draft = ReleaseManifest(
            **facts,
            created_at=content.last_decision,
            items=content.tally.items,
            counts=content.tally.counts,
            files=files,
            rows=tuple(content.rows),
            prompts={name: hashlib.sha256(text.encode("utf-8")).hexdigest() for name, text in prompts.items()},
            audit_head=find_audit_head(session, chosen),
            digest="0" * 64,
        )
    except ValidationError as exc:
        raise InvalidRecord(f"the release cannot be described: {exc}") from exc
    manifest = draft.model_copy(update={"digest": compute_digest(draft.model_dump(mode="json"))})
    (folder / MANIFEST).write_bytes(encode_manifest(manifest))
    for path in [*folder.rglob("*"), folder]:
        _sync(path)
    return manifest


def _record_release(
    *,
    session: Session,
    manifest: ReleaseManifest,
    chosen: Sequence[ChosenItem],
    folder: Path,
    author: str,
    now: datetime,
) -> ReleaseRow:
    """Write the release, its items and the audit event into the session; move the items that are new."""
    lock_chain(session=session)
    refuse_changed(session, chosen)
    row = ReleaseRow(
        version=manifest.version,
        split=manifest.split.value,
        notes=manifest.notes,
        items=manifest.items,
        digest=manifest.digest,
        folder=f"{folder.parent.name}/{folder.name}",
        author=author,
        created_at=now,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    provenance = Provenance(actor=author, tool="storage.releases.freeze_release", created_at=now)
    for position, (item, (_, content_sha256)) in enumerate(zip(chosen, manifest.rows, strict=True)):
        record = ReleaseItem(
            item_id=item.id,
            version=manifest.version,
            split=manifest.split,
            content_sha256=content_sha256,
            provenance=provenance,
        )
        if item.stage is Stage.REVIEWED:
            moved = advance(session=session, item_id=item.id, to=Stage.RELEASED, record=record, actor=author, now=now)
            moved.split = manifest.split.value
            session.add(moved)
        else:
            attach(session=session, item_id=item.id, record=record, actor=author, now=now)
        entry = ReleaseItemRow(
            release_id=row.id, item_number=item.number, position=position, content_sha256=content_sha256
        )
        session.add(entry)
    payload = {
        "version": row.version, "split": row.split, "items": row.items, "digest": row.digest, "folder": row.folder
    }  # fmt: skip
    subject = f"release:{row.version}"
    record_event(session=session, actor=author, tag=Tag.RELEASE_FROZEN, subject=subject, payload=payload, now=now)
    return row


def _publish(partial: Path, folder: Path) -> None:
    """Give the finished folder its final name.

    A folder already there is accepted if it is this very release: a freeze that was killed between the renaming
    and the commit left it.

    Raises:
        Conflict: something else is there.
    """
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        try:
            same = (folder / MANIFEST).read_bytes() == (partial / MANIFEST).read_bytes()
            verify_release(folder)
        except (OSError, ReleaseInvalid):
            same = False
        if not same:
            raise Conflict(
                f"{folder} holds something that this database knows nothing of; move it away, or choose another version"
            )
        return
    partial.rename(folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    """Have the system write a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
