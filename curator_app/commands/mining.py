"""`curator mine`: what models failed on goes first in the queue."""

from typing import Annotated

import typer


def mine(
    from_judge_run: Annotated[str, typer.Option("--from-judge-run", help="A scored judge run of this workspace.")],
) -> None:
    """Give the items of a judge run a priority in the queue: the lower the panel's scores, the sooner they come."""
    from curator_app.actions import judge_mining
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace

    workspace = open_workspace(load_settings())
    try:
        found = judge_mining.mine(workspace, run=from_judge_run)
    finally:
        workspace.close()
    kept = f"{found.items['kept']:,} items have a priority now"
    span = f", {min(found.priorities)} to {max(found.priorities)}" if found.priorities else ""
    typer.echo(f"{kept}{span}; {found.items['known']:,} had it before.")
    others = (
        (found.items["absent"], "are not in this workspace"),
        (found.items["changed"], "have other words by now"),
        (found.items["unranked"], "were rejected, or are not before people yet"),
        (found.unscored, "have no score of the whole panel"),
    )
    for count, what in others:
        if count:
            typer.echo(f"{count:,} items {what}.")
