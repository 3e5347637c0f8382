"""`curator leakage`: ask people for leakage checks, and see what came of them."""

from typing import Annotated

import typer

app = typer.Typer(help="Leakage checks by people: open them, report them.", no_args_is_help=True)


@app.command("open")
def open_checks(
    batch: Annotated[str | None, typer.Option(help="Only the items of this batch, such as a run's name.")] = None,
    overlap: Annotated[
        int | None, typer.Option(help="People per item, 1 to 20; default: the workspace's setting.")
    ] = None,
) -> None:
    """Ask for a leakage check of every item in review or approved. Doing it again changes nothing."""
    from curator_app.actions import leak_checks
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace

    workspace = open_workspace(load_settings())
    try:
        done = leak_checks.open_checks(workspace, batch=batch, overlap=overlap)
    finally:
        workspace.close()
    typer.echo(f"Leakage checks: {done.opened:,} opened, {done.present_before:,} were there before.")


@app.command("report")
def report() -> None:
    """Print how often people named the hazard from the words alone, beside the detectors."""
    from curator_app.actions import leak_checks
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace

    workspace = open_workspace(load_settings())
    try:
        lines = leak_checks.describe_rates(leak_checks.read_rates(workspace))
    finally:
        workspace.close()
    if not lines:
        typer.echo("No leakage check is in yet. Open them: curator leakage open")
        return
    typer.echo("Shares with their 95% intervals (Wilson):")
    for name, rate, note in lines:
        typer.echo(f"{name:<42}  {rate:<38}  {note}".rstrip())
