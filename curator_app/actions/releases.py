"""Releases: what is approved against the quota, freezing, verifying, comparing, contents, downloads.

For the command line, the releases page and the download route. Callers check roles before they call.
"""

import io
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

from curator_app.workspace import Workspace
from pipeline.taxonomy import Taxonomy
from storage import guidelines, releases
from storage.errors import InvalidRecord, NotFound, ReleaseInvalid
from storage.records import STUDY_KINDS, Split, TaskKind
from storage.release_export import ExportFormat, export_release
from storage.release_files import (
    Release,
    ReleaseDiff,
    VerifyReport,
    diff_releases,
    list_files,
    read_release,
    verify_release,
)
from storage.release_manifest import MANIFEST
from storage.release_rows import ROWS_PER_SHARD, ReleasedItem, list_shards, read_rows
from storage.releases import ApprovedCount
from storage.tables import ReleaseRow

PACKAGE = Path(__file__).resolve().parent.parent
PAGE_SIZE = 24
_PIECE_BYTES = 1 << 18


@dataclass(frozen=True)
class QuotaLine:
    """Approved items of one category or sub-category beside its quota."""

    slug: str
    title: str
    approved: int
    released: int
    quota: int
    filled: int
    """Approved items that count: no more than the quota, summed over the sub-categories."""
    parts: tuple["QuotaLine", ...] = ()
    """The sub-categories of a category."""

    @property
    def missing(self) -> int:
        """How many more the quota wants."""
        return self.quota - self.filled


@dataclass(frozen=True)
class ReleaseLine:
    """One line of the list of releases."""

    version: str
    split: str
    notes: str
    items: int
    digest: str
    author: str
    created_at: datetime
    folder: Path


@dataclass(frozen=True)
class ContentsPage:
    """Some rows of a release, without their pictures' bytes; `image_sha256` names the picture under `/media`."""

    version: str
    items: tuple[ReleasedItem, ...]
    page: int
    """From 1."""
    pages: int
    total: int


@dataclass(frozen=True)
class Download:
    """A release as one zip file, made while it is sent."""

    file_name: str
    pieces: Iterator[bytes]


def read_quota(workspace: Workspace) -> list[QuotaLine]:
    """Return every category of the taxonomy with what is approved for a benchmark release, in the taxonomy's order.

    A sub-category that the taxonomy does not know comes last in its category, with a quota of 0.
    """
    with workspace.db.read() as session:
        counts = releases.count_approved(session=session, split=Split.BENCHMARK)
    return compare_with_quota(workspace.taxonomy, counts)


def compare_with_quota(taxonomy: Taxonomy, counts: Mapping[tuple[str, str], ApprovedCount]) -> list[QuotaLine]:
    """Return the quota lines of `taxonomy` for (category, sub-category) -> count."""
    lines = []
    for category in taxonomy.categories:
        wanted = {sub.slug: sub for sub in category.sub_categories}
        others = sorted(sub for owner, sub in counts if owner == category.slug and sub not in wanted)
        parts = tuple(
            _count_line(slug, sub.title, counts.get((category.slug, slug)), sub.quota) for slug, sub in wanted.items()
        ) + tuple(_count_line(slug, slug, counts[category.slug, slug], 0) for slug in others)
        lines.append(
            QuotaLine(
                slug=category.slug.value,
                title=category.title,
                approved=sum(part.approved for part in parts),
                released=sum(part.released for part in parts),
                quota=sum(part.quota for part in parts),
                filled=sum(part.filled for part in parts),
                parts=parts,
            )
        )
    return lines


def _count_line(slug: str, title: str, count: ApprovedCount | None, quota: int) -> QuotaLine:
    count = count or ApprovedCount(approved=0, released=0)
    return QuotaLine(slug, title, count.approved, count.released, quota, filled=min(count.approved, quota))


def read_releases(workspace: Workspace) -> list[ReleaseLine]:
    """Return all releases, the newest first."""
    with workspace.db.read() as session:
        return [_to_line(workspace, row) for row in releases.list_releases(session=session)]


def suggest_version(lines: list[ReleaseLine]) -> str:
    """Return the version after the highest: `v1.0` for the first, `v1.3` after `v1.2`."""
    numbers = [tuple(int(part) for part in line.version.removeprefix("v").split(".")) for line in lines]
    if not numbers:
        return "v1.0"
    highest = max(numbers)
    return f"v{highest[0]}.{highest[1] + 1}"


def freeze(
    workspace: Workspace,
    *,
    version: str,
    split: str,
    notes: str,
    actor: str,
    item_ids: list[str] | None = None,
) -> ReleaseLine:
    """Freeze what is approved, in one transaction; other writers wait for it.

    Raises:
        StorageError: any refusal of `storage.releases.freeze_release`.
    """
    with workspace.db.write() as session:
        row = releases.freeze_release(
            session=session,
            blobs=workspace.blobs,
            folder=workspace.releases_folder / version.strip(),
            version=version.strip(),
            split=parse_split(split),
            taxonomy=workspace.taxonomy.model_dump(mode="json"),
            prompts=_read_guidelines(session),
            code_commit=find_code_commit(),
            author=actor,
            notes=notes,
            item_ids=item_ids,
        )
        session.commit()
        return _to_line(workspace, row)


def parse_split(text: str) -> Split:
    """Return the split of that name.

    Raises:
        InvalidRecord: there is none.
    """
    try:
        return Split(text.strip().replace("-", "_"))
    except ValueError as exc:
        names = ", ".join(split.value for split in Split)
        raise InvalidRecord(f"there is no split {text!r}; choose one of {names}") from exc


def verify(workspace: Workspace, *, version: str) -> VerifyReport:
    """Verify a release of the workspace against its files and against the digest in the database.

    Raises:
        NotFound: there is no such release.
        ReleaseInvalid: it does not verify; `problems` lists everything.
    """
    line = find_line(workspace, version)
    return verify_release(line.folder, digest=line.digest)


def open_release(workspace: Workspace, *, version: str) -> Release:
    """Open a release of the workspace; its manifest is checked, its data files are not.

    Raises:
        NotFound: there is no such release.
        ReleaseInvalid: the folder is gone, or its manifest is not the one that was frozen.
    """
    line = find_line(workspace, version)
    release = read_release(line.folder, verify=False)
    if release.manifest.digest != line.digest:
        raise ReleaseInvalid([f"{MANIFEST}: this is release {release.manifest.digest}, not {line.digest}"])
    return release


def find_release(workspace: Workspace | None, name: str) -> Release:
    """Return the release that `name` means on a command line: a folder with a manifest, else a version.

    Raises:
        NotFound: it is neither.
        ReleaseInvalid: the folder is damaged.
    """
    if (Path(name) / MANIFEST).exists():
        return read_release(Path(name))
    if workspace is None:
        raise NotFound(f"{name} is no release folder, and there is no workspace to look the version up in")
    verify(workspace, version=name)
    return open_release(workspace, version=name)


def diff(workspace: Workspace, *, before: str, after: str) -> ReleaseDiff:
    """Return what changed between two releases of the workspace.

    Raises:
        NotFound: one of them does not exist.
        ReleaseInvalid: one of them is damaged.
    """
    return diff_releases(open_release(workspace, version=before), open_release(workspace, version=after))


def read_contents(workspace: Workspace, *, version: str, page: int = 1) -> ContentsPage:
    """Return one page of a release's rows; a page number out of range gives the nearest page.

    Raises:
        NotFound: there is no such release.
        ReleaseInvalid: the release is damaged.
    """
    release = open_release(workspace, version=version)
    total = release.manifest.items
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(page, 1), pages)
    first = (page - 1) * PAGE_SIZE
    names = list_shards(release.manifest.split, total)[first // ROWS_PER_SHARD :]
    rows = (row for name in names for row in read_rows(folder=release.folder, name=name, pictures=False))
    start = first % ROWS_PER_SHARD
    items = tuple(islice(rows, start, start + PAGE_SIZE))
    return ContentsPage(version=version, items=items, page=page, pages=pages, total=total)


def export(release: Release, *, form: str, folder: Path) -> int:
    """Write a release in another form into a new folder; return the number of rows.

    Raises:
        InvalidRecord: there is no such form.
        Conflict: the folder holds something already.
        ReleaseInvalid: the release is damaged.
    """
    try:
        wanted = ExportFormat(form)
    except ValueError as exc:
        names = ", ".join(known.value for known in ExportFormat)
        raise InvalidRecord(f"there is no format {form!r}; choose one of {names}") from exc
    return export_release(release=release, form=wanted, folder=folder)


def open_download(workspace: Workspace, *, version: str) -> Download:
    """Return a release as a zip file, made in pieces while it is sent.

    Whoever unpacks it has the release folder and verifies that. The same release gives the same bytes.

    Raises:
        NotFound: there is no such release.
        ReleaseInvalid: the folder is gone, or its manifest is not the one that was frozen.
    """
    release = open_release(workspace, version=version)
    names = sorted([*list_files(release.manifest), MANIFEST])
    missing = [name for name in names if not (release.folder / name).is_file()]
    if missing:
        raise ReleaseInvalid([f"{name}: missing" for name in missing])
    file_name = f"ood-mmsafe-{version}-{release.manifest.split.value}.zip"
    return Download(file_name=file_name, pieces=_zip(release.folder, names, top=version))


class _Outbox(io.RawIOBase):
    """Takes what zipfile writes, until it is sent. Not seekable, so zipfile never goes back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what has come since the last call."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def _zip(folder: Path, names: list[str], *, top: str) -> Iterator[bytes]:
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:  # the data files are compressed already
        for name in names:
            entry = zipfile.ZipInfo(f"{top}/{name}")  # with zipfile's fixed date of 1980
            entry.external_attr = 0o644 << 16
            with (folder / name).open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                while piece := source.read(_PIECE_BYTES):
                    target.write(piece)
                    yield outbox.take()
    yield outbox.take()


def find_code_commit() -> str:
    """Return the commit of this code, marked when files differ from it; the package's version outside a checkout."""
    checkout = PACKAGE.parent
    top = _ask_git(checkout, "rev-parse", "--show-toplevel")
    # An environment may lie inside somebody else's repository, whose commit says nothing about this code.
    if top is not None and Path(top).resolve() == checkout and (commit := _ask_git(checkout, "rev-parse", "HEAD")):
        changed = _ask_git(checkout, "status", "--porcelain", "--untracked-files=no")
        return f"{commit}+changes" if changed else commit
    return f"ood-mmsafe-curator {metadata.version('ood-mmsafe-curator')}"


def _ask_git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _read_guidelines(session: Any) -> dict[str, str]:
    texts = {}
    for kind in sorted(set(TaskKind) - STUDY_KINDS):  # what studies ask shapes no item
        try:
            row = guidelines.current(session=session, kind=kind)
        except NotFound:
            continue
        texts[f"guidelines/{kind.value}/{row.version}"] = row.markdown
    return texts


def find_line(workspace: Workspace, version: str) -> ReleaseLine:
    """Return one line of the list of releases.

    Raises:
        NotFound: there is no such release.
    """
    with workspace.db.read() as session:
        return _to_line(workspace, releases.get_release(session=session, version=version))


def _to_line(workspace: Workspace, row: ReleaseRow) -> ReleaseLine:
    return ReleaseLine(
        version=row.version,
        split=row.split,
        notes=row.notes,
        items=row.items,
        digest=row.digest,
        author=row.author.removeprefix("user:"),
        created_at=row.created_at,
        folder=workspace.settings.home / row.folder,
    )
