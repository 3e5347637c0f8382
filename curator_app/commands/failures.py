"""`curator failures`: people say how those answers of a judge run fail that the judge scored as failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from storage.studies import StudyProgress

app = typer.Typer(help="How answers fail, as people label it: create, status, close, report.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The study's name.")]


@app.command("create")
def create(
    name: Name,
    release: Annotated[str, typer.Option(help="A version in the workspace, or the folder of one of its releases.")],
    run: Annotated[str, typer.Option(help="The judge run, of that release.")],
    n: Annotated[int | None, typer.Option("--n", help="How many answers to draw; default: all that failed.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample and of everybody's order.", min=0)] = 0,
    annotators: Annotated[int, typer.Option(help="How many people label each answer.", min=1, max=20)] = 3,
) -> None:
    """Draw answers that the judge scored as failed (R 0 or S 0), and ask people to label each."""
    from curator_app.actions import failures
    from curator_app.actions.starting import COMMAND_LINE
    from curator_app.commands.release import workspace_here

    request = failures.FailureRequest(name=name, release=release, run=run, n=n, seed=seed, annotators=annotators)
    with workspace_here() as workspace:
        _show(failures.create(workspace, request, actor=COMMAND_LINE))
    typer.echo(f"Annotators find the answers in the app. How far they are: curator failures status {name}")


@app.command("status")
def status(
    name: Annotated[str | None, typer.Argument(help="The study's name; without it all are listed.")] = None,
) -> None:
    """Show how far a study of failures is: counts, and no labels."""
    from curator_app.actions import failures
    from curator_app.commands.release import workspace_here

    with workspace_here() as workspace:
        found = [failures.read_progress(workspace, name=name)] if name else failures.read_all(workspace)
    if not found:
        typer.echo("There is no study of failures yet. Make one: curator failures create NAME --release R --run RUN")
    for progress in found:
        _show(progress)


@app.command("close")
def close(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Close it though work is left.")] = False,
) -> None:
    """Close a study of failures. What is sent later is kept and marked late, and changes nothing."""
    from curator_app.actions import failures
    from curator_app.actions.starting import COMMAND_LINE
    from curator_app.commands.release import workspace_here

    with workspace_here() as workspace:
        _show(failures.close(workspace, name=name, actor=COMMAND_LINE, force=force))
    typer.echo(f"Next: curator failures report {name}")


@app.command("report")
def report(
    names: Annotated[list[str], typer.Argument(help="Names of closed studies; several make one map of their models.")],
) -> None:
    """Write and print how people labelled closed studies: agreement on each label, and the failure map."""
    from curator_app.actions import failures
    from curator_app.commands.release import workspace_here

    with workspace_here() as workspace:
        markdown, folder = failures.write_report(workspace, names=names)
    typer.echo(markdown)
    typer.echo(f"Written: {folder / 'report.json'}, {folder / 'report.md'}, {folder / 'report.html'}")


def _show(progress: StudyProgress) -> None:
    typer.echo(f"Failures {progress.name}: {progress.state}; release {progress.release}, judge run {progress.run}")
    lines = [
        ("answers drawn", progress.answers),
        ("labels sent", f"{progress.submitted} of {progress.needed}"),
        ("answers finished", progress.agreed),
        ("late", progress.late),
    ]
    lines += [(f"person {place}, {who}", sent) for place, (who, sent) in enumerate(progress.people, start=1)]
    for what, count in lines:
        typer.echo(f"  {what:<22} {count:>10}")
    if progress.left and progress.state != "closed":
        typer.echo(f"  left: {'; '.join(progress.left)}")
