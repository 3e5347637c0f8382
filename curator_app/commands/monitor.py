"""`curator caspo monitor`: how a training goes, from its log files alone."""

from pathlib import Path
from typing import Annotated

import typer

ALARMED = 3
"""Exit code of a run with alarms."""


def monitor(
    folder: Annotated[Path, typer.Argument(help="Folder of a training, or one of its log files.")],
    as_json: Annotated[bool, typer.Option("--json", help="All series and alarms as JSON, a line each time.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until Ctrl-C, each time that a step was made.")
    ] = False,
) -> None:
    """Show how a training goes and what goes wrong in it. Exit code 3: there are alarms."""
    from caspo.monitor.alarms import find_alarms
    from curator_app.actions.training_monitor import watch
    from curator_app.errors import AppError

    alarms = 0
    if not folder.exists():
        raise AppError(f"{folder} is not there; name the folder of a training, or one of its log files")
    try:
        for series, shown in watch(folder, as_json=as_json, follow=follow):
            typer.echo(shown)
            alarms = len(find_alarms(series))
    except KeyboardInterrupt:
        typer.echo("")
    if alarms:
        raise typer.Exit(ALARMED)
