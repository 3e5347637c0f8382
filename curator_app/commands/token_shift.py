"""`curator token-shift`: which words of its answers a policy, or a constitution, moves."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curator_app.commands.judge import Constitutions


class Direction(StrEnum):
    """Which way the divergence goes."""

    FORWARD = "forward"
    REVERSE = "reverse"


class Precision(StrEnum):
    """Of the weights."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def token_shift(
    answers: Annotated[str, typer.Argument(help="A judge run's name, or a .jsonl file with query and answer.")],
    model: Annotated[str, typer.Option(help="The model: a folder, or a name on the hub.")],
    to: Annotated[Path, typer.Option(help="Folder for token-shift.json, .md and .html.", file_okay=False)],
    reference: Annotated[str | None, typer.Option(help="The model to compare with, such as its base.")] = None,
    constitutions: Constitutions = None,
    top: Annotated[int, typer.Option(help="Tokens of an answer that count; the paper's number is 5.", min=1)] = 5,
    direction: Annotated[
        Direction, typer.Option(help="forward: of the model from the reference; reverse: the other way round.")
    ] = Direction.FORWARD,
    limit: Annotated[int | None, typer.Option(help="Only so many answers, the first ones.", min=1)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps or xpu.")] = "auto",
    dtype: Annotated[Precision, typer.Option(help="Precision of the weights.")] = Precision.FLOAT32,
    tagger: Annotated[
        str | None, typer.Option(help="A spaCy pipeline, for other languages than English; default: the extra's.")
    ] = None,
) -> None:
    """Give answers to two models, or to one with and without constitutions, and tell which words moved."""
    from rich.console import Console
    from rich.progress import Progress

    from curator_app.actions.token_shift import NAME, ShiftRequest, analyse
    from curator_app.commands.judge import make_place, name_constitutions
    from curator_app.commands.release import optional_workspace
    from judge.token_shift_text import show_shift_markdown

    request = ShiftRequest(
        answers=answers,
        model=model,
        reference=reference,
        constitutions=name_constitutions(constitutions),
        top=top,
        direction=direction.value,
        limit=limit,
        device=device,
        dtype=dtype.value,
        tagger=tagger,
    )
    console = Console(stderr=True)
    with optional_workspace() as workspace, Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("answers", total=limit)
        report = analyse(
            make_place(None, None, None),
            request,
            to=to,
            workspace=workspace,
            observer=lambda done: progress.update(bar, completed=done),
        )
    typer.echo(show_shift_markdown(report))
    typer.echo(f"Written: {', '.join(str(to / f'{NAME}.{form}') for form in ('json', 'md', 'html'))}")
