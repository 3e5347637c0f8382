"""Importing a folder of photos: licence, source and author first, then the safe intake, one file at a time."""

import csv
import hashlib
import io
import json
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from curator_app.errors import AppError
from curator_app.workspace import Workspace
from storage.errors import Conflict, ImageRefused, InvalidRecord
from storage.images import CleanImage, ImageLimits, clean_image
from storage.photos import PhotoFacts, add_photo, asks_for_author, find_near, find_photo, make_facts
from storage.records import Frozen

SIDECARS = ("photos.csv", "photos.jsonl")
COMMAND_LINE = "command-line"
FileOutcome = Literal["taken", "known", "near_duplicate", "refused"]


class PhotosRefused(AppError):
    """An import cannot start; the message says why and what to do."""


class SidecarRow(Frozen):
    """What a sidecar file says of one photo; what it leaves empty comes from the options."""

    file: str
    licence: str = ""
    source: str = ""
    author: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SharedFacts:
    """What the options say of every photo for which the sidecar says nothing."""

    licence: str = ""
    source: str = ""
    author: str = ""
    batch: str = "photos"


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of one file."""

    name: str
    outcome: FileOutcome
    reason: str = ""
    sha256: str = ""


def import_photos(
    workspace: Workspace,
    *,
    folder: Path,
    licence: str = "",
    source: str = "",
    author: str = "",
    batch: str = "photos",
    observer: Callable[[int, int], None] | None = None,
) -> list[ImportedFile]:
    """Import every file of a folder; a file that cannot be taken is a row with its reason and stops no other.

    Args:
        workspace: where to.
        folder: looked through with its sub-folders; links and hidden files are left alone.
        licence: of every photo for which the sidecar names none.
        source: likewise.
        author: likewise; licences of the kind CC BY demand one.
        batch: the name of this import.
        observer: called with (files done, files in all).

    Raises:
        PhotosRefused: the folder or its sidecar cannot be used, or neither gives a licence, a source, or the author
            whom every licence asks for.
        StorageError: the database or the blob store cannot go on; what was taken before stays.
    """
    rows = _read_sidecar(folder)
    shared = SharedFacts(licence, source, author, batch)
    _demand_facts(folder, rows, shared)
    names = _list_files(folder)
    results = []
    for done, name in enumerate(names, 1):
        said = rows.get(name, SidecarRow(file=name))
        results.append(_import_file(workspace, folder / name, said, shared))
        if observer:
            observer(done, len(names))
    missing = sorted(rows.keys() - set(names))
    return results + [ImportedFile(name, "refused", "the sidecar names it and it is not there") for name in missing]


def _import_file(workspace: Workspace, path: Path, said: SidecarRow, shared: SharedFacts) -> ImportedFile:
    try:
        facts = make_facts(
            licence=said.licence or shared.licence,
            source=said.source or shared.source,
            author=said.author or shared.author,
            description=said.description,
            file_name=said.file,
            batch=shared.batch,
        )
        picture = clean_image(_read_bytes(path))
    except (ImageRefused, InvalidRecord) as exc:
        return ImportedFile(said.file, "refused", str(exc))
    return _keep(workspace, picture, facts)


def _keep(workspace: Workspace, picture: CleanImage, facts: PhotoFacts) -> ImportedFile:
    name, sha256 = facts.file_name, hashlib.sha256(picture.data).hexdigest()
    with workspace.db.write() as session:
        known = find_photo(session=session, sha256=sha256)
        if known is not None:
            told = f"imported before as {known.facts.file_name}, licence {known.facts.licence}; nothing changed"
            return ImportedFile(name, "known", told, sha256)
        near = find_near(session=session, phash=picture.phash)
        if near is not None:
            return ImportedFile(name, "near_duplicate", f"looks the same as the stored picture {near[:16]}", sha256)
        try:
            add_photo(session=session, blobs=workspace.blobs, picture=picture, facts=facts, actor=COMMAND_LINE)
        except Conflict as exc:  # another import was faster
            return ImportedFile(name, "known", str(exc), sha256)
        session.commit()
    return ImportedFile(name, "taken", sha256=sha256)


def _read_bytes(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises:
        ImageRefused: it is a link, no file, too large, or cannot be read.
    """
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise ImageRefused("it is a link or no regular file; copy the picture itself into the folder")
        if found.st_size > (most := ImageLimits().max_bytes):
            raise ImageRefused(f"the file has {found.st_size:,} bytes, more than {most:,}; scale the picture down")
        return path.read_bytes()
    except OSError as exc:
        raise ImageRefused(f"the file cannot be read: {exc.strerror}") from exc


def _list_files(folder: Path) -> list[str]:
    """Return the files of the folder and its sub-folders, relative to it, in order."""
    found = []
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if any(part.startswith(".") for part in inside.parts) or str(inside) in SIDECARS:
            continue
        if path.is_symlink() or not path.is_dir():
            found.append(inside.as_posix())
    return sorted(found)


def _demand_facts(folder: Path, rows: Mapping[str, SidecarRow], shared: SharedFacts) -> None:
    for name, given in (("licence", shared.licence), ("source", shared.source)):
        if not given.strip() and not any(getattr(row, name).strip() for row in rows.values()):
            raise PhotosRefused(
                f"no {name} is given for the photos in {folder}: give --{name}, or a column `{name}` in "
                f"{folder / SIDECARS[0]}; a photo without one cannot be used"
            )
    if asks_for_author(shared.licence) and not shared.author.strip() and not rows:
        raise PhotosRefused(
            f"the licence {shared.licence.strip()} asks that the author be named, and none is given for the photos in "
            f"{folder}: give --author, or a column `author` in {folder / SIDECARS[0]}"
        )


def _read_sidecar(folder: Path) -> dict[str, SidecarRow]:
    """Return file -> what the folder's sidecar says of it; nothing when there is none."""
    present = [folder / name for name in SIDECARS if (folder / name).is_file()]
    if len(present) > 1:
        raise PhotosRefused(f"{folder} holds {' and '.join(SIDECARS)}; keep one of them")
    rows: dict[str, SidecarRow] = {}
    for path in present:
        for number, fields in _read_entries(path):
            try:
                row = SidecarRow.model_validate(fields)
            except ValidationError as exc:
                wrong = exc.errors(include_url=False, include_context=False)[0]
                place = ".".join(map(str, wrong["loc"]))
                raise PhotosRefused(f"{path}, entry {number}: `{place}`: {wrong['msg']}") from exc
            name = Path(row.file).as_posix()
            if name in rows:
                raise PhotosRefused(f"{path}, entry {number}: {name} is named twice; keep one of them")
            rows[name] = row.model_copy(update={"file": name})
    return rows


def _read_entries(path: Path) -> list[tuple[int, dict[str, object]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".csv":
            rows = list(csv.DictReader(io.StringIO(text, newline=""), restkey="(more cells than columns)"))
            entries = [{key: value for key, value in row.items() if value is not None} for row in rows]
        else:
            entries = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError, csv.Error) as exc:
        raise PhotosRefused(f"{path} cannot be read: {exc}") from exc
    return list(enumerate(entries, 1))
