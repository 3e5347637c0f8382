"""`curator caspo wind-tunnel`: the whole method on a tiny model in a toy world, on this machine's cores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from caspo.wind_tunnel.run import Progress
    from curator_app.actions.wind_tunnel import TunnelEnd

app = typer.Typer(help="CASPO: training against hidden consequences.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `caspo` a group while it has one command."""


@app.command("wind-tunnel")
def wind_tunnel(
    quick: Annotated[
        bool, typer.Option("--quick", help="A small part of the world, two arms, one seed: minutes, decides nothing.")
    ] = False,
    seeds: Annotated[int | None, typer.Option(help="Seeds of RL on each stage 0; default 3, quick 1.", min=1)] = None,
    stage_zero_seeds: Annotated[
        int | None, typer.Option(help="How often stage 0 is made anew; default 2, quick 1.", min=1)
    ] = None,
    arms: Annotated[str | None, typer.Option(help="Only these arms, with commas; default: all.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of trainings and report; default: wind-tunnel in the workspace.", file_okay=False),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes, a core each; default: all cores.", min=1)] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Start RL although stage 0 did not pass its gate; the report says so.")
    ] = False,
) -> None:
    """Train a tiny model in a toy world with every arm, and report it. The same command goes on where it stopped."""
    from curator_app.actions.wind_tunnel import TunnelRequest, run
    from curator_app.settings import load_settings

    names = tuple(name.strip() for name in arms.split(",")) if arms else None
    folder = out or load_settings().home / ("wind-tunnel-quick" if quick else "wind-tunnel")
    request = TunnelRequest(folder, quick, seeds, stage_zero_seeds, names, workers, force)
    with _Display() as display:
        end = run(request, observer=display.show)
    _show_end(end)


class _Display:
    """A bar with what is running and the time left on a terminal, else a line for each finished job."""

    def __enter__(self) -> _Display:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        console = Console(stderr=True)
        self._live = console.is_terminal
        self._bar = Bar(
            BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}"), console=console,
            disable=not self._live,
        )  # fmt: skip
        self._task = self._bar.add_task("starting", total=None)
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show how far the run is."""
        if self._live:
            self._bar.update(
                self._task, total=progress.total, completed=progress.done, description=describe_progress(progress)
            )
        elif progress.last:
            typer.echo(f"{progress.last}: done; {describe_left(progress.seconds_left)}", err=True)


def describe_progress(progress: Progress) -> str:
    """Return what is running and how long it will take."""
    return f"{describe_left(progress.seconds_left)}; {' | '.join(progress.doing) or 'writing the report'}"


def describe_left(seconds: float | None) -> str:
    """Return the time left in words, at the pace so far."""
    if seconds is None:
        return "time left not known yet"
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60:.0f} min left"


def _show_end(end: TunnelEnd) -> None:
    report = end.report
    titles = {arm["name"]: arm["title"] for arm in report["arms"]}
    typer.echo(report["notice"])
    if report["forced"]:
        typer.echo("STAGE 0 DID NOT PASS ITS GATE; RL was started all the same (--force).")
    if report["self_check"]:
        typer.echo(report["self_check"]["words"])
    for place in report["ranking"]:
        runs = place["runs"] + place["diverged"]
        typer.echo(f"  {titles[place['arm']]}: goal met in {place['met']} of {runs} runs")
    for claim in report["claims"]:
        typer.echo(f"  {claim['verdict']:<15} {claim['says']}")
    typer.echo(f"Written: {end.page}, {end.page.with_suffix('.json')}")
    if report["quick"]:
        typer.echo(end.taught.words)
        if not end.taught.held:
            raise typer.Exit(1)
