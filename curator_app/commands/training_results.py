"""`curator caspo export` and `curator caspo evaluate`: what a training came to, as a folder and in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curator_app.commands.judge import (
    STOPPED_EARLY,
    BudgetTokens,
    BudgetUsd,
    Constitutions,
    Endpoints,
    make_place,
    name_constitutions,
    show_progress,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from curator_app.actions.evaluations import Evaluated


def export(
    run: Annotated[str, typer.Argument(help="A training of the workspace, or the folder of one.")],
    to: Annotated[Path, typer.Option(help="Folder of the model; it must not exist.", file_okay=False)],
    step: Annotated[int | None, typer.Option(help="Of the checkpoint; default: the last one that is whole.")] = None,
    release: Annotated[
        list[Path] | None,
        typer.Option(help="A release folder that the model card is to tell about, beside the workspace's; repeat it."),
    ] = None,
) -> None:
    """Make a folder that transformers loads of what SFT, DPO or CASPO saved, compare the two, and write the card."""
    from curator_app.actions.training_exports import export_model
    from curator_app.commands.release import optional_workspace
    from curator_app.settings import load_settings

    with optional_workspace() as workspace:
        done = export_model(
            load_settings().home, workspace, run=run, to=to, step=step, releases=tuple(release or ()), tell=typer.echo
        )
    typer.echo(_tell_comparison(done.facts["comparison"]))
    typer.echo(f"Written: {done.folder}")


def _tell_comparison(found: Mapping[str, Any]) -> str:
    asked = f"{found['tokens']} tokens of answers to {len(found['rows'])} rows"
    if "merged_max" in found:
        return (
            f"{asked}: log-probabilities differ by at most {found['merged_max']:.2g} nats from those of the checkpoint "
            f"in {found['dtype']} ({found['tolerance']:g} are allowed); rounding to it moves them by "
            f"{found['rounded_mean']:.2g} on average, {found['rounded_max']:.2g} at most."
        )
    moved = "the model that it began with is not here" if found["trained_mean"] is None else (
        f"training has moved their log-probabilities by {found['trained_mean']:.2g} nats on average"
    )  # fmt: skip
    return f"{asked}: the copy in {found['dtype']} loads whole; {moved}."


def evaluate(
    release: Annotated[str, typer.Argument(help="A version in the workspace, or a release folder.")],
    base: Annotated[
        str, typer.Option(help="Endpoint that serves the model before the training, by its name in the file.")
    ],
    trained: Annotated[str, typer.Option(help="Endpoint that serves the model after it.")],
    name: Annotated[
        str | None, typer.Option(help="Of the evaluation; default: the trained endpoint's and the version's.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="The training, by name or folder: its folder is told of the evaluation.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Folder that --trained serves, for the record.", file_okay=False)
    ] = None,
    mode: Annotated[str, typer.Option(help="standard, malicious, constitution or caption.")] = "standard",
    twins: Annotated[
        bool | None,
        typer.Option("--twins/--no-twins", help="Ask about twins, too; default: where the release has any."),
    ] = None,
    samples: Annotated[int, typer.Option(help="Answers to each item.")] = 1,
    temperature: Annotated[float, typer.Option(help="Sampling temperature of both models.")] = 0.9,
    max_tokens: Annotated[int, typer.Option(help="Tokens of an answer at most.")] = 4096,
    seed: Annotated[int, typer.Option(help="Seed of the answers.")] = 0,
    constitutions: Constitutions = None,
    judges: Annotated[
        str | None, typer.Option(help="Roles that judge, with commas; default: those of the file.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="How often each judge is asked about an answer.", min=1, max=32)] = 1,
    endpoints: Endpoints = None,
    budget_usd: BudgetUsd = None,
    budget_tokens: BudgetTokens = None,
) -> None:
    """Judge a trained model against its base, paired. The same command goes on; a budget is for each of four parts."""
    from curator_app.actions.evaluations import Evaluation, evaluate
    from curator_app.actions.judging import Sampling
    from curator_app.commands.release import optional_workspace

    sampling = Sampling(
        mode=mode, samples=samples, temperature=temperature, max_tokens=max_tokens, seed=seed,
        constitutions=name_constitutions(constitutions),
    )  # fmt: skip
    asked = Evaluation(
        release=release, base=base, trained=trained, name=name, run=run, export=export, sampling=sampling, twins=twins,
        judges=tuple(one.strip() for one in judges.split(",")) if judges else None, repeats=repeats,
    )  # fmt: skip
    with optional_workspace() as workspace:
        done = evaluate(make_place(endpoints, budget_usd, budget_tokens), workspace, asked, show=show_progress)
    _show_evaluated(done)


def _show_evaluated(done: Evaluated) -> None:
    from judge.paired_report import list_notes, show_pair_text

    for what, end in done.ends.items():
        counts = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(end.state.counts.items()))
        typer.echo(f"{what}: {counts}; cost so far {end.cost}")
    if done.pair is None:
        typer.echo(f"Ended early: {done.stopped}. The same command goes on.", err=True)
        raise typer.Exit(STOPPED_EARLY)
    pair = dict(done.pair)
    typer.echo(f"\n{show_pair_text(pair)}\n")
    for note in (*done.notes, *list_notes(pair)):
        typer.echo(note)
    if done.failed:
        typer.echo(f"{done.failed} calls failed. The same command tries them again.", err=True)
    typer.echo(f"Written: {done.folder}")
