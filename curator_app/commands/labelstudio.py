"""`curator labelstudio`: our tasks in Label Studio, and its annotations back."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="Keep in step with Label Studio: push, pull, status.", no_args_is_help=True)


class Kind(StrEnum):
    """What can be asked there."""

    SCENARIO_REVIEW = "scenario_review"
    LEAKAGE_CHECK = "leakage_check"
    JUDGE_AUDIT = "judge_audit"
    FAILURE_LABELS = "failure_labels"


class Pictures(StrEnum):
    """How pictures get there."""

    INLINE = "inline"
    URL = "url"
    FILES = "files"


_TRAVEL: dict[Pictures, Literal["inline", "url", "files"]] = {
    Pictures.INLINE: "inline", Pictures.URL: "url", Pictures.FILES: "files",
}  # fmt: skip


@app.command("push")
def push(
    kind: Annotated[Kind, typer.Argument(help="What is asked.")],
    study: Annotated[str, typer.Option(help="The open study; for judge_audit and failure_labels.")] = "",
    person: Annotated[str, typer.Option(help="A project for this account only; a study needs one for each.")] = "",
    pictures: Annotated[
        Pictures, typer.Option(help="In the tasks, by an address of ours that ends, or as files.")
    ] = Pictures.INLINE,
    folder: Annotated[Path | None, typer.Option(help="Where the files go, inside --root.", file_okay=False)] = None,
    root: Annotated[Path | None, typer.Option(help="The server's document root for files.", file_okay=False)] = None,
    again: Annotated[bool, typer.Option("--again", help="Push again what was deleted there.")] = False,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="With what the filters found; only with scenario_review.")
    ] = False,
    renew: Annotated[bool, typer.Option("--renew", help="New addresses for all pictures of open tasks.")] = False,
) -> None:
    """Push the open tasks of a kind that are not there yet. Doing it again adds nothing."""
    from curator_app.actions.label_studio_jobs import connect
    from curator_app.commands.release import workspace_here
    from curator_app.labelstudio import pushing
    from storage.records import TaskKind

    request = pushing.PushRequest(
        kind=TaskKind(kind.value),
        study=study,
        person=person,
        pictures=_TRAVEL[pictures],
        folder=folder,
        root=root,
        again=again,
        renew=renew,
        predictions=predictions,
    )
    with workspace_here() as workspace:
        report = pushing.push(workspace, connect(workspace), request)
    typer.echo("\n".join(report.to_lines()))


@app.command("pull")
def pull(
    person: Annotated[
        list[str] | None,
        typer.Option(help="EMAIL=ACCOUNT, where an account is not called like the e-mail. Kept; may be repeated."),
    ] = None,
) -> None:
    """Pull what changed in every project that was pushed to this server."""
    from curator_app.actions.label_studio_jobs import connect
    from curator_app.commands.release import workspace_here
    from curator_app.errors import LabelStudioRefused
    from curator_app.labelstudio import pulling

    people = dict(each.partition("=")[::2] for each in person or [])
    wrong = [email for email, name in people.items() if not email or not name]
    if wrong:
        raise LabelStudioRefused(f"--person {wrong[0]!r} is not EMAIL=ACCOUNT, like ann@example.com=ann")
    with workspace_here() as workspace:
        reports = pulling.pull(workspace, connect(workspace), people=people)
    if not reports:
        typer.echo("Nothing was pushed to this server yet. Push: curator labelstudio push scenario_review")
    for report in reports:
        for line in report.to_lines():
            typer.echo(line)
    refused = [report.refused for report in reports if report.refused]
    if refused:
        raise LabelStudioRefused("\n".join(refused))


@app.command("status")
def status() -> None:
    """Tell what was pushed and pulled, and what is in nobody's count; asks no server."""
    from curator_app.commands.release import workspace_here
    from curator_app.labelstudio import status as reading

    with workspace_here() as workspace:
        lines = reading.read_status(workspace)
    typer.echo("\n".join(lines) or "Nothing was pushed yet. Push: curator labelstudio push scenario_review")
