"""A wind tunnel of a few steps in place of the quick run, for tests with real processes.

`python -m tiny_tunnel KIND NAME` is the process of such a job; `serve` starts an app whose jobs are such processes.
"""

import sys

from tiny_stage_zero import make_tiny

from caspo.local.config import RewardModelConfig
from caspo.wind_tunnel.arms import ScaleConfig
from caspo.wind_tunnel.config import TunnelConfig
from caspo.wind_tunnel.measures import EvaluationConfig
from caspo.wind_tunnel.reward import RewardConfig
from curator_app import job_process
from curator_app.actions import background_jobs, wind_tunnel
from curator_app.cli import main as run_command

TINY = TunnelConfig(
    stage_zero=make_tiny(),
    stage_zero_seeds=1,
    seeds=1,
    arms=("recommended", "outr"),
    scale=ScaleConfig(steps=3, prompts=4, group_size=2, max_tokens=6, pool=8, save_every=1),
    evaluation=EvaluationConfig(scenes=4, hazards=3, max_tokens=6, examples=2),
    reward=RewardConfig(pairs=6, training=RewardModelConfig(steps=2, batch=4)),
)  # fmt: skip


def serve() -> None:
    """Run the command line with jobs of this module."""
    wind_tunnel.QUICK = TINY
    background_jobs.PROCESS = "tiny_tunnel"
    run_command()


if __name__ == "__main__":
    wind_tunnel.QUICK = TINY
    sys.exit(job_process.main(*sys.argv[1:]))
