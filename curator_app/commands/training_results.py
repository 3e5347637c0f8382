"""`curator caspo export` and `curator caspo evaluate`: what a training on verl came to, as a folder and in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[str, typer.Argument(help="A training of the workspace, or the folder of one.")],
    to: Annotated[Path, typer.Option(help="Folder of the model; it must not exist.", file_okay=False)],
    step: Annotated[int | None, typer.Option(help="Of the checkpoint; default: the last one that is whole.")] = None,
    release: Annotated[
        list[Path] | None,
        typer.Option(help="A release folder that the model card is to tell about, beside the workspace's; repeat it."),
    ] = None,
) -> None:
    """Merge a checkpoint into a folder that transformers loads, compare the two, and write the model card."""
    from curator_app.actions.training_exports import export_model
    from curator_app.commands.release import optional_workspace
    from curator_app.settings import load_settings

    with optional_workspace() as workspace:
        done = export_model(
            load_settings().home, workspace, run=run, to=to, step=step, releases=tuple(release or ()), tell=typer.echo
        )
    found = done.facts["comparison"]
    typer.echo(
        f"{found['tokens']} tokens of answers to {len(found['rows'])} rows: log-probabilities differ by at most "
        f"{found['merged_max']:.2g} nats from those of the checkpoint in {found['dtype']} ({found['tolerance']:g} are "
        f"allowed); rounding to it moves them by {found['rounded_mean']:.2g} on average, {found['rounded_max']:.2g} at "
        "most."
    )
    typer.echo(f"Written: {done.folder}")
