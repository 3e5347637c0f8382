"""The command line, `curator`. Commands import what they need when they run, so that help comes at once."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from curator_app.commands import (
    demo,
    doctor,
    failures,
    importing,
    init,
    judge,
    judge_reports,
    labelstudio,
    leakage,
    mining,
    monitor,
    release,
    reward_model,
    run,
    serve,
    study,
    token_shift,
    training,
    training_data,
    training_results,
    users,
    wind_tunnel,
)

app = typer.Typer(
    help="Curate image + query scenarios whose danger appears only in the consequence of the answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("init")(init.init)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("run")(run.run)
app.command("respond")(judge.respond)
app.command("score")(judge.score)
app.command("report")(judge_reports.report)
app.command("leaderboard")(judge_reports.leaderboard)
app.command("mine")(mining.mine)
app.command("token-shift")(token_shift.token_shift)
app.add_typer(users.app, name="users")
app.add_typer(release.app, name="release")
app.add_typer(importing.app, name="import")
app.add_typer(leakage.app, name="leakage")
app.add_typer(study.app, name="study")
app.add_typer(failures.app, name="failures")
app.add_typer(labelstudio.app, name="labelstudio")
wind_tunnel.app.command("prepare")(training_data.prepare)
wind_tunnel.app.command("preflight")(training.preflight)
wind_tunnel.app.command("sft")(training.sft)
wind_tunnel.app.command("dpo")(training.dpo)
wind_tunnel.app.command("train")(training.train)
wind_tunnel.app.command("monitor")(monitor.monitor)
wind_tunnel.app.command("export")(training_results.export)
wind_tunnel.app.command("evaluate")(training_results.evaluate)
wind_tunnel.app.add_typer(reward_model.app, name="reward-model")
app.add_typer(wind_tunnel.app, name="caspo")


@app.callback()
def choose_workspace(
    home: Annotated[
        Path | None,
        typer.Option(help="Folder of the workspace; default: CURATOR_HOME, else ./curator-data.", file_okay=False),
    ] = None,
) -> None:
    """Set the workspace for the command that follows."""
    if home is not None:
        os.environ["CURATOR_HOME"] = str(home)


def main() -> None:
    """Run the command line; what we refuse is printed as one plain sentence, with exit code 1."""
    from curator_app.errors import AppError
    from storage.errors import StorageError

    try:
        app()
    except (AppError, StorageError) as exc:
        typer.echo(f"curator: {exc}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
