"""`curator demo --walk`: its steps as they go, and what came out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from curator_app.actions.walk import WalkProgress

STOPPED_EARLY = 3


def walk_path() -> None:
    """Walk the whole path in the workspace, or go on with it, and say what came out."""
    from curator_app.actions.walk import walk
    from curator_app.actions.walk_scenes import WalkPlan
    from curator_app.settings import load_settings
    from pipeline.hazard_world.world import NOTICE

    settings, began = load_settings(), time.monotonic()
    typer.echo(NOTICE)
    try:
        with _Display() as display:
            end = walk(settings, WalkPlan(), observer=display.show)
    except KeyboardInterrupt:
        typer.echo("Stopped by hand; what is finished stays. The same command goes on.", err=True)
        raise typer.Exit(STOPPED_EARLY) from None
    typer.echo(
        f"Hazards overlooked on the benchmark: {end.before:.1%} before RL, {end.after:.1%} after it "
        f"({(time.monotonic() - began) / 60:.1f} min)."
    )
    typer.echo(f"Written: {end.page}")
    program = f"curator --home {settings.home}"
    typer.echo(f"To look at every step in the app: {program} serve, and sign in by: {program} users link admin")


class _Display:
    """A bar for each step on a terminal, else a line when a step begins."""

    def __enter__(self) -> _Display:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        self._live = console.is_terminal
        columns = [
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[told]}"),
        ]  # fmt: skip
        self._bars = Progress(*columns, console=console, disable=not self._live)
        self._tasks: dict[int, TaskID] = {}
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, progress: WalkProgress) -> None:
        """Show how far the walk is; a step that begins ends the one before it."""
        from curator_app.actions.walk import STEPS

        if progress.step not in self._tasks:
            for task in self._tasks.values():
                self._bars.update(task, completed=1, total=1, told="")
                self._bars.stop_task(task)
            self._tasks[progress.step] = self._bars.add_task(STEPS[progress.step], total=None, told="")
            if not self._live:
                typer.echo(f"{progress.step + 1} of {len(STEPS)}: {STEPS[progress.step]}", err=True)
        task = self._tasks[progress.step]
        self._bars.update(task, completed=progress.done, total=progress.total, told=progress.told)
