"""`curator import`: what comes from outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from curator_app.actions.photos import ImportedFile
    from judge.adapters.imported import ImportSummary

app = typer.Typer(help="Bring in what comes from outside.", no_args_is_help=True)
WORDS = {"taken": "taken", "known": "known before", "near_duplicate": "near-duplicate", "refused": "refused"}


@app.command("images")
def images(
    folder: Annotated[Path, typer.Argument(help="A folder of photos.", file_okay=False, exists=True)],
    licence: Annotated[str, typer.Option(help="Licence of the photos, as in CC-BY-4.0.")] = "",
    source: Annotated[str, typer.Option(help="Where they came from: an address, or who took them.")] = "",
    author: Annotated[str, typer.Option(help="Who made them; licences of the kind CC-BY ask for it.")] = "",
    batch: Annotated[str, typer.Option(help="A name for this import, for use in a run's config.")] = "photos",
) -> None:
    """Import photos for scenarios. photos.csv or photos.jsonl in the folder says more of single files."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from curator_app.actions.photos import import_photos
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace

    console = Console(stderr=True)
    columns = [TextColumn("photos"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    workspace = open_workspace(load_settings())
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("photos", total=None)
            results = import_photos(
                workspace,
                folder=folder,
                licence=licence,
                source=source,
                author=author,
                batch=batch,
                observer=lambda done, of: progress.update(bar, completed=done, total=of),
            )
    finally:
        workspace.close()
    _show(results)


@app.command("hazard-world")
def hazard_world(
    count: Annotated[int, typer.Option(help="How many scenes.", min=1, max=10_000)] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same scenes.", min=0)] = 1,
) -> None:
    """Add scenes of HazardWorld, a toy world with exact ground truth, as the batch hazard_world."""
    from curator_app.actions.starting import add_hazard_world
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace
    from pipeline.hazard_world.world import NOTICE

    workspace = open_workspace(load_settings())
    try:
        added, present = add_hazard_world(workspace, count=count, seed=seed)
    finally:
        workspace.close()
    typer.echo(f"{added} scenes added to the batch hazard_world, {present} were there before. {NOTICE}")


@app.command("benchmark")
def benchmark(
    name: Annotated[str, typer.Argument(help="Which benchmark, as in siuo; a wrong name lists them all.")],
    path: Annotated[Path, typer.Argument(help="Its file, or the folder with its files.")],
    pictures: Annotated[
        Path | None,
        typer.Option(help="Folder of the pictures; default: beside the file.", file_okay=False, exists=True),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Import also when pictures are missing.")
    ] = False,
) -> None:
    """Import a public benchmark: check its files, show what is in them, keep its items for judge runs."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from curator_app.actions.benchmarks import import_into_workspace
    from curator_app.errors import AppError
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace

    console = Console(stderr=True)
    columns = [SpinnerColumn(), TextColumn("{task.completed:.0f} items"), TimeElapsedColumn()]
    workspace = open_workspace(load_settings())
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("items", total=None)
            summary = import_into_workspace(
                workspace,
                name=name,
                path=path,
                pictures=pictures,
                allow_missing=allow_missing,
                observer=lambda done: progress.update(bar, completed=done),
            )
    finally:
        workspace.close()
    _show_benchmark(summary)
    if summary.problem:
        raise AppError(_plain(summary.problem))
    typer.echo(f"{'Unchanged since an earlier import' if summary.known else 'Written'}: {summary.folder}")


def _show_benchmark(summary: ImportSummary) -> None:
    facts = summary.facts
    subsets = [
        f"{name or 'all'} {count}" + (f" of {facts.published[name]} published" if name in facts.published else "")
        for name, count in sorted(summary.items.items())
    ]
    rows = [
        ("benchmark", facts.title),
        ("licence", facts.licence),
        ("version", facts.version),
        *(("file", f"{name}  sha256 {sha256}") for name, sha256 in summary.files.items()),
        ("items", f"{summary.items.total()}: {', '.join(subsets)}"),
        ("pictures", f"{summary.found} found, {summary.missing} missing"),
    ]
    if summary.empty:
        rows.append(("no question", f"{len(summary.empty)} items, the first is {summary.empty[0]}"))
    rows += [
        ("category", f"{count:>6}  {name or '(none given)'}") for name, count in sorted(summary.categories.items())
    ]
    for title, value in rows:
        typer.echo(f"{title:<12} {_plain(value)}")


def _show(results: list[ImportedFile]) -> None:
    for result in results:
        if result.outcome != "taken":
            typer.echo(f"{WORDS[result.outcome]:<15} {_plain(result.name)}: {_plain(result.reason)}")
    counts = [(word, sum(result.outcome == outcome for result in results)) for outcome, word in WORDS.items()]
    typer.echo(f"{len(results)} files: " + ", ".join(f"{count} {word}" for word, count in counts) + ".")


def _plain(text: str) -> str:
    """Return `text` without characters that could drive the terminal."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)
