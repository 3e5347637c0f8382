"""`curator run`: start or resume a pipeline run, or show its plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from curator_app.actions.runs import DryRun, RunEnd, RunObserver, RunRequest
    from curator_app.workspace import Workspace
    from endpoints.ledger import Ledger
    from pipeline.run_events import RunStage
    from pipeline.runner import RunState

STOPPED_EARLY = 3
OUTCOMES = ("passed", "rejected", "error")


def run(
    config: Annotated[Path, typer.Argument(help="The run's config, a YAML file.", dir_okay=False, exists=True)],
    endpoints: Annotated[
        Path | None,
        typer.Option(help="The endpoints file; default: endpoints.yaml in the workspace.", dir_okay=False),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the plan, the calls and their cost at most; try each endpoint once."),
    ] = False,
    budget_usd: Annotated[float | None, typer.Option(help="Stop when this many dollars are spent.", min=0)] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="Stop when this many tokens are used.", min=0)] = None,
) -> None:
    """Make scenarios and put them into the review queue. The same config again goes on where it stopped."""
    from curator_app.actions import runs
    from curator_app.settings import load_settings
    from curator_app.workspace import open_workspace
    from endpoints.ledger import Budget

    workspace = open_workspace(load_settings())
    try:
        budget = Budget(tokens=budget_tokens, usd=budget_usd)
        request = runs.load_request(config, endpoints_file=endpoints, budget=budget)
        if dry_run:
            planned = runs.plan(workspace, request)
            _show_plan(planned)
            raise typer.Exit(0 if planned.ok else 1)
        end = _run(workspace, request)
    finally:
        workspace.close()
    _show_end(end)
    if end.state.stopped:
        raise typer.Exit(STOPPED_EARLY)


def _run(workspace: Workspace, request: RunRequest) -> RunEnd:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from curator_app.actions import runs

    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn()]
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        return runs.run(workspace, request, observer=_make_observer(progress))


def _make_observer(progress: Progress) -> RunObserver:
    """Return what moves the bars: one a stage, and the throughput and the cost of the whole beneath them."""
    import time

    from endpoints.ledger import format_cost
    from pipeline.run_events import AFTER, STAGES

    bars = {stage: progress.add_task(stage, total=None, told="") for stage in STAGES}
    later: dict[RunStage, TaskID] = {}
    whole = progress.add_task("whole run", total=None, told="")
    started = time.monotonic()

    def observe(state: RunState, ledger: Ledger) -> None:
        reached = state.asked
        for after in AFTER:  # they come when people have approved something, and nobody knows how many will be
            if after not in later and any(state.counts[after, o] for o in OUTCOMES):
                later[after] = progress.add_task(after, total=None, told="")
        for stage, bar in (bars | later).items():
            passed, rejected, failed = (state.counts[stage, o] for o in OUTCOMES)
            told = f"{passed} passed, {rejected} dropped" + (f", {failed} failed" if failed else "")
            if stage in later:
                progress.update(bar, total=passed + rejected + failed, completed=passed + rejected, told=told)
                continue
            progress.update(bar, total=reached, completed=passed + rejected, told=told)
            reached = reached if stage == "synthesis" else max(reached - rejected, 1)
        done = state.counts["refinement", "passed"]
        pace = done / max(time.monotonic() - started, 1e-6) * 60
        told = f"{pace:.1f} scenarios a minute, cost {format_cost(ledger.total)}"
        progress.update(whole, total=state.asked, completed=done, told=told)

    return observe


def _show_plan(planned: DryRun) -> None:
    plan = planned.plan
    typer.echo(f"{plan.scenarios} scenarios, {plan.calls} calls when all goes well, {plan.at_most} at most.")
    for line in plan.lines:
        cost = "unknown" if line.usd_at_most is None else f"${line.usd_at_most:.2f}"
        typer.echo(f"  {line.what:<30} {line.role:<16} {line.model:<24} {line.calls:>7} {line.at_most:>8}  {cost}")
    if plan.usd_at_most is None:
        typer.echo(f"Cost at most: unknown; no price is given for {', '.join(plan.unpriced)}.")
    else:
        typer.echo(f"Cost at most: ${plan.usd_at_most:.2f}, calls that are sent again after a failure not included.")
    if not planned.reads_pictures:
        typer.echo("Writing in pictures will not be read: rapidocr is not installed.")
    for check in planned.checks:
        said = check.problem or f"works ({check.latency_s:.2f} s)" + (f"; {check.note}" if check.note else "")
        typer.echo(f"  {check.name:<20} {', '.join(check.roles):<40} {said}")


def _show_end(end: RunEnd) -> None:
    typer.echo(f"Run {end.report.run}, {'resumed' if end.resumed else 'started'}: {end.folder}")
    for step in end.report.funnel:
        typer.echo(f"  {step.name:<26} {step.items:>6}" + (f"   {step.dropped} dropped" if step.dropped else ""))
    if end.report.after:
        typer.echo(f"  {'approved by people':<26} {end.report.approved:>6}")
    for after in end.report.after:
        dropped = f"   {after.dropped} dropped" if after.dropped else ""
        typer.echo(f"  {after.name:<26} {after.items:>6}{dropped}   {after.calls} calls, cost {after.cost}")
    for stage, kind, count in end.report.errors:
        typer.echo(f"  errors: {stage}, {kind}, {count}")
    typer.echo(f"Cost: {end.report.cost}")
    if end.state.stopped:
        typer.echo(f"Ended early: {end.state.stopped}. The same command goes on.", err=True)
    elif end.report.waiting:
        left = sum(end.report.waiting.values())
        typer.echo(
            f"{left} items wait for calls that failed, or for a photo that fits. The same command tries them again.",
            err=True,
        )
