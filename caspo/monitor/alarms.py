"""What goes wrong in a training, from its series: what was seen, why it matters, what to change.

An alarm is about how a run is now, not about how it once was: what has passed by itself is none any more. Values are
medians over a window, since single steps jump (other prompts each time; of the divergence single answers make nearly
all). docs/monitor.md has what these bounds give on 72 real runs.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from pydantic import Field

from caspo.monitor.advice import KINDS
from caspo.monitor.series import INDICATORS, Points, Series
from storage.record import Frozen


class AlarmConfig(Frozen):
    """Bounds. Defaults are the paper's figures where it has some, and else those of our own runs (docs/monitor.md)."""

    window: int = Field(default=10, ge=1)
    """Steps that a median is taken over; a run shorter than that has no alarms of training."""
    lasting: int = Field(default=10, ge=1)
    """Steps in a row that a median is out of bounds before it is an alarm. Ours: the divergence of two healthy runs was
    too large for six and for nine steps, and came back."""
    entropy_left: float = Field(default=0.5, gt=0, le=1)
    """Least entropy, as a share of that of the first window. The paper: CASPO stays between 1.2 and 2.0 (0.6 of its
    highest), outcome-only reward falls below 0.4 (a third and less)."""
    length_left: float = Field(default=0.5, gt=0, le=1)
    """Least length, as a share of the greatest so far. The paper: CASPO stays between 400 and 600 tokens (0.67)."""
    capped: float = Field(default=0.1, gt=0, le=1)
    """Most answers cut off at the cap. Ours: healthy runs none, collapsed ones 44% and more."""
    kl: float = Field(default=0.1, gt=0)
    """Largest divergence, nats a token. The paper: below 0.1. Ours: runs that meet the goal end at 0.02 to 0.09."""
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
_UNKNOWN_TWINS = 100.0
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
        _find_not_finite, _find_hacking, _find_over_warning, _find_entropy, _find_length, _find_out_of_bounds,
    )  # fmt: skip
    return tuple(alarm for check in checks for alarm in check(series, config))


def smooth(points: Points, window: int, *, whole: bool = True) -> Points:
    """Return the running median of the last `window` finite values, from the first (whole) window on."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    return tuple(
        (finite[end][0], median(value for _, value in finite[max(0, end - window + 1) : end + 1]))
        for end in range(window - 1 if whole else 0, len(finite))
    )


def _find_since(points: Points, is_bad: Callable[[float], bool]) -> int | None:
    """Return the first step of those up to the last that are all bad; None where the last is not."""
    since = None
    for step, value in reversed(points):
        if not is_bad(value):
            break
        since = step
    return since


def _raise(kind: str, seen: str, since: int, *indicators: str, back: int | None = None) -> Alarm:
    """Return an alarm. A run goes on from before step `since`, or near step `back` where that is given."""
    said, near = KINDS[kind], since - 1 if back is None else back
    way = f"go on from a checkpoint {'near' if back else 'before'} step {back or since}" if near > 0 else "begin again"
    return Alarm(kind, said.title, seen, said.why, said.advice.format(back=way), since, indicators)


def _find_lasting(points: Points, config: AlarmConfig, is_bad: Callable[[float], bool]) -> int | None:
    """Return the same of medians; None as well where they have not been bad for long."""
    since = _find_since(points, is_bad)
    lasted = sum(since is not None and step >= since for step, _ in points)
    return since if lasted >= config.lasting else None


def _find_not_finite(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    names = [name for name in ("loss", "grad_norm", "entropy", "kl", "reward", "r_std") if _ends_unknown(series, name)]
    sinces = [_find_since(series.get(name), lambda value: not math.isfinite(value)) for name in names]
    known = [since for since in sinces if since is not None]
    if known:
        titles = ", ".join(INDICATORS[name].title for name in names)
        yield _raise("not_finite", f"{titles}: not finite since step {min(known)}.", min(known), *names)


def _ends_unknown(series: Series, name: str) -> bool:
    points = series.get(name)
    return bool(points) and points[-1][0] == series.last_step and not math.isfinite(points[-1][1])


@dataclass(frozen=True)
class _Fall:
    """A held-out score that fell since its best look."""

    name: str
    best_step: int
    best: float
    last_step: int
    last: float

    def __str__(self) -> str:
        title = INDICATORS[self.name].title.removeprefix("Held-out ")
        return f"{title} from {self.best:.2f} (step {self.best_step}) to {self.last:.2f} (step {self.last_step})"


def _find_hacking(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    """Compare each score's best look with the last, and the reward of the same looks."""
    falls = [fall for name in ("held_out_r", "held_out_s", "held_out_e") if (fall := _find_fall(series, name, config))]
    if not falls:
        return
    first, names = falls[0], tuple(fall.name for fall in falls)
    rewards = _compare_rewards(series, first.best_step, first.last_step, config.window)
    seen = f"Held-out {', '.join(map(str, falls))}"
    if rewards is not None and rewards[2] > rewards[1]:
        seen = f"{seen}, while {rewards[0]} rose from {rewards[1]:.2f} to {rewards[2]:.2f}."
        yield _raise("reward_hacking", seen, first.last_step, *names, "reward", back=first.best_step)
    else:
        seen = f"{seen}; the reward did not rise."
        yield _raise("held_out_falls", seen, first.last_step, *names, back=first.best_step)


def _find_fall(series: Series, name: str, config: AlarmConfig) -> _Fall | None:
    looks = [(step, value) for step, value in series.get(name) if math.isfinite(value)]
    if len(looks) < 2:
        return None
    last_step, last = looks[-1]
    best_step, best = max(looks[:-1], key=lambda look: (look[1], look[0]))
    return _Fall(name, best_step, best, last_step, last) if best - last > _least_fall(series, config) else None


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
    count = max(1.0, counts[-1][1]) if counts else _UNKNOWN_TWINS
    since = _find_since(points, is_bad)
    if since is not None:
        first, last = points[0], points[-1]
        seen = (
            f"{last[1]:.0%} of the harmless twins were warned of at step {last[0]} (at step {first[0]}: "
            f"{first[1]:.0%}); more than {config.false_alarms:.0%} since step {since}."
        )
        yield _raise("over_warning", seen, since, "false_alarms")


def _find_entropy(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    points = smooth(series.get("entropy"), config.window)
    if not points or points[0][1] <= 0:
        return
    first, last = points[0][1], points[-1]
    since = _find_lasting(points, config, lambda value: value < config.entropy_left * first)
    if since is not None:
        seen = (
            f"{last[1]:.3g} nats a token at step {last[0]}, {last[1] / first:.0%} of the first {config.window} steps' "
            f"{first:.3g}; below {config.entropy_left:.0%} since step {since}."
        )
        yield _raise("entropy_collapse", seen, since, "entropy")


def _find_length(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    points = smooth(series.get("length"), config.window)
    if not points:
        return
    longest, last = max(value for _, value in points), points[-1]
    since = _find_lasting(points, config, lambda value: value < config.length_left * longest)
    if since is not None:
        seen = (
            f"{last[1]:.0f} tokens an answer at step {last[0]}, {last[1] / longest:.0%} of the {longest:.0f} that they "
            f"had; below {config.length_left:.0%} since step {since}."
        )
        yield _raise("length_collapse", seen, since, "length")


@dataclass(frozen=True)
class _Bound:
    """A figure of training that has one bound, from the first step on."""

    kind: str
    indicator: str
    bound: str
    """The field of the config."""
    above: bool
    """Whether values above it are bad, and not those below."""
    seen: str
    """Gets `value`, `step`, `bound` and `since`."""


_BOUNDS = (
    _Bound(
        "length_capped", "capped", "capped", True,
        "{value:.0%} of the answers reach the cap at step {step}; over {bound:.0%} since step {since}.",
    ),
    _Bound(
        "kl_runaway", "kl", "kl", True,
        "{value:.3g} nats a token at step {step}; more than {bound:g} since step {since}.",
    ),
    _Bound(
        "narrow_r", "r_std", "r_spread", False,
        "r spreads by {value:.3g} nats at step {step}; less than {bound:g} since step {since}.",
    ),
    _Bound(
        "flat_groups", "zero_variance_groups", "flat_groups", True,
        "In {value:.0%} of the groups all rewards are the same at step {step}; more than {bound:.0%} since step "
        "{since}.",
    ),
)  # fmt: skip


def _find_out_of_bounds(series: Series, config: AlarmConfig) -> Iterator[Alarm]:
    for one in _BOUNDS:
        bound, points = getattr(config, one.bound), smooth(series.get(one.indicator), config.window)
        since = _find_lasting(points, config, bound.__lt__ if one.above else bound.__gt__)
        if since is not None:
            step, value = points[-1]
            seen = one.seen.format(value=value, step=step, bound=bound, since=since)
            yield _raise(one.kind, seen, since, one.indicator)


def list_notes(series: Series) -> Sequence[str]:
    """Return what cannot be watched of a run, and what would have to be there."""
    if series.last_step is None:
        return [series.problem] if series.problem else []
    notes = []
    if not series.get("held_out_reward") and not series.get("held_out_r"):
        notes.append(
            "Nothing held out was looked at: neither hacking nor over-warning can be seen. A training on verl does it "
            "every logging.test_every steps where its data has a val.parquet (made of a release of the split held_out)."
        )
    elif not series.get("held_out_r"):
        notes.append(
            "No held-out R, S, E: the reward returns one number. Let the reward function return "
            '{"score": ..., "r": ..., "s": ..., "e": ..., "alarm": ...}.'
        )
    elif not series.get("false_alarms"):
        twins = series.get("held_out_twins")
        missing = "the reward returns no `alarm`" if twins and twins[-1][1] else "the held-out split has no twins"
        notes.append(f"No false alarms: {missing}.")
    if series.unread:
        notes.append(f"{series.unread} lines could not be read, as a kill leaves them; they are left out.")
    return notes
