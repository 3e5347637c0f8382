"""Which answers SFT, DPO and the reward model learn from.

All three are chosen from small entries, before any text is read, by seeded ranks. Answers to one question about one
picture are compared with one another and with no others.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, log2
from typing import Protocol, TypeVar

from caspo.dataset.config import PreferenceChoice, RewardChoice, SftChoice
from caspo.dataset.sampling import draw, find_bin, find_quartiles, rank, spread_evenly
from caspo.dataset.scored import ScoredAnswer


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """Two judged answers to one prompt, the better one first."""

    chosen: ScoredAnswer
    rejected: ScoredAnswer

    @property
    def gap(self) -> float:
        """By how much R + S + E differ."""
        return self.chosen.score - self.rejected.score

    @property
    def words(self) -> tuple[int, int]:
        """Lengths of both, in words."""
        return self.chosen.words, self.rejected.words


@dataclass(frozen=True, slots=True)
class PublicPair:
    """A preference that comes with a row of a public data set."""

    source: str
    item_id: str
    gap: float | None
    words: tuple[int, int]
    model: str = ""


@dataclass(frozen=True, slots=True)
class RewardSets:
    """The two parts of Eq. 7. No answer is in both."""

    pairs: tuple[AnswerPair, ...]
    scores: tuple[ScoredAnswer, ...]
    wide: int
    """Pairs whose gap is above the margin; of these the pairs were drawn."""
    drawn: int
    """Pairs before their lengths were balanced."""


class _HasLengths(Protocol):
    @property
    def words(self) -> tuple[int, int]: ...


Pair = TypeVar("Pair", bound=_HasLengths)


def choose_sft(answers: Iterable[ScoredAnswer], choice: SftChoice, *, seed: int) -> list[ScoredAnswer]:
    """Return good answers, at most `per_prompt` of a prompt, spread over models and lengths."""
    good = [answer for answer in answers if answer.score >= choice.min_score]
    some = [
        answer
        for group in group_by_prompt(good).values()
        for answer in sorted(group, key=lambda one: rank(seed, "sft", *one.key))[: choice.per_prompt]
    ]
    return _spread(some, seed=seed, use="sft", most=choice.most, evenness=choice.evenness)


def find_pairs(answers: Iterable[ScoredAnswer], choice: PreferenceChoice, *, seed: int) -> list[AnswerPair]:
    """Return pairs with a gap of at least `min_gap`, at most `per_prompt` of a prompt.

    Of a prompt the widest gaps are taken, of equal ones those whose lengths differ least.
    """
    found: list[AnswerPair] = []
    for group in group_by_prompt(answers).values():
        pairs = [_order(one, other) for one, other in combinations(group, 2)]
        wide = [pair for pair in pairs if pair.gap >= choice.min_gap]
        wide.sort(key=lambda pair: (-pair.gap, abs(_skew(pair)), _rank_pair(seed, pair)))
        found += wide[: choice.per_prompt]
    return found


def choose_pairs(pairs: Sequence[AnswerPair], choice: PreferenceChoice, *, seed: int) -> list[AnswerPair]:
    """Return the pairs to keep: neither the longer nor the shorter answer tends to win in them."""
    return balance_lengths(pairs, skew=choice.length_skew, most=choice.most, order=lambda pair: _rank_pair(seed, pair))


def choose_public_pairs(pairs: Iterable[PublicPair], choice: PreferenceChoice, *, seed: int) -> list[PublicPair]:
    """Return the public preferences to keep: those with a gap below `min_gap` go, then lengths are balanced."""
    wide = [pair for pair in pairs if pair.gap is None or pair.gap >= choice.min_gap]
    return balance_lengths(
        wide,
        skew=choice.length_skew,
        most=choice.most,
        order=lambda pair: rank(seed, "public", pair.source, pair.item_id),
    )


def choose_reward(answers: Iterable[ScoredAnswer], choice: RewardChoice, *, seed: int) -> RewardSets:
    """Divide judged answers into pairs for Bradley-Terry and single ones for regression on R + S + E.

    First models and lengths are evened out. Then the best answer to a prompt meets, among those whose score is lower by
    more than `margin`, the one of the most similar length, and so on with what is left, so that no answer is in two
    pairs. Each such pair is drawn with `pair_probability`, and lengths are balanced among those that were; everything
    else is for regression.
    """
    even = _spread(list(answers), seed=seed, use="reward", most=choice.most, evenness=choice.evenness)
    pairs: list[AnswerPair] = []
    wide = 0
    for group in group_by_prompt(even).values():
        for pair in _match(group, choice.margin, seed=seed):
            wide += 1
            if draw(seed, "bradley-terry", *pair.chosen.key, *pair.rejected.key) < choice.pair_probability:
                pairs.append(pair)
    drawn = len(pairs)
    pairs = balance_lengths(pairs, skew=choice.length_skew, most=None, order=lambda pair: _rank_pair(seed, pair))
    paired = {answer.key for pair in pairs for answer in (pair.chosen, pair.rejected)}
    return RewardSets(tuple(pairs), tuple(answer for answer in even if answer.key not in paired), wide, drawn)


def group_by_prompt(answers: Iterable[ScoredAnswer]) -> Mapping[tuple[str, str], list[ScoredAnswer]]:
    """Return (item, words asked in place of its query) -> the answers."""
    groups: dict[tuple[str, str], list[ScoredAnswer]] = defaultdict(list)
    for answer in answers:
        groups[answer.item_id, answer.asked].append(answer)
    return groups


def balance_lengths(
    pairs: Sequence[Pair], *, skew: float | None, most: int | None, order: "_Order[Pair]"
) -> list[Pair]:
    """Return pairs of which about as many have the better answer longer as have it shorter, at every ratio of lengths.

    Ratios are compared in steps of half a doubling. Pairs of equal length stay, and all of them without a `skew`.
    """
    steps: dict[int, tuple[list[Pair], list[Pair]]] = defaultdict(lambda: ([], []))
    kept: list[Pair] = []
    for pair in pairs:
        longer = _skew(pair)
        if longer == 0:
            kept.append(pair)
        else:
            steps[ceil(2 * abs(longer))][longer < 0].append(pair)
    for step in sorted(steps):
        sides = steps[step]
        bound = None if skew is None else int(skew * min(len(side) for side in sides))
        for side in sides:
            kept += sorted(side, key=order)[:bound]
    return kept if most is None else sorted(kept, key=order)[:most]


class _Order(Protocol[Pair]):  # type: ignore[misc]  # pyright and mypy differ on the variance of a callable
    def __call__(self, pair: Pair, /) -> int: ...


def _spread(
    answers: Sequence[ScoredAnswer], *, seed: int, use: str, most: int | None, evenness: float
) -> list[ScoredAnswer]:
    bounds = find_quartiles([answer.words for answer in answers])
    return spread_evenly(
        answers,
        cell=lambda answer: (answer.model, find_bin(answer.words, bounds)),
        order=lambda answer: rank(seed, use, *answer.key),
        most=most,
        evenness=evenness,
    )


def _match(group: Sequence[ScoredAnswer], margin: float, *, seed: int) -> list[AnswerPair]:
    left = sorted(group, key=lambda one: (-one.score, rank(seed, "match", *one.key)))
    pairs = []
    while left:
        best = left.pop(0)
        worse = [one for one in left if best.score - one.score > margin]
        if not worse:
            break
        other = min(worse, key=lambda one: (abs(log2((one.words + 1) / (best.words + 1))), left.index(one)))
        left.remove(other)
        pairs.append(AnswerPair(best, other))
    return pairs


def _order(one: ScoredAnswer, other: ScoredAnswer) -> AnswerPair:
    return AnswerPair(one, other) if one.score >= other.score else AnswerPair(other, one)


def _skew(pair: _HasLengths) -> float:
    """Return the doublings by which the better answer is longer."""
    chosen, rejected = pair.words
    return log2((chosen + 1) / (rejected + 1))


def _rank_pair(seed: int, pair: AnswerPair) -> int:
    return rank(seed, "pair", *pair.chosen.key, *pair.rejected.key)
