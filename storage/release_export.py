"""Other forms of a release, for tools that do not read its parquet files.

The release folder stays the thing to cite: only it can be verified. Each export names the digest it came from.
"""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from storage.errors import Conflict
from storage.release_files import Release, list_files
from storage.release_manifest import MANIFEST
from storage.release_rows import SCHEMA, ReleasedItem

# A spreadsheet takes a cell that begins like this for a formula and runs it.
_FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")


class ExportFormat(StrEnum):
    """The forms that a release can be exported to."""

    JSONL = "jsonl"
    """`items.jsonl`, a row per line, and the pictures in `images/`."""
    IMAGEFOLDER = "imagefolder"
    """`<split>/metadata.jsonl` beside the pictures, as `datasets` reads it."""
    CSV = "csv"
    """`items.csv` for spreadsheets, and the pictures in `images/`. Lists are JSON within a cell."""
    PARQUET = "parquet"
    """A copy of the whole release folder, which verifies like the original."""


def export_release(*, release: Release, form: ExportFormat, folder: Path) -> int:
    """Write `release` in another form into `folder`, which must not exist or be empty; return the number of rows.

    Nothing is left under the name `folder` when the export fails or is stopped.

    Raises:
        Conflict: the folder holds something already.
        ReleaseInvalid: a data file of the release is missing or damaged.
    """
    folder = Path(folder).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} holds something already; name a new folder")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _WRITERS[form](release, partial)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return release.manifest.items


def _write_jsonl(release: Release, folder: Path) -> None:
    (folder / "images").mkdir()
    with (folder / "items.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for row in release.items:
            cells = _to_cells(row) | _write_pictures(row, folder, "images")
            file.write(json.dumps(cells, ensure_ascii=False) + "\n")
    text = "`items.jsonl` holds a row per line; `image` and `twin_image` name the pictures' files."
    _write_readme(release, folder, text)


def _write_imagefolder(release: Release, folder: Path) -> None:
    split = release.manifest.split.value
    (folder / split).mkdir()
    with (folder / split / "metadata.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for row in release.items:
            cells = _to_cells(row)
            names = _write_pictures(row, folder / split, "")
            for name in names:
                del cells[name]
            # `datasets` makes a picture of every column whose name ends so.
            files = {"file_name": names["image"], "twin_image_file_name": names["twin_image"]}
            file.write(json.dumps(files | cells, ensure_ascii=False) + "\n")
    configs = [{"config_name": "default", "data_files": [{"split": split, "path": f"{split}/**"}]}]
    front = yaml.safe_dump({"configs": configs}, sort_keys=False)
    text = "Load it with `datasets.load_dataset(FOLDER)`. Rows without a picture have no file name."
    _write_readme(release, folder, text, front=f"---\n{front}---\n\n")


def _write_csv(release: Release, folder: Path) -> None:
    (folder / "images").mkdir()
    # The mark at the start tells spreadsheets that the text is UTF-8.
    with (folder / "items.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SCHEMA.names)
        for row in release.items:
            cells = _to_cells(row) | _write_pictures(row, folder, "images")
            writer.writerow([_to_csv(cells[name]) for name in SCHEMA.names])
    text = (
        "`items.csv` is for spreadsheets. Lists are JSON within a cell; a text that a spreadsheet would take for a "
        "formula begins with an apostrophe. `image` and `twin_image` name the pictures' files."
    )
    _write_readme(release, folder, text)


def _write_parquet(release: Release, folder: Path) -> None:
    for name in [*list_files(release.manifest), MANIFEST]:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(release.folder / name, folder / name, follow_symlinks=False)


_WRITERS: dict[ExportFormat, Callable[[Release, Path], None]] = {
    ExportFormat.JSONL: _write_jsonl,
    ExportFormat.IMAGEFOLDER: _write_imagefolder,
    ExportFormat.CSV: _write_csv,
    ExportFormat.PARQUET: _write_parquet,
}


def _to_cells(row: ReleasedItem) -> dict[str, Any]:
    cells = asdict(row)
    return {name: cells[name] for name in SCHEMA.names}


def _write_pictures(row: ReleasedItem, folder: Path, place: str) -> dict[str, str | None]:
    """Write the pictures of a row and its twin; return column -> path below `folder`, None without a picture."""
    pictures = {"image": (row.image, row.image_path), "twin_image": (row.twin_image, row.twin_image_path)}
    written: dict[str, str | None] = {}
    for column, (data, name) in pictures.items():
        written[column] = None
        if data is not None and name is not None:
            path = Path(place) / Path(name).name  # a release that was not verified could name any path
            (folder / path).write_bytes(data)
            written[column] = path.as_posix()
    return written


def _to_csv(value: Any) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(_FORMULA_MARKS) else text


def _write_readme(release: Release, folder: Path, text: str, *, front: str = "") -> None:
    manifest = release.manifest
    body = (
        f"# Export of release {manifest.version}, {manifest.split.value}\n\n{text}\n\n"
        f"{manifest.items} rows, from the release with digest `{manifest.digest}`. Cite and verify that one; this "
        "export carries no checksums. `LICENSES.md` lists the licences.\n"
    )
    (folder / "README.md").write_text(front + body, encoding="utf-8")
    shutil.copyfile(release.folder / "LICENSES.md", folder / "LICENSES.md")
