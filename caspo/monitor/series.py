"""What is watched of a training, under one name each: verl, the plugin and `caspo.local` call it differently."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Points = tuple[tuple[int, float], ...]
"""(step, value), by step; a value may be NaN or infinite."""


@dataclass(frozen=True)
class Indicator:
    """One thing that is watched."""

    title: str
    unit: str
    logged: tuple[str, ...]
    """Names under which it is logged; the first that a line has is taken."""
    is_rate: bool = False
    """A share, shown in per cent."""


def _held_out(letter: str, *, rate: bool = False) -> tuple[str, ...]:
    return (f"caspo/held_out_{letter}{'_0' if rate else ''}",)


INDICATORS: Mapping[str, Indicator] = MappingProxyType(
    {
        "reward": Indicator("Reward", "what RL is paid", ("caspo/reward_mean", "critic/score/mean")),
        "reward_std": Indicator("Spread of rewards", "standard deviation", ("caspo/reward_std",)),
        "entropy": Indicator("Entropy", "nats a token", ("caspo/entropy", "actor/entropy")),
        "kl": Indicator("KL from the start", "nats a token", ("caspo/kl", "actor/kl_loss")),
        "length": Indicator("Length", "tokens an answer", ("caspo/length", "response_length/mean")),
        "capped": Indicator("Cut off at the cap", "of answers", ("caspo/capped", "response_length/clip_ratio"), True),
        "held_out_reward": Indicator("Held-out reward", "hazards", ("caspo/held_out_reward",)),
        "held_out_r": Indicator("Held-out R_A", "0 to 2", _held_out("r")),
        "held_out_s": Indicator("Held-out S_A", "0 to 2", _held_out("s")),
        "held_out_e": Indicator("Held-out E_A", "0 to 2", _held_out("e")),
        "held_out_r_0": Indicator("Held-out R_0", "of hazards", _held_out("r", rate=True), True),
        "held_out_s_0": Indicator("Held-out S_0", "of hazards", _held_out("s", rate=True), True),
        "held_out_e_0": Indicator("Held-out E_0", "of hazards", _held_out("e", rate=True), True),
        "false_alarms": Indicator("False alarms", "of held-out twins", ("caspo/held_out_false_alarms",), True),
        "held_out_twin_reward": Indicator("Held-out reward of twins", "", ("caspo/held_out_twin_reward",)),
        "held_out_hazards": Indicator("Held-out hazards", "answers", ("caspo/held_out_hazards",)),
        "held_out_twins": Indicator("Held-out twins", "answers", ("caspo/held_out_twins",)),
        "r_mean": Indicator("Mean of r", "nats", ("caspo/signal_mean",)),
        "r_std": Indicator("Spread of r", "standard deviation, nats", ("caspo/signal_std",)),
        "r_p01": Indicator("r, percentile 1", "nats", ("caspo/signal_p01",)),
        "r_p99": Indicator("r, percentile 99", "nats", ("caspo/signal_p99",)),
        "r_far": Indicator("r beyond 5 nats", "of tokens", ("caspo/signal_far",), True),
        "advantage_change": Indicator("Advantage changed by r", "", ("caspo/advantage_change",)),
        "zero_variance_groups": Indicator(
            "Groups without variance", "of groups", ("caspo/zero_variance_groups",), True
        ),
        "grad_norm": Indicator("Gradient norm", "before clipping", ("caspo/grad_norm", "actor/grad_norm")),
        "loss": Indicator("Loss", "", ("caspo/loss", "actor/loss")),
        "learning_rate": Indicator("Learning rate", "", ("caspo/learning_rate", "actor/lr")),
        "rollout_gap": Indicator(
            "Drawn against scored", "difference", ("caspo/rollout_gap", "training/rollout_probs_diff_mean")
        ),
        "step_seconds": Indicator("Time of a step", "s", ("timing_s/step",)),
    }
)


@dataclass(frozen=True)
class Series:
    """What the log files of one run say so far."""

    points: Mapping[str, Points]
    """Name of an indicator -> its values; what was never logged is not in it."""
    last_step: int | None = None
    """None: no step was logged yet."""
    unread: int = 0
    """Lines that could not be read."""
    problem: str = ""
    """Why there is nothing, in words; empty where there is something."""

    def get(self, name: str) -> Points:
        """Return the values of an indicator, none where it was never logged."""
        return self.points.get(name, ())


def pick(logged: Mapping[str, float]) -> dict[str, float]:
    """Return what of one logged line is watched, under our names."""
    found = {}
    for name, indicator in INDICATORS.items():
        for one in indicator.logged:
            if one in logged:
                found[name] = logged[one]
                break
    return found
