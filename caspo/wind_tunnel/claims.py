"""What the paper claims, and whether this toy world shows it: reproduced, not reproduced or undecided, by a fixed rule.

A claim is one or several statements, each about a figure with a 95% interval (`intervals`): a level, a difference of
two arms on the same scenes, or a ratio of them. A statement is

* `reproduced` when its whole interval lies on the claimed side of its bound and so does each single run's own value,
* `not reproduced` when its whole interval lies on the other side,
* `undecided` otherwise, and always with fewer than `LEAST_RUNS` runs, or `LEAST_STARTS` of what stage 0 left.

A claim is reproduced when all its statements are, not reproduced when one is not, and else undecided. Claims about an
arm that was not run are `not tested`. Bounds are ours where the paper gives none; the report prints them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from caspo.wind_tunnel.arms import ARMS, BASELINES
from caspo.wind_tunnel.intervals import Estimate
from caspo.wind_tunnel.measures import MEASURES, Key, Measured, SetName, compare, figure, read_value

Verdict = Literal["reproduced", "not reproduced", "undecided", "not tested"]
Results = Mapping[str, Mapping[Key, Measured]]
"""Arm or baseline -> its runs that did not diverge."""

LEAST_RUNS = 3
LEAST_STARTS = 2
"""Of what stage 0 left there is one run for each of its seeds."""


@dataclass(frozen=True)
class Statement:
    """One figure and what is claimed of it."""

    kind: Literal["level", "difference", "ratio"]
    measure: str
    arm: str
    than: str = ""
    """The arm that is taken off, or divided by."""
    low: float = float("-inf")
    high: float = float("inf")
    """The claimed side: between these."""
    name: SetName = "new_scenes"

    @property
    def words(self) -> str:
        """In words, with its bounds."""
        measure = MEASURES[self.measure]
        subject = f"{measure.title} of {title_arm(self.arm)}"
        if self.kind == "difference":
            subject += f" less that of {title_arm(self.than)}"
        elif self.kind == "ratio":
            subject += f" over that of {title_arm(self.than)}"
        low, high = (self.show(bound) for bound in (self.low, self.high))
        if self.low == float("-inf"):
            return f"{subject} below {high}"
        if self.high == float("inf"):
            return f"{subject} above {low}"
        return f"{subject} between {low} and {high}"

    def show(self, value: float) -> str:
        """Return a value of the figure in words."""
        if self.kind == "ratio":
            return f"{100 * value:.0f}%"
        if MEASURES[self.measure].kind == "rate":
            return f"{100 * value:.1f} points" if self.kind == "difference" else f"{100 * value:.1f}%"
        return f"{value:.2f}"


@dataclass(frozen=True)
class Claim:
    """Something that the paper says."""

    id: str
    says: str
    paper: str
    """The paper's own figures."""
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Checked:
    """A statement with its figure."""

    statement: Statement
    estimate: Estimate | None
    each: tuple[float, ...]
    """Of every run."""
    verdict: Verdict


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict."""

    claim: Claim
    checked: tuple[Checked, ...]
    verdict: Verdict


def title_arm(name: str) -> str:
    """Return the title of an arm or a baseline without what follows its colon."""
    title = ARMS[name].title if name in ARMS else BASELINES[name].title
    return title.split(":")[0]


def _above(kind: Literal["level", "difference", "ratio"], measure: str, arm: str, than: str, low: float) -> Statement:
    return Statement(kind, measure, arm, than, low=low)


def _below(kind: Literal["level", "difference", "ratio"], measure: str, arm: str, than: str, high: float) -> Statement:
    return Statement(kind, measure, arm, than, high=high)


def list_claims() -> tuple[Claim, ...]:
    """Return all claims of the paper that can be tried here, about its own form; then the same about ours."""
    return (*_list_blindness(), *_list_method("paper"), *_list_ablations(), *_list_method("recommended"))


def _list_blindness() -> tuple[Claim, ...]:
    return (
        Claim(
            "standard_blind",
            "Without a constitution the model overlooks most hazards.",
            "R_0 51.0% (Qwen3-VL-32B) to 92.3% (LLaVA-1.5-7B)",
            (_above("level", "r_0", "base", "", 0.5), _above("level", "r_0", "sft", "", 0.5)),
        ),
        Claim(
            "constitution_helps",
            "The constitution brings the oversight down by tens of points.",
            "R_0 falls by 33.4 (Qwen3-VL-32B) to 64.8 points (InternVL-3.5-38B)",
            (_below("difference", "r_0", "base_constitution", "base", -0.1),),
        ),
        Claim(
            "constitution_low",
            "Under the constitution few hazards are overlooked.",
            "R_0 2.9% (Gemma-3-12B)",
            (_below("level", "r_0", "teacher", "", 0.1),),
        ),
    )


def _list_method(arm: str) -> tuple[Claim, ...]:
    whose = "CASPO" if arm == "paper" else "The recommended form"
    return (
        Claim(
            f"{arm}_low",
            f"{whose} takes R_0 without a constitution below 10%.",
            "R_0 82.6% -> 7.3% (Qwen2.5-VL-7B), 67.5% -> 5.7% (Qwen3-VL-4B)",
            (_below("level", "r_0", arm, "", 0.1), _below("difference", "r_0", arm, "sft", -0.5)),
        ),
        Claim(
            f"{arm}_beats_constitution",
            f"{whose} appraises risks better than the base model under the constitution.",
            "R_A 1.80 against 1.71 (Qwen2.5-VL-7B)",
            (_above("difference", "r_a", arm, "base_constitution", 0.0),),
        ),
        Claim(
            f"{arm}_below_outcome_only",
            f"{whose} ends far below outcome-only reward in R_0, and answers better.",
            "CASPO's R_0 far below OutR's",
            (_below("difference", "r_0", arm, "outr", 0.0), _above("difference", "total", arm, "outr", 0.0)),
        ),
        Claim(
            f"{arm}_entropy",
            f"{whose} keeps the entropy (within 20% of SFT's).",
            "stays between 1.2 and 2.0",
            (Statement("ratio", "entropy", arm, "sft", low=0.8, high=1.2),),
        ),
        Claim(
            f"{arm}_length",
            f"{whose} keeps the length of answers (within 25% of the teacher's).",
            "stays at 400 to 600 tokens",
            (Statement("ratio", "length", arm, "teacher", low=0.75, high=1.25),),
        ),
        Claim(
            f"{arm}_kl",
            f"{whose} stays near the SFT model.",
            "KL below 0.1",
            (_below("level", "kl", arm, "", 0.1),),
        ),
    )


def _list_ablations() -> tuple[Claim, ...]:
    best = "recommended"
    return (
        Claim(
            "outcome_only_hacked",
            "Outcome-only reward is hacked: the reward model pays it more than SFT, the exact score less than Hybrid.",
            "entropy collapses, responses degenerate",
            (
                _above("difference", "reward", "outr", "sft", 0.0),
                _below("difference", "total", "outr", best, 0.0),
                _above("difference", "reward", "outr", best, -0.25),
            ),
        ),
        Claim(
            "outcome_only_entropy",
            "Outcome-only reward lets the entropy collapse (to less than half of SFT's).",
            "from 1.2 - 2.0 to below 0.4",
            (_below("ratio", "entropy", "outr", "sft", 0.5),),
        ),
        Claim(
            "outcome_only_length",
            "Outcome-only reward makes answers shorter.",
            "length declines",
            (_below("ratio", "length", "outr", "sft", 1.0),),
        ),
        Claim(
            "lambda_best",
            "Lambda 0.3 is the best of 0, 0.3, 0.6 and 1 (tried around the recommended form).",
            "0.3 best",
            tuple(_above("difference", "total", "lambda_03", other, 0.0) for other in ("outr", "lambda_06", best)),
        ),
        Claim(
            "both_terms",
            "Both terms together are better than the token signal alone.",
            "Hybrid above TokR and OutR",
            (_above("difference", "total", best, "tokr", 0.0),),
        ),
        Claim(
            "teacher_after_sft",
            "The SFT model under the constitution is a better target than the model before SFT.",
            "R_A 1.80 (SMC) against 0.55 (OMC)",
            (_above("difference", "r_a", best, "original", 0.0),),
        ),
    )


NOT_TRIED = (
    "Malicious and Caption modes, and the captioning paradox",
    "DPO and its preference ceiling",
    "which tokens shift, by part of speech",
    "agreement of judges with people",
    "transfer to other benchmarks",
)
"""Claims of the paper for which this world has no counterpart."""


def judge_claims(results: Results, claims: Sequence[Claim] | None = None) -> list[Judged]:
    """Return every claim with its verdict."""
    return [judge_claim(results, claim) for claim in (list_claims() if claims is None else claims)]


def judge_claim(results: Results, claim: Claim) -> Judged:
    """Return one claim with its verdict."""
    checked = tuple(check_statement(results, statement) for statement in claim.statements)
    verdicts = {one.verdict for one in checked}
    order: tuple[Verdict, ...] = ("not tested", "not reproduced", "undecided")
    return Judged(claim, checked, next((verdict for verdict in order if verdict in verdicts), "reproduced"))


def check_statement(results: Results, statement: Statement) -> Checked:
    """Return the figure that a statement is about, and its verdict."""
    runs, others = results.get(statement.arm, {}), results.get(statement.than, {})
    if not runs or (statement.than and not others):
        return Checked(statement, None, (), "not tested")
    measure = MEASURES[statement.measure]
    if statement.kind == "level":
        keys = sorted(runs)
        found = figure(runs, keys, statement.name, measure)
        each = tuple(read_value(runs[key], statement.name, measure) for key in keys)
    else:
        found, each = compare(runs, others, statement.name, measure, ratio=statement.kind == "ratio")
    return Checked(statement, found, each, _judge(statement, found, each))


def _judge(statement: Statement, found: Estimate | None, each: Sequence[float]) -> Verdict:
    """Return the verdict by the rule at the module's head."""
    if found is None:
        return "not tested" if not each else "undecided"
    if len(each) < _least(statement):
        return "undecided"
    if statement.low < found.low and found.high < statement.high:
        inside = all(statement.low < value < statement.high for value in each)
        return "reproduced" if inside else "undecided"
    if found.high < statement.low or found.low > statement.high:
        return "not reproduced"
    return "undecided"


def _least(statement: Statement) -> int:
    """Return how many runs a verdict needs."""
    return LEAST_RUNS if statement.arm in ARMS else LEAST_STARTS
