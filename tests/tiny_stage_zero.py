"""A stage 0 of two steps a phase, for the tests of what uses one. No torch."""

from caspo.local.config import SupervisedConfig
from caspo.wind_tunnel.lessons import PhaseConfig
from caspo.wind_tunnel.stage_zero import StageZeroConfig

SHORT = SupervisedConfig(steps=2, batch=4)
MIXED = PhaseConfig(steps=2, batch=4, guided_appraising=0.9, appraising=0.1)


def make_tiny(*, mixed: PhaseConfig = MIXED, evaluated: int = 2) -> StageZeroConfig:
    """Return the config; every phase is set here, so that none keeps a length of its own."""
    return StageZeroConfig(
        layers=1, pairs=8, vision=SHORT, risk=SHORT, risk_in_prompts=SHORT, know=mixed, base=mixed, sft=mixed,
        settle=None, evaluated=evaluated,
    )  # fmt: skip
