"""`curator caspo preflight`, `train`, `sft` and `dpo`: a training from one YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from caspo.config import Stage
    from caspo.preflight import Finding
    from curator_app.actions.training_runs import DryRun, TrainingRequest

Config = Annotated[
    Path | None, typer.Argument(help="A YAML file (docs/training.md); options go before it.", dir_okay=False)
]
Preset = Annotated[str | None, typer.Option(help="Sizes of model and machine, e.g. qwen3-vl-4b-1xh100-recommended.")]
Model = Annotated[str | None, typer.Option(help="Folder of the model to start from: for `train` the one after SFT.")]
Data = Annotated[Path | None, typer.Option(help="Folder of `curator caspo prepare`.", file_okay=False)]
Reward = Annotated[Path | None, typer.Option(help="Python file with verl's compute_score.", dir_okay=False)]
To = Annotated[
    Path | None, typer.Option(help="Folder of the run; default: training-runs/... in the workspace.", file_okay=False)
]
Benchmark = Annotated[
    list[Path] | None, typer.Option(help="A benchmark release to compare with, beside the workspace's; repeat it.")
]
Endpoints = Annotated[
    Path | None, typer.Option(help="The endpoints file, whose role embedding compares queries.", dir_okay=False)
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what a start would do, and write nothing.")]
Slurm = Annotated[bool, typer.Option("--slurm", help="Write a Slurm script instead of starting.")]
Hours = Annotated[int, typer.Option(help="Time limit of the Slurm job.", min=1)]
Force = Annotated[bool, typer.Option("--force", help="Start although preflight found something.")]


def preflight(
    config: Config = None,
    preset: Preset = None,
    model: Model = None,
    data: Data = None,
    reward: Reward = None,
    to: To = None,
    benchmark: Benchmark = None,
    endpoints: Endpoints = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    stage: Annotated[
        Literal["train", "sft", "dpo"], typer.Option(help="Whose config it is: `train`, `sft` or `dpo`.")
    ] = "train",
) -> None:
    """Find before a GPU is used what would end a training, or spoil it without a word. Exit code 1: something would."""
    from curator_app.actions.training_runs import TrainingRequest

    request = TrainingRequest(config, preset, model, data, reward, to, tuple(benchmark or ()), endpoints, stage=stage)
    if not _pass_preflight(request, as_json=as_json):
        raise typer.Exit(1)


def train(
    config: Config = None,
    preset: Preset = None,
    model: Model = None,
    data: Data = None,
    reward: Reward = None,
    to: To = None,
    benchmark: Benchmark = None,
    endpoints: Endpoints = None,
    dry_run: DryRunOption = False,
    slurm: Slurm = False,
    hours: Hours = 48,
    force: Force = False,
    ray: Annotated[
        str | None, typer.Option(help="Train on the Ray cluster whose dashboard is here, http://HEAD:8265.")
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="End the training that a Ray cluster has of this run.")] = False,
) -> None:
    """Train with CASPO on verl on this machine. The same command again resumes from the last checkpoint."""
    from curator_app.actions.training_runs import TrainingRequest

    request = TrainingRequest(config, preset, model, data, reward, to, tuple(benchmark or ()), endpoints)
    if stop:
        _stop_on_ray(request)
        return
    if ray and not dry_run and not slurm:
        _train_on_ray(request, ray, force=force)
        return
    _start(request, dry_run=dry_run, slurm=slurm, hours=hours, force=force)


def _make_command(stage: Stage, words: str) -> Callable[..., None]:
    """Return the command of a stage that needs no reward."""

    def command(
        config: Config = None,
        preset: Preset = None,
        model: Model = None,
        data: Data = None,
        to: To = None,
        benchmark: Benchmark = None,
        endpoints: Endpoints = None,
        dry_run: DryRunOption = False,
        slurm: Slurm = False,
        hours: Hours = 48,
        force: Force = False,
    ) -> None:
        from curator_app.actions.training_runs import TrainingRequest

        request = TrainingRequest(config, preset, model, data, None, to, tuple(benchmark or ()), endpoints, stage=stage)
        _start(request, dry_run=dry_run, slurm=slurm, hours=hours, force=force)

    command.__doc__ = words
    return command


sft = _make_command(
    "sft", "Train on good answers with verl's SFT trainer, before `train`. The same command again resumes."
)
dpo = _make_command(
    "dpo", "Train on preference pairs with TRL's DPO, the baseline, without verl. The same command again resumes."
)


def _start(request: TrainingRequest, *, dry_run: bool, slurm: bool, hours: int, force: bool) -> None:
    from caspo.launch import LIBRARIES
    from curator_app.actions.training_runs import rehearse, start_here, write_slurm
    from curator_app.settings import load_settings

    home = load_settings().home
    if dry_run:
        _show_rehearsal(rehearse(home, request, hours=hours if slurm else None))
        return
    if slurm:
        typer.echo(f"Written, not submitted: {write_slurm(home, request, hours=hours)}")
        return
    if not _pass_preflight(request) and not force:
        typer.echo("Not started: mend what is said above, or start all the same with --force.", err=True)
        raise typer.Exit(1)
    code = start_here(home, request, tell=typer.echo)
    if code:
        typer.echo(
            f"{LIBRARIES[request.stage]} ended with code {code}; the same command goes on from the last checkpoint.",
            err=True,
        )
        raise typer.Exit(1)


def _train_on_ray(request: TrainingRequest, address: str, *, force: bool) -> None:
    """Submit it unless it runs there already, and follow it. Ctrl-C leaves it alone."""
    import asyncio

    from curator_app.actions import ray_trainings
    from curator_app.settings import load_settings

    training = ray_trainings.submit(load_settings(), request, address, force=force)
    said = "Ray has it already" if training.was_running else "Submitted to Ray"
    typer.echo(f"{said} as {training.job}; its folder is {training.folder}. Ctrl-C leaves it running.")
    try:
        failed = asyncio.run(ray_trainings.follow(training, typer.echo))
    except KeyboardInterrupt:
        typer.echo("\nLeft running. The same command follows it again; with --stop it ends.")
        return
    if failed:
        typer.echo(f"{failed}\nThe same command goes on from the last checkpoint.", err=True)
        raise typer.Exit(1)


def _stop_on_ray(request: TrainingRequest) -> None:
    from curator_app.actions import ray_trainings
    from curator_app.settings import load_settings

    training = ray_trainings.stop(load_settings(), request)
    typer.echo(f"Ray ends {training.job}; the same command without --stop goes on from the last checkpoint.")


def _pass_preflight(request: TrainingRequest, *, as_json: bool = False) -> bool:
    """Show what preflight finds; return whether a run may start."""
    from dataclasses import asdict
    from json import dumps

    from curator_app.actions.training_runs import look_before
    from curator_app.commands.release import optional_workspace
    from curator_app.settings import load_settings

    with optional_workspace() as workspace:
        found = look_before(load_settings().home, workspace, request)
    errors, warnings = (sum(each.level == level for each in found) for level in ("error", "warning"))
    if as_json:
        typer.echo(dumps([asdict(finding) for finding in found], ensure_ascii=False))
        return not errors
    for finding in found:
        typer.echo(describe(finding))
    typer.echo(f"{errors} errors, {warnings} warnings." if errors or warnings else "Nothing found.")
    return not errors


def describe(finding: Finding) -> str:
    """Return a finding in two lines."""
    return f"{finding.level.upper():<8}{finding.check}: {finding.wrong}\n        -> {finding.change}"


def _show_rehearsal(dry: DryRun) -> None:
    from json import dumps

    typer.echo(f"{dry.command}\n")
    if dry.script is not None:
        typer.echo(f"The Slurm script:\n\n{dry.script}")
    typer.echo(f"Pinned to: {dumps(dict(dry.pinned), indent=2)}\n")
    typer.echo("Would write (nothing was written):")
    for name in dry.files:
        typer.echo(f"  {name}")
    if not dry.asked:
        remedy = {
            "verl": "make setup-models, or pip install '.[models,verl]'",
            "trl": "pip install '.[models,dpo]' into an environment of its own",
        }
        typer.echo(f"NOT VALIDATED: {dry.library} is not installed here ({remedy[dry.library]}).")
    elif dry.complaint is None:
        typer.echo(f"{dry.library}'s config classes take it.")
    else:
        typer.echo(f"{dry.library.upper()} DOES NOT TAKE IT: {dry.complaint}", err=True)
        raise typer.Exit(1)
