"""`curator respond`, `curator score`: a model's answers to a release, and their scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from curator_app.actions.judging import JudgeObserver, Place, SittingEnd
    from endpoints.ledger import Ledger
    from judge.benchmark import SittingState

STOPPED_EARLY = 3

RunOption = Annotated[str, typer.Option("--run", help="The judge run's name; the same name again goes on.")]
Run = Annotated[str, typer.Argument(help="The judge run's name.")]
Endpoints = Annotated[
    Path | None,
    typer.Option(help="The endpoints file; default: endpoints.yaml in the workspace.", dir_okay=False),
]
BudgetUsd = Annotated[float | None, typer.Option(help="Stop when this many dollars are spent.", min=0)]
BudgetTokens = Annotated[int | None, typer.Option(help="Stop when this many tokens are used.", min=0)]
Constitutions = Annotated[
    str | None,
    typer.Option(help="A YAML file of category: text, `shipped` for the package's, `workspace` for those edited here."),
]
OwnTemperature = Annotated[
    bool, typer.Option("--no-temperature", help="Send no temperature, for models that accept none.")
]


def respond(
    release: Annotated[str, typer.Argument(help="A version in the workspace, or a release folder.")],
    run: RunOption,
    mode: Annotated[str, typer.Option(help="standard, malicious, constitution or caption.")] = "standard",
    model: Annotated[
        str | None, typer.Option(help="Endpoint to ask, by its name in the file; default: the role target.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Answers to each item.")] = 1,
    temperature: Annotated[float, typer.Option(help="Sampling temperature; the paper's is 0.9.")] = 0.9,
    no_temperature: OwnTemperature = False,
    max_tokens: Annotated[int, typer.Option(help="Tokens of an answer at most; the paper's limit is 4096.")] = 4096,
    seed: Annotated[int, typer.Option(help="Seed of the answers.")] = 0,
    caption: Annotated[str, typer.Option(help="In mode caption: own, given_with_image or given_alone.")] = "own",
    twins: Annotated[
        bool, typer.Option("--twins", help="Also ask about the release's twins, to measure over-warning.")
    ] = False,
    constitutions: Constitutions = None,
    variants: Annotated[
        Path | None,
        typer.Option(help="JSON lines with id, query, malicious_variant; default: the workspace's.", dir_okay=False),
    ] = None,
    endpoints: Endpoints = None,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
) -> None:
    """Sample a model's answers to a release. The same command again goes on where it stopped."""
    from curator_app.actions import judging
    from curator_app.commands.release import optional_workspace

    sampling = judging.Sampling(
        mode=mode,
        target=model,
        samples=samples,
        temperature=None if no_temperature else temperature,
        max_tokens=max_tokens,
        seed=seed,
        caption=caption,
        twins=twins,
        constitutions=name_constitutions(constitutions),
        variants=variants,
    )
    place = make_place(endpoints, budget_usd, budget_tokens)
    with optional_workspace() as workspace, show_progress("answers") as observer:
        end = judging.respond(place, workspace, release=release, run=run, sampling=sampling, observer=observer)
    _show_end(end, f"curator score {run}")


def score(
    run: Run,
    judges: Annotated[
        str | None,
        typer.Option(help="Roles that judge, with commas; default: judge_a, judge_b as the file has them."),
    ] = None,
    repeats: Annotated[int, typer.Option(help="How often each judge is asked about an answer.", min=1, max=32)] = 1,
    temperature: Annotated[float, typer.Option(help="The judges' temperature; the paper's is 0.", min=0, max=2)] = 0.0,
    no_temperature: OwnTemperature = False,
    max_tokens: Annotated[int, typer.Option(help="Tokens of a judge's reply at most.", min=64)] = 2048,
    endpoints: Endpoints = None,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
) -> None:
    """Judge the answers of a run and write its report. The same command again goes on where it stopped."""
    from curator_app.actions import judging

    place = make_place(endpoints, budget_usd, budget_tokens)
    roles = tuple(name.strip() for name in judges.split(",")) if judges else None
    with show_progress("judgments") as observer:
        end = judging.score(
            place,
            run=run,
            judges=roles,
            repeats=repeats,
            temperature=None if no_temperature else temperature,
            max_tokens=max_tokens,
            observer=observer,
        )
    _show_end(end, f"curator report {run}")


def name_constitutions(given: str | None) -> Path | Literal["shipped", "workspace"] | None:
    """Return what the option names: a file (`./shipped` is one, too), the package's, the workspace's, or nothing."""
    if given is None:
        return None
    return "shipped" if given == "shipped" else "workspace" if given == "workspace" else Path(given)


def make_place(endpoints: Path | None, usd: float | None, tokens: int | None) -> Place:
    """Return where judge runs lie, with a budget for the sitting."""
    from curator_app.actions.judging import Place
    from curator_app.settings import load_settings
    from endpoints.ledger import Budget

    return Place(load_settings().home, endpoints, Budget(tokens=tokens, usd=usd))


@contextmanager
def show_progress(what: str) -> Iterator[JudgeObserver]:
    """Show a bar on the terminal, and yield what moves it."""
    import time

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from endpoints.ledger import format_cost

    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn()]
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(what, total=None, told="")
        started = time.monotonic()

        def observe(state: SittingState, ledger: Ledger) -> None:
            pace = state.done / max(time.monotonic() - started, 1e-6) * 60
            told = ", ".join(f"{count} {name}" for name, count in sorted(state.counts.items()))
            told = f"{told}; {pace:.0f} a minute, cost {format_cost(ledger.total)}"
            progress.update(bar, total=state.asked, completed=state.done, told=told)

        yield observe


def _show_end(end: SittingEnd, onwards: str) -> None:
    typer.echo(f"Judge run {end.folder.name}: {end.folder}")
    for name, count in sorted(end.state.counts.items()):
        typer.echo(f"  {name.replace('_', ' '):<22} {count:>7}")
    typer.echo(f"Cost: {end.cost}")
    if end.state.stopped:
        typer.echo(f"Ended early: {end.state.stopped}. The same command goes on.", err=True)
        raise typer.Exit(STOPPED_EARLY)
    if end.state.counts["failed"]:
        typer.echo(f"{end.state.counts['failed']} calls failed. The same command tries them again.", err=True)
    typer.echo(f"Next: {onwards}")
