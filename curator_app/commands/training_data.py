"""`curator caspo prepare`: training data out of releases, judge runs and public data sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from caspo.dataset.progress import Observer, Step
    from curator_app.actions.training_data import PreparedData


class Preset(StrEnum):
    """Of `caspo.presets`."""

    RECOMMENDED = "recommended"
    PAPER = "paper"


def prepare(
    config: Annotated[
        Path | None, typer.Argument(help="A YAML file (docs/training-data.md); options go before it.", dir_okay=False)
    ] = None,
    release: Annotated[
        list[str] | None, typer.Option(help="A version or a release folder, split train or held_out; repeat it.")
    ] = None,
    judge_run: Annotated[
        list[str] | None, typer.Option(help="A scored judge run on these releases; repeat it.")
    ] = None,
    beavertails_v: Annotated[
        list[Path] | None, typer.Option("--beavertails-v", help="Files of BeaverTails-V: one file or a folder.")
    ] = None,
    spa_vl: Annotated[
        list[Path] | None, typer.Option("--spa-vl", help="Files of SPA-VL: one file or a folder.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Folder to make; default: training-data/... in the workspace.", file_okay=False)
    ] = None,
    benchmark: Annotated[
        list[Path] | None, typer.Option(help="A benchmark release to keep out, beside the workspace's; repeat it.")
    ] = None,
    drop_matches: Annotated[
        bool, typer.Option("--drop-matches", help="Leave out what matches a benchmark, rather than refuse.")
    ] = False,
    preset: Annotated[Preset | None, typer.Option(help="Gives the share of twins; default: recommended.")] = None,
    twin_share: Annotated[
        float | None, typer.Option(help="Share of harmless twins among the prompts.", min=0, max=0.99)
    ] = None,
    size: Annotated[int | None, typer.Option(help="Items in all, twins aside.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same bytes; default 0.", min=0)] = None,
    endpoints: Annotated[
        Path | None, typer.Option(help="The endpoints file, whose role embedding compares queries.", dir_okay=False)
    ] = None,
    constitutions: Annotated[
        str | None,
        typer.Option(help="`shipped` for the package's, or a YAML file of category: text; default: the workspace's."),
    ] = None,
) -> None:
    """Make training data: Parquet for verl, SFT answers, preference pairs, reward-model pairs, report and manifest."""
    from curator_app.actions.training_data import DataRequest, prepare_data
    from curator_app.commands.release import optional_workspace
    from curator_app.settings import load_settings

    choices = {"preset": preset and preset.value, "twin_share": twin_share, "size": size, "seed": seed}
    choices["on_match"] = "drop" if drop_matches else None
    request = DataRequest(
        config=config,
        releases=tuple(release or ()),
        judge_runs=tuple(judge_run or ()),
        beavertails=tuple(beavertails_v or ()),
        spa_vl=tuple(spa_vl or ()),
        benchmarks=tuple(benchmark or ()),
        choices={name: value for name, value in choices.items() if value is not None},
        endpoints=endpoints,
        constitutions=constitutions,
    )
    with optional_workspace() as workspace, _progress() as observer:
        made = prepare_data(load_settings().home, workspace, request, to=to, observer=observer)
    _show(made)


@contextmanager
def _progress() -> Iterator[Observer]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = [SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed} prompts")]
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress:
        bars: dict[tuple[str, str], int] = {}

        def show(step: Step, source: str, done: int) -> None:
            if (step, source) not in bars:
                bars[step, source] = progress.add_task(f"{step} {source}", total=None)
            progress.update(bars[step, source], completed=done)  # type: ignore[arg-type]  # TaskID is an int

        yield show


def _show(made: PreparedData) -> None:
    from caspo.dataset.report import render_markdown

    prepared = made.prepared
    typer.echo(render_markdown(prepared.report))
    if made.compared:
        typer.echo(f"Compared with {made.compared} rows of benchmarks; queries by {made.embeddings}.")
    else:
        typer.echo("NOTHING TO COMPARE WITH: no benchmark release or imported benchmark is known here (--benchmark).")
    if made.compared and made.embeddings.startswith("hash-"):
        typer.echo("That finds queries that share words, not meaning; name a model with the role embedding for that.")
    typer.echo(f"{'Known before, unchanged' if prepared.known else 'Written'}: {prepared.folder}")
