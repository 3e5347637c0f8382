"""`curator caspo reward-model`: train a reward model on pairs and scores, measure it, serve it to verl."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The reward model of RL: train, evaluate, serve.", no_args_is_help=True)


class Precision(StrEnum):
    """In which a model is served."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@app.command("train")
def train(
    config: Annotated[
        Path | None, typer.Argument(help="A YAML file (docs/reward-model.md); options go before it.", dir_okay=False)
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of `curator caspo prepare`, with judged answers.", file_okay=False)
    ] = None,
    model: Annotated[str | None, typer.Option(help="Folder or name of a vision-language model.")] = None,
    to: Annotated[Path | None, typer.Option(help="Folder of the reward model.", file_okay=False)] = None,
    epochs: Annotated[float | None, typer.Option(help="Rounds over the data; default 1.")] = None,
    steps: Annotated[int | None, typer.Option(help="Updates, in place of rounds.", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default 1e-5.")] = None,
    seed: Annotated[int | None, typer.Option(help="Default 0.", min=0)] = None,
) -> None:
    """Train with Eq. 7 in this process. The same command goes on where it was stopped."""
    from curator_app.actions import reward_models

    given = {
        "data": data, "model": model, "to": to, "epochs": epochs, "steps": steps, "learning_rate": learning_rate,
        "seed": seed,
    }  # fmt: skip
    done = reward_models.train(config, {name: value for name, value in given.items() if value is not None})
    typer.echo(f"{done.steps} steps; the last one: loss {done.last['rm/loss']:.4f}, of that Bradley-Terry "
               f"{done.last['rm/ranking']:.4f} and regression {done.last['rm/regression']:.4f}")  # fmt: skip
    typer.echo(f"Written: {done.config.to}")


@app.command("evaluate")
def evaluate(
    folder: Annotated[Path, typer.Argument(help="Of the reward model.", file_okay=False)],
    data: Annotated[Path, typer.Argument(help="Training data; if it is that of the model, what was held out counts.")],
    to: Annotated[
        Path | None, typer.Option(help="File of the report; default: evaluation.json beside the model.", dir_okay=False)
    ] = None,
    batch: Annotated[int, typer.Option(help="Conversations in the model at once.", min=1)] = 16,
) -> None:
    """Measure agreement with the judge, calibration, the pull of length, and whether pictures matter."""
    from curator_app.actions import reward_models

    _, lines, file = reward_models.evaluate(folder, data, to=to, batch=batch)
    for line in lines:
        typer.echo(line)
    typer.echo(f"Written: {file}")


@app.command("serve")
def serve(
    folder: Annotated[Path, typer.Argument(help="Of the reward model.", file_okay=False)],
    host: Annotated[str, typer.Option(help="Address to listen on; there is no sign-in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8008,
    batch: Annotated[int, typer.Option(help="Conversations in the model at once.", min=1)] = 16,
    precision: Annotated[Precision, typer.Option(help="Of the model under the head.")] = Precision.FLOAT32,
) -> None:
    """Serve rewards over HTTP until the process is ended."""
    from curator_app.actions import reward_models

    typer.echo(f"Loading {folder}; then POST http://{host}:{port}/score and GET http://{host}:{port}/health")
    reward_models.serve(folder, host=host, port=port, most=batch, half=precision is Precision.BFLOAT16)
