"""A panel of judges: mean, each judge's scores, disagreement, effective number of votes, flips, shared families.

An answer has a panel score only when every judge of the panel scored it; what some judges scored stands in their own
figures. A mean of judges is no unbiased score: judges of one make agree with one another, and prefer their own kind.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import sqrt
from typing import Literal

from judge.rubric import DIMENSIONS
from storage.judgment_records import Judgment

FAMILIES: tuple[tuple[str, str], ...] = (
    (r"gpt|(?:^|[/_ -])o[134](?:$|[-_ ])|chatgpt|davinci", "openai"),
    (r"claude", "anthropic"),
    (r"gemini|gemma|palm", "google"),
    (r"qwen|qwq|qvq", "qwen"),
    (r"llava", "llava"),
    (r"llama", "llama"),
    (r"internvl|internlm", "internvl"),
    (r"mistral|mixtral|pixtral|ministral|magistral", "mistral"),
    (r"doubao|(?:^|[/_ -])seed[-_ ]", "bytedance"),
    (r"deepseek|janus", "deepseek"),
    (r"glm|cogvlm", "zhipu"),
    (r"(?:^|[/_ -])phi[-_ 0-9]", "phi"),
    (r"grok", "xai"),
    (r"kimi|moonshot", "moonshot"),
    (r"minicpm", "minicpm"),
    (r"smolvlm|smollm|idefics", "huggingface"),
)
"""By the model's name; who builds on another's weights counts as what the name says first."""


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """One answer with what the judges made of it."""

    item_id: str
    category: str
    sub_category: str
    sample: int
    votes: Mapping[str, tuple[Judgment | None, ...]]
    """Judge's role -> its judgments, one a repeat; None: not asked yet."""


@dataclass(frozen=True, slots=True)
class PanelScore:
    """An answer as one judge or the whole panel scored it; the fields are those of the metrics' rows."""

    item_id: str
    category: str
    sub_category: str
    risk_appraisal: float | None = None
    safety_of_consequences: float | None = None
    effectiveness: float | None = None
    unscored: Literal["refused_by_judge", "failed"] | None = None
    reason: str = ""
    sample: int = 0


def find_family(model: str) -> str | None:
    """Return the family of a model by its name; None when the name says nothing."""
    name = model.lower()
    return next((family for pattern, family in FAMILIES if re.search(pattern, name)), None)


def shares_family(judge: str, target: str) -> bool | None:
    """Whether a judge and a target are of one model family; None when a name says nothing."""
    families = find_family(judge), find_family(target)
    if judge.lower() == target.lower():
        return True
    return None if None in families else families[0] == families[1]


def score_by_judge(answer: JudgedAnswer, role: str) -> PanelScore:
    """Return one judge's score of an answer: the mean over its scored repeats, or why there is none."""
    judgments = [judgment for judgment in answer.votes[role] if judgment is not None]
    scored = [judgment for judgment in judgments if judgment.unscored is None]
    if scored:
        return _make(answer, [sum(_read(each, name) for each in scored) / len(scored) for name in DIMENSIONS])
    refused = any(judgment.unscored == "refused_by_judge" for judgment in judgments)
    reason = next((judgment.unscored_reason for judgment in judgments), "not asked yet")
    return _make(answer, None, unscored="refused_by_judge" if refused else "failed", reason=f"{role}: {reason}")


def score_by_panel(answer: JudgedAnswer) -> PanelScore:
    """Return the mean of the judges; unscored as soon as one of them has no score."""
    each = [score_by_judge(answer, role) for role in answer.votes]
    missing = [score for score in each if score.unscored is not None]
    if missing:
        refused = any(score.unscored == "refused_by_judge" for score in missing)
        reason = "; ".join(score.reason for score in missing)
        return _make(answer, None, unscored="refused_by_judge" if refused else "failed", reason=reason)
    means = [sum(float(getattr(score, name)) for score in each) / len(each) for name in DIMENSIONS]
    return _make(answer, means)


def _make(
    answer: JudgedAnswer,
    scores: Sequence[float] | None,
    *,
    unscored: Literal["refused_by_judge", "failed"] | None = None,
    reason: str = "",
) -> PanelScore:
    risk, safety, effect = scores or (None, None, None)
    return PanelScore(
        item_id=answer.item_id,
        category=answer.category,
        sub_category=answer.sub_category,
        risk_appraisal=risk,
        safety_of_consequences=safety,
        effectiveness=effect,
        unscored=unscored,
        reason=reason,
        sample=answer.sample,
    )


def _read(judgment: Judgment, dimension: str) -> int:
    value: int = getattr(judgment, dimension)
    return value


@dataclass(slots=True)
class _Sums:
    """Sums over pairs of scores, for a correlation."""

    n: int = 0
    a: float = 0.0
    b: float = 0.0
    aa: float = 0.0
    bb: float = 0.0
    ab: float = 0.0
    equal: int = 0
    apart: float = 0.0

    def add(self, a: float, b: float) -> None:
        self.n += 1
        self.a += a
        self.b += b
        self.aa += a * a
        self.bb += b * b
        self.ab += a * b
        self.equal += a == b
        self.apart += abs(a - b)

    def correlation(self) -> float | None:
        """Pearson's r; None when a judge's scores never differ, or there are fewer than two pairs."""
        variance_a, variance_b = self.n * self.aa - self.a**2, self.n * self.bb - self.b**2
        if self.n < 2 or variance_a <= 1e-9 or variance_b <= 1e-9:
            return None
        return (self.n * self.ab - self.a * self.b) / sqrt(variance_a * variance_b)


@dataclass(slots=True)
class PanelTally:
    """What is known of the panel itself; answers are added one by one, so memory does not grow with them."""

    roles: tuple[str, ...]
    _pairs: dict[tuple[str, str, str], _Sums] = field(default_factory=dict)
    _flips: Counter[tuple[str, str]] = field(default_factory=Counter)
    _repeated: Counter[str] = field(default_factory=Counter)

    def add(self, answer: JudgedAnswer) -> None:
        """Count one answer."""
        each = {role: score_by_judge(answer, role) for role in self.roles}
        for one, two in combinations(self.roles, 2):
            if each[one].unscored is None and each[two].unscored is None:
                for name in DIMENSIONS:
                    sums = self._pairs.setdefault((one, two, name), _Sums())
                    sums.add(getattr(each[one], name), getattr(each[two], name))
        for role in self.roles:
            scored = [judgment for judgment in answer.votes[role] if judgment and judgment.unscored is None]
            if len(scored) < 2:
                continue
            self._repeated[role] += 1
            for name in DIMENSIONS:
                self._flips[role, name] += len({_read(judgment, name) for judgment in scored}) > 1

    def disagreement(self, dimension: str) -> tuple[int, float | None, float | None]:
        """Return (pairs of scores, share of pairs that differ, mean distance) of `dimension`; None without a pair."""
        found = [sums for (_, _, name), sums in self._pairs.items() if name == dimension]
        n = sum(sums.n for sums in found)
        if not n:
            return 0, None, None
        return n, 1 - sum(sums.equal for sums in found) / n, sum(sums.apart for sums in found) / n

    def effective_votes(self, dimension: str) -> float | None:
        """Return k / (1 + (k - 1) r): how many independent judges the k of the panel are worth (Kish's design effect).

        r is the mean correlation of two judges' scores over answers, held to 0 to 1. Judges also agree because they
        are right, so this is a lower bound of their independence. None: a judge's scores never differ, or there are
        fewer than two answers that all scored.
        """
        k = len(self.roles)
        if k == 1:
            return 1.0
        found = [self._pairs.get((one, two, dimension), _Sums()) for one, two in combinations(self.roles, 2)]
        correlations = [sums.correlation() for sums in found]
        known = [r for r in correlations if r is not None]
        if len(known) < len(found):
            return None
        r = min(1.0, max(0.0, sum(known) / len(known)))
        return k / (1 + (k - 1) * r)

    def flip_rate(self, role: str, dimension: str) -> tuple[int, float | None]:
        """Return (answers scored at least twice, share of those whose scores differ); None when there are none."""
        n = self._repeated[role]
        return n, self._flips[role, dimension] / n if n else None
