"""`curator init`: make or upgrade a workspace."""

from typing import Annotated

import typer


def init(
    starter: Annotated[bool, typer.Option(help="Also load the starter scenarios with their pictures.")] = False,
) -> None:
    """Make the workspace, or bring an old one to this version. Doing it again changes nothing."""
    from curator_app.actions.starting import prepare_workspace
    from curator_app.settings import load_settings

    workspace, loaded = prepare_workspace(load_settings(), starter=starter)
    typer.echo(f"The workspace {workspace.settings.home} is ready.")
    if starter:
        typer.echo(f"Starter scenarios: {loaded} loaded.")
    typer.echo("Next: `curator users add NAME --role admin`, then `curator serve`.")
    workspace.close()
