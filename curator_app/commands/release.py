"""`curator release`: freeze, list, verify, compare and export releases."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from curator_app.workspace import Workspace
    from storage.release_files import ReleaseDiff

app = typer.Typer(help="Releases: freeze, list, verify, diff, export.", no_args_is_help=True)

Version = Annotated[str, typer.Argument(help="The release's version, for instance v1.0.")]
Source = Annotated[str, typer.Argument(help="A version in the workspace, or a release folder.")]
SHOWN_CHARACTERS = 600


@app.command("freeze")
def freeze(
    version: Version,
    split: Annotated[str, typer.Option(help="What it may be used for: benchmark, train or held_out.")] = "benchmark",
    notes: Annotated[str, typer.Option(help="What is new; shown in the dataset card.")] = "",
    items: Annotated[
        Path | None,
        typer.Option(help="File with one item id per line; default: everything approved.", dir_okay=False, exists=True),
    ] = None,
) -> None:
    """Freeze the approved items into a release folder that can be verified."""
    from curator_app.actions import releases
    from curator_app.actions.starting import COMMAND_LINE

    ids = None if items is None else items.read_text(encoding="utf-8").split()
    with workspace_here() as workspace:
        line = releases.freeze(
            workspace, version=version, split=split, notes=notes, actor=COMMAND_LINE, item_ids=ids
        )  # fmt: skip
    typer.echo(f"Froze {line.items} items as {line.version}, {line.split}.")
    typer.echo(f"folder  {line.folder}")
    typer.echo(f"digest  {line.digest}")


@app.command("list")
def list_releases() -> None:
    """List the releases of the workspace, the newest first."""
    from curator_app.actions import releases

    with workspace_here() as workspace:
        lines = releases.read_releases(workspace)
    if not lines:
        typer.echo("There is no release yet. Make one: curator release freeze v1.0")
    for line in lines:
        typer.echo(
            f"{line.version:<10} {line.split:<10} {line.items:>6} items  {line.created_at:%Y-%m-%d}  {line.digest}"
        )


@app.command("verify")
def verify(
    folder: Annotated[Path, typer.Argument(help="The release folder.")],
    digest: Annotated[str | None, typer.Option(help="The digest that the release was cited under.")] = None,
) -> None:
    """Check every byte and every row of a release folder; exit 1 and list each problem. Needs no workspace."""
    from storage.errors import ReleaseInvalid
    from storage.release_files import verify_release

    try:
        report = verify_release(folder, digest=digest)
    except ReleaseInvalid as exc:
        for problem in exc.problems:
            typer.echo(f"BAD  {_show(problem)}")
        count = len(exc.problems)
        typer.echo(
            f"{_show(str(folder))} is not the release it was: {count} problem{'s' if count > 1 else ''}.", err=True
        )
        raise typer.Exit(1) from None
    typer.echo(f"ok   {report.version}, {report.split}: {report.items} items, {report.files} files.")
    typer.echo(f"digest  {report.digest}")


@app.command("diff")
def diff(before: Source, after: Source) -> None:
    """Show what changed from one release to another, field by field."""
    from curator_app.actions import releases
    from storage.release_files import diff_releases

    with optional_workspace() as workspace:
        old, new = releases.find_release(workspace, before), releases.find_release(workspace, after)
        _print_diff(diff_releases(old, new))


@app.command("export")
def export(
    version: Source,
    to: Annotated[Path, typer.Option("--to", help="A new folder.", file_okay=False)],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="jsonl (a row per line, pictures beside it), imagefolder (as `datasets` reads it), csv (for "
            "spreadsheets), parquet (a copy of the release folder, which verifies).",
        ),
    ] = "jsonl",
) -> None:
    """Write a release in another form. It is verified first."""
    from curator_app.actions import releases

    with optional_workspace() as workspace:
        count = releases.export(releases.find_release(workspace, version), form=form, folder=to)
    typer.echo(f"Wrote {count} rows as {form} to {to}.")


@contextmanager
def workspace_here() -> "Iterator[Workspace]":
    """Yield the workspace, and close it."""
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace

    workspace = open_workspace(load_settings())
    try:
        yield workspace
    finally:
        workspace.close()


@contextmanager
def optional_workspace() -> "Iterator[Workspace | None]":
    """Yield the workspace if there is one: a release folder can be used without."""
    from curator_app.settings import load_settings
    from curator_app.workspace import find_revision, open_workspace

    settings = load_settings()
    workspace = open_workspace(settings) if find_revision(settings) is not None else None
    try:
        yield workspace
    finally:
        if workspace is not None:
            workspace.close()


def _print_diff(changes: "ReleaseDiff") -> None:
    for mark, rows in (("+", changes.added), ("-", changes.removed)):
        for row in rows:
            typer.echo(f"{mark} {row.label} ({row.id})  {_show(row.query)}")
    for change in changes.changed:
        typer.echo(f"~ {change.item.label} ({change.item.id})  {_show(change.item.query)}")
        for field in change.fields:
            typer.echo(f"    {field.name}: {_show(str(field.before))} -> {_show(str(field.after))}")
    typer.echo(
        f"{len(changes.added)} added, {len(changes.removed)} removed, {len(changes.changed)} changed, "
        f"{changes.unchanged} unchanged."
    )


def _show(text: str) -> str:
    """Return `text` on one line and without control characters, which could drive the terminal."""
    shown = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + " …"
