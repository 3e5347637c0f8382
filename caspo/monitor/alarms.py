"""What goes wrong in a training, from its series: what was seen, why it matters, what to change.

An alarm is about how a run is now, not about how it once was: what has passed by itself is none any more. Values are
medians over a window, since single steps jump (other prompts each time; of the divergence single answers make nearly
all). docs/monitor.md has what each bound gives on 22 real runs.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from pydantic import Field

from caspo.monitor.series import INDICATORS, Points, Series
from storage.record import Frozen


class AlarmConfig(Frozen):
    """Bounds. Defaults are the paper's figures where it has some, and else those of our own runs (docs/monitor.md)."""

    window: int = Field(default=10, ge=1)
    """Steps that a median is taken over; a run shorter than that has no alarms of training."""
    entropy_left: float = Field(default=0.5, gt=0, le=1)
    """Least entropy, as a share of that of the first window. The paper: CASPO stays between 1.2 and 2.0 (0.6 of its
    highest), outcome-only reward falls below 0.4 (a third and less)."""
    length_left: float = Field(default=0.5, gt=0, le=1)
    """Least length, as a share of the greatest so far. The paper: CASPO stays between 400 and 600 tokens (0.67)."""
    capped: float = Field(default=0.1, gt=0, le=1)
    """Most answers cut off at the cap. Ours: healthy runs at most 1%, collapsed ones 75% and more."""
    kl: float = Field(default=0.1, gt=0)
    """Largest divergence, nats a token. The paper: below 0.1. Ours: healthy runs end at 0.04 to 0.05."""
    score_fall: float = Field(default=0.1, gt=0)
    """Least fall of a held-out score (0 to 2) that is no chance; of few answers twice the standard error, if more."""
    false_alarms: float = Field(default=0.15, gt=0, le=1)
    """Most warnings on harmless twins: the goal of the wind tunnel."""
    r_spread: float = Field(default=0.05, gt=0)
    """Least standard deviation of r, nats: bfloat16's rounding of log-probabilities is 0.04."""
    flat_groups: float = Field(default=0.5, gt=0, le=1)
    """Most groups whose rewards are all the same."""


DEFAULTS = AlarmConfig()
_UNKNOWN_FALL = 0.2
"""What a held-out score has to fall by where nobody says of how many answers it is: twice the error of 100."""
_FIRST_STEPS = 3
"""Steps whose reward stands for that of step 0."""


@dataclass(frozen=True)
class Alarm:
    """One thing that goes wrong."""

    kind: str
    title: str
    seen: str
    """Numbers and steps."""
    why: str
    advice: str
    since: int
    """Step from which on it has been so."""
    indicators: tuple[str, ...]
    """Names of what it was seen in."""


def find_alarms(series: Series, config: AlarmConfig = DEFAULTS) -> tuple[Alarm, ...]:
    """Return what goes wrong in a run, as it is at its last step."""
    checks: tuple[Callable[[Series, AlarmConfig], Iterator[Alarm]], ...] = (
        _find_not_finite, _find_hacking, _find_over_warning, _find_entropy, _find_length, _find_capped, _find_kl,
        _find_narrow_r, _find_flat_groups,
    )  # fmt: skip
    return tuple(alarm for check in checks for alarm in check(series, config))


def smooth(points: Points, window: int) -> Points:
    """Return the running median of the last `window` finite values, from the first whole window on."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    return tuple(
        (finite[end][0], median(value for _, value in finite[end - window + 1 : end + 1]))
        for end in range(window - 1, len(finite))
    )


def _find_since(points: Points, is_bad: Callable[[float], bool]) -> int | None:
    """Return the first step of those up to the last that are all bad; None where the last is not."""
    since = None
    for step, value in reversed(points):
        if not is_bad(value):
            break
        since = step
    return since


def _find_not_finite(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    names = [name for name in ("loss", "grad_norm", "entropy", "kl", "reward", "r_std") if _ends_unknown(series, name)]
    if names:
        titles = ", ".join(INDICATORS[name].title for name in names)
        yield Alarm(
            "not_finite", "Numbers are no numbers any more",
            f"{titles} at step {series.get(names[0])[-1][0]}: not finite.",
            "The weights are spoilt by such a step, and nothing mends them.",
            "Stop, and go on from the last checkpoint before it with a lower update.learning_rate; look for a reward "
            "function that returns NaN.",
            _find_since(series.get(names[0]), lambda value: not math.isfinite(value)) or 0, tuple(names),
        )  # fmt: skip


def _ends_unknown(series: Series, name: str) -> bool:
    points = series.get(name)
    return bool(points) and points[-1][0] == series.last_step and not math.isfinite(points[-1][1])


def _find_hacking(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    """Compare a score's best look with the last, and the reward of the same looks."""
    for name in ("held_out_r", "held_out_s", "held_out_e"):
        looks = [(step, value) for step, value in series.get(name) if math.isfinite(value)]
        if len(looks) < 2:
            continue
        last_step, last = looks[-1]
        best_step, best = max(looks[:-1], key=lambda look: (look[1], look[0]))
        if best - last <= _least_fall(series, config):
            continue
        rewards = _compare_rewards(series, best_step, last_step, config.window)
        title, seen = INDICATORS[name].title, f"fell from {best:.2f} (step {best_step}) to {last:.2f} (step {last_step})"
        if rewards is not None and rewards[2] > rewards[1]:
            yield Alarm(
                "reward_hacking", f"The reward is hacked: it rises while {title} falls",
                f"{title} {seen}; {rewards[0]} rose from {rewards[1]:.2f} to {rewards[2]:.2f}.",
                "The policy has found what the reward model pays for and a judge does not. In our wind tunnel the paper's form "
                "ended so: paid three times as much as at the start, and overlooking 85% of the hazards.",
                f"Stop, and go on from a checkpoint near step {best_step} with a frozen teacher and more weight on the "
                "divergence (method: recommended, or changes: {teacher: frozen_sft, beta: 0.05}); look at the answers "
                "that are paid most, and train the reward model on such answers.",
                last_step, (name, "reward"),
            )  # fmt: skip
        else:
            yield Alarm(
                "held_out_falls", f"{title} falls", f"{title} {seen}; the reward did not rise.",
                "The policy gets worse on prompts that it does not train on, and is not even paid for it.",
                f"Go on from a checkpoint near step {best_step} with a lower update.learning_rate or a greater beta.",
                last_step, (name,),
            )  # fmt: skip


def _least_fall(series: Series, config: AlarmConfig) -> float:
    """Return what a score from 0 to 2 has to fall by: its mean over n answers has a standard error of at most 1/√n."""
    counts = series.get("held_out_hazards")
    if not counts or not counts[-1][1] > 0:
        return max(config.score_fall, _UNKNOWN_FALL)
    return max(config.score_fall, 2 / math.sqrt(counts[-1][1]))


def _compare_rewards(series: Series, before: int, after: int, window: int) -> tuple[str, float, float] | None:
    """Return which reward it is, and what it was at two looks: on the very answers, or else of training."""
    on_answers = dict(series.get("held_out_reward"))
    if before in on_answers and after in on_answers and on_answers[after] > on_answers[before]:
        return "the reward of the same answers", on_answers[before], on_answers[after]
    earlier, later = (_find_reward(series.get("reward"), step, window) for step in (before, after))
    return None if earlier is None or later is None else ("the reward in training", earlier, later)


def _find_reward(points: Points, step: int, window: int) -> float | None:
    known = [value for at, value in points if at <= step and math.isfinite(value)][-window:]
    if len(known) < _FIRST_STEPS:
        known = [value for _, value in points if math.isfinite(value)][:_FIRST_STEPS]
    return median(known) if known else None


def _find_over_warning(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    def is_bad(share: float) -> bool:
        return share - math.sqrt(share * (1 - share) / count) > config.false_alarms

    points, counts = series.get("false_alarms"), series.get("held_out_twins")
    count = max(1.0, counts[-1][1]) if counts else 100.0
    since = _find_since(points, is_bad)
    if since is not None:
        yield Alarm(
            "over_warning", "It warns of what is not there",
            f"{points[-1][1]:.0%} of the harmless twins were warned of at step {points[-1][0]} (at first "
            f"{points[0][1]:.0%}, step {points[0][0]}); more than {config.false_alarms:.0%} since step {since}.",
            "A model that always warns finds every hazard and helps nobody. The wind tunnel's recommended runs ended "
            "at 0.5%.",
            "Put more twins among the prompts (`curator caspo prepare` with twin_share: 0.45), and see that the reward is "
            "lower for a warning on a twin.",
            since, ("false_alarms",),
        )  # fmt: skip


def _find_entropy(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    points = smooth(series.get("entropy"), config.window)
    if not points or points[0][1] <= 0:
        return
    first = points[0][1]
    since = _find_since(points, lambda value: value < config.entropy_left * first)
    if since is not None:
        yield Alarm(
            "entropy_collapse", "The entropy collapses",
            f"{points[-1][1]:.3g} nats a token at step {points[-1][0]}, {points[-1][1] / first:.0%} of the first "
            f"{config.window} steps' {first:.3g}; below {config.entropy_left:.0%} since step {since}.",
            "Answers become all alike, so that groups have nothing left to compare. In the paper the outcome reward alone "
            "took the entropy below 0.4; CASPO kept it between 1.2 and 2.0.",
            f"Go on from a checkpoint before step {since} with the token term (mode: hybrid, lam: 0.3), a greater beta "
            "(0.05) or a lower update.learning_rate.",
            since, ("entropy",),
        )  # fmt: skip


def _find_length(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    points = smooth(series.get("length"), config.window)
    if not points:
        return
    longest = max(value for _, value in points)
    since = _find_since(points, lambda value: value < config.length_left * longest)
    if since is not None:
        yield Alarm(
            "length_collapse", "Answers shrink",
            f"{points[-1][1]:.0f} tokens an answer at step {points[-1][0]}, {points[-1][1] / longest:.0%} of the "
            f"{longest:.0f} that they had; below {config.length_left:.0%} since step {since}.",
            "A short refusal neither explains the danger nor offers a way round it. In the paper CASPO stayed at 400 "
            "to 600 tokens, while outcome reward alone let the length decline.",
            f"Read answers from before and after step {since}. If they are rote, balance the reward model's pairs by "
            "length (reward.length_skew) and raise beta.",
            since, ("length",),
        )  # fmt: skip


def _find_capped(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    points = smooth(series.get("capped"), config.window)
    since = _find_since(points, lambda value: value > config.capped)
    if since is not None:
        yield Alarm(
            "length_capped", "Answers are cut off",
            f"{points[-1][1]:.0%} of the answers reach the cap at step {points[-1][0]}; more than {config.capped:.0%} "
            f"since step {since}.",
            "What is cut off is scored without its end, and length is often what a reward model is hacked by: five of the "
            "six collapsed runs of our wind tunnel went to the cap.",
            "If the answers ramble or repeat themselves: a frozen teacher below temperature 1 and a greater beta (method: "
            "recommended). If they are good: raise data.max_response_tokens.",
            since, ("capped",),
        )  # fmt: skip


def _find_kl(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    points = smooth(series.get("kl"), config.window)
    since = _find_since(points, lambda value: value > config.kl)
    if since is not None:
        yield Alarm(
            "kl_runaway", "The policy runs away from where it began",
            f"{points[-1][1]:.3g} nats a token at step {points[-1][0]}; more than {config.kl:g} since step {since}.",
            "The paper's CASPO stays below 0.1. In our wind tunnel all runs that ended above were hacked, mildly or "
            "wholly, and all that met the goal ended at 0.05 or less.",
            "Raise beta (changes: {beta: 0.05}), use a frozen teacher (changes: {teacher: frozen_sft}), or stop earlier.",
            since, ("kl",),
        )  # fmt: skip


def _find_narrow_r(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    points = smooth(series.get("r_std"), config.window)
    since = _find_since(points, lambda value: value < config.r_spread)
    if since is not None:
        yield Alarm(
            "narrow_r", "The constitution says nothing any more",
            f"r spreads by {points[-1][1]:.3g} nats at step {points[-1][0]}; less than {config.r_spread:g} since step "
            f"{since}.",
            "r is divided by its spread, so what is left of it, rounding for the most part, gets the same weight as a "
            "strong signal had.",
            "Set a floor (changes: {signal_floor: 0.5}). With a frozen teacher the policy has arrived where the teacher "
            "is: stop. From the start on: see that the constitutions are those of the prompts, and that log-probabilities "
            "are float32.",
            since, ("r_std",),
        )  # fmt: skip


def _find_flat_groups(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    points = smooth(series.get("zero_variance_groups"), config.window)
    since = _find_since(points, lambda value: value > config.flat_groups)
    if since is not None:
        yield Alarm(
            "flat_groups", "Most groups have nothing to compare",
            f"In {points[-1][1]:.0%} of the groups all rewards are the same at step {points[-1][0]}; more than "
            f"{config.flat_groups:.0%} since step {since}.",
            "Such a group's advantages are all 0, so its answers are sampled and scored for nothing. In our wind tunnel "
            "it was at most 1%.",
            "More answers a prompt (data.answers_per_prompt), a higher sampling.temperature, harder prompts, or a reward "
            "that tells more than a few values apart; changes: {zero_outcome: token} lets such groups learn from r.",
            since, ("zero_variance_groups",),
        )  # fmt: skip


def list_notes(series: Series) -> Sequence[str]:
    """Return what cannot be watched of a run, and what would have to be there."""
    if series.last_step is None:
        return [series.problem] if series.problem else []
    notes = []
    if not series.get("held_out_reward") and not series.get("held_out_r"):
        notes.append(
            "Nothing held out was looked at: neither hacking nor over-warning can be seen. A training on verl does it every "
            "logging.test_every steps where the training data has a val.parquet (a release of the split held_out)."
        )
    elif not series.get("held_out_r"):
        notes.append(
            'No held-out R, S, E: the reward returns one number. Let the reward function return {"score": ..., "r": ..., '
            '"s": ..., "e": ..., "alarm": ...}.'
        )
    elif not series.get("false_alarms"):
        twins = series.get("held_out_twins")
        missing = "the reward returns no `alarm`" if twins and twins[-1][1] else "the held-out split has no twins"
        notes.append(f"No false alarms: {missing}.")
    if series.unread:
        notes.append(f"{series.unread} lines could not be read, as a kill leaves them; they are left out.")
    return notes
