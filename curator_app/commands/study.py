"""`curator study`: people score a sample of a judge run's answers; what that says of the judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from storage.studies import StudyProgress

app = typer.Typer(help="Human studies of a judge run: create, status, close, report.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The study's name.")]


@app.command("create")
def create(
    name: Name,
    release: Annotated[str, typer.Option(help="A version in the workspace, or the folder of one of its releases.")],
    run: Annotated[str, typer.Option(help="The judge run, of that release.")],
    n: Annotated[int, typer.Option("--n", help="How many answers to draw; the paper's number is 100.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the sample and of everybody's order.", min=0)] = 0,
    stratify: Annotated[
        str, typer.Option(help="Strata, with commas: category, judge-disagreement. The figures are weighted then.")
    ] = "",
    checks: Annotated[
        Path | None,
        typer.Option(help="Attention checks: JSON lines with id, answer and known scores.", dir_okay=False),
    ] = None,
) -> None:
    """Draw answers of a judge run, and ask three annotators to score each, blind."""
    from curator_app.actions import studies
    from curator_app.actions.starting import COMMAND_LINE
    from curator_app.commands.release import workspace_here

    request = studies.StudyRequest(
        name=name,
        release=release,
        run=run,
        n=n,
        seed=seed,
        stratify=tuple(part.strip() for part in stratify.split(",") if part.strip()),
        checks=checks,
    )
    with workspace_here() as workspace:
        _show(studies.create(workspace, request, actor=COMMAND_LINE))
    typer.echo("Annotators find the answers in the app. How far they are: " + f"curator study status {name}")


@app.command("status")
def status(
    name: Annotated[str | None, typer.Argument(help="The study's name; without it all are listed.")] = None,
) -> None:
    """Show how far a study is: counts, and no scores."""
    from curator_app.actions import studies
    from curator_app.commands.release import workspace_here

    with workspace_here() as workspace:
        found = [studies.read_progress(workspace, name=name)] if name else studies.read_all(workspace)
    if not found:
        typer.echo("There is no study yet. Make one: curator study create NAME --release VERSION --run RUN")
    for progress in found:
        _show(progress)


@app.command("close")
def close(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Close it though work is left.")] = False,
) -> None:
    """Close a study. What is sent later is kept and marked late, and changes nothing."""
    from curator_app.actions import studies
    from curator_app.actions.starting import COMMAND_LINE
    from curator_app.commands.release import workspace_here

    with workspace_here() as workspace:
        _show(studies.close(workspace, name=name, actor=COMMAND_LINE, force=force))
    typer.echo(f"Next: curator study report {name}")


@app.command("report")
def report(name: Name) -> None:
    """Write and print the report of a closed study."""
    from curator_app.actions import studies
    from curator_app.commands.release import workspace_here

    with workspace_here() as workspace:
        markdown, folder = studies.write_report(workspace, name=name)
    typer.echo(markdown)
    typer.echo(f"Written: {folder / 'report.json'}, {folder / 'report.md'}")


def _show(progress: StudyProgress) -> None:
    typer.echo(f"Study {progress.name}: {progress.state}; release {progress.release}, judge run {progress.run}")
    lines = [
        ("answers drawn", progress.answers),
        ("attention checks", progress.attention_checks),
        ("scores sent", f"{progress.submitted} of {progress.needed}"),
        ("all agreed", progress.agreed),
        ("settled by consensus", progress.settled),
        ("to be settled", progress.to_settle),
        ("late", progress.late),
    ]
    lines += [(f"annotator {place}, {who}", sent) for place, (who, sent) in enumerate(progress.people, start=1)]
    for what, count in lines:
        typer.echo(f"  {what:<22} {count:>10}")
    if progress.left and progress.state != "closed":
        typer.echo(f"  left: {'; '.join(progress.left)}")
