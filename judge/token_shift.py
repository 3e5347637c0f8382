"""Token-shift analysis (section 4.2.2, Fig. 5): which tokens of an answer a policy moves, and what words they are.

The answer is given to both sides, and at each of its tokens the two distributions are compared. Of every answer the K
tokens with the largest divergence count (K = 5 in the paper), by their part of speech. A policy that mostly moves
punctuation is format-centric, one that moves content words follows the meaning.

The paper leaves open which way its divergence goes, whose answers are read, and whether its top 5 are of an answer or
of a position: docs/token-shift.md says what was chosen. Intervals resample items, with all their answers.

Shapes: I items, F numbers per item.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop, nlargest
from math import isfinite
from typing import Any, Literal

import numpy as np

from judge.resampling import Floats, Interval, resample_sums
from judge.speech_parts import GROUPS, TAG_NAMES, TAGS
from storage.record import Frozen
from storage.texts import Line, Sha256

FORMAT = "ood-mmsafe-token-shift/1"
DIGITS = 6
SHOWN_TYPES = 40
SHOWN_ANSWERS = 8


class ShiftConfig(Frozen):
    """What is compared, and how."""

    answers: Line
    """The judge run, or the name of the file, whose answers are read."""
    release_digest: Sha256 | None = None
    model: Line
    """The shifted side's."""
    reference: Line
    """The other side's; the same model where a constitution makes the shift."""
    constitutions_sha256: Sha256 | None = None
    """Hash of what stands before the shifted side's queries; None where the models differ."""
    top: int = 5
    direction: Literal["forward", "reverse"] = "forward"
    """forward: KL(pi || pi_ref)."""
    dtype: Line
    tagger: Line
    resamples: int = 2_000
    seed: int = 0


@dataclass(frozen=True)
class TaggedAnswer:
    """An answer's tokens with what was found at each."""

    item_id: str
    sample: int
    text: str
    spans: Sequence[tuple[int, int]]
    tags: Sequence[str]
    kl: Sequence[float]
    delta: Sequence[float]
    raised: Sequence[str]

    @property
    def mean_kl(self) -> float:
        """Over all tokens."""
        return sum(self.kl) / len(self.kl)

    def find_top(self, count: int) -> list[int]:
        """Return the places of the `count` tokens with the largest divergence, largest first, the earlier of two."""
        return nlargest(count, range(len(self.kl)), key=lambda place: (self.kl[place], -place))


@dataclass(slots=True)
class _TokenType:
    selected: int = 0
    seen: int = 0
    kl: float = 0.0
    delta: float = 0.0
    tags: Counter[str] = field(default_factory=Counter)


@dataclass
class ShiftTally:
    """Adds up answers one by one; memory grows with items and token types, not with tokens."""

    config: ShiftConfig
    skipped: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Slug of why answers could not be read -> how many, and the first one's reason in words."""
    blind: int = 0
    """Answers whose picture the models do not see, since they read texts only."""
    _items: dict[str, Floats] = field(default_factory=dict)
    """Item -> selected tokens, all tokens and summed divergence, each by tag: 3 x 13 numbers."""
    _types: dict[str, _TokenType] = field(default_factory=dict)
    _answers: list[dict[str, Any]] = field(default_factory=list)
    _shown: list[tuple[float, int, TaggedAnswer]] = field(default_factory=list)

    def add(self, answer: TaggedAnswer) -> None:
        """Count an answer."""
        top = answer.find_top(self.config.top)
        sums = self._items.setdefault(answer.item_id, np.zeros((3, len(TAGS))))
        for place, tag in enumerate(answer.tags):
            column = TAGS.index(tag)
            sums[:, column] += (place in top, 1, answer.kl[place])
            self._add_type(answer, place, chosen=place in top)
        self._answers.append(_describe_answer(answer, top))
        ranked = (answer.mean_kl, -len(self._answers), answer)
        (heappush if len(self._shown) < SHOWN_ANSWERS else heappushpop)(self._shown, ranked)

    def skip(self, kind: str, reason: str) -> None:
        """Count an answer that cannot be read."""
        count, first = self.skipped.get(kind, (0, reason))
        self.skipped[kind] = count + 1, first

    def _add_type(self, answer: TaggedAnswer, place: int, *, chosen: bool) -> None:
        start, end = answer.spans[place]
        piece = answer.text[start:end]
        kind = self._types.setdefault(piece.strip().casefold() or piece, _TokenType())
        kind.selected += chosen
        kind.seen += 1
        kind.kl += answer.kl[place]
        kind.delta += answer.delta[place]
        kind.tags[answer.tags[place]] += 1

    def describe(self) -> dict[str, Any]:
        """Return the report as JSON values. A share that no token decides is None."""
        sums_I3G = np.stack(list(self._items.values())) if self._items else np.zeros((0, 3, len(TAGS)))
        columns = {tag: (place,) for place, tag in enumerate(TAGS)}
        groups = {name: tuple(columns[tag][0] for tag in tags) for name, tags in GROUPS.items()}
        return {
            "format": FORMAT,
            "config": self.config.model_dump(mode="json"),
            "counts": {
                "items": len(self._items),
                "answers": len(self._answers),
                "skipped": {kind: {"count": n, "first": told} for kind, (n, told) in sorted(self.skipped.items())},
                "blind": self.blind,
                "tokens": int(sums_I3G[:, 1].sum()),
                "selected": int(sums_I3G[:, 0].sum()),
            },
            "groups": [{"name": name} | self._describe_part(sums_I3G, part) for name, part in groups.items()],
            "tags": [{"tag": t, "name": TAG_NAMES[t]} | self._describe_part(sums_I3G, columns[t]) for t in TAGS],
            "types": self._describe_types(),
            "answers": self._answers,
            "shown": [_cut_pieces(each, self.config.top) for _, _, each in sorted(self._shown, key=lambda s: -s[0])],
        }

    def _describe_part(self, sums_I3G: Floats, columns: Sequence[int]) -> dict[str, Any]:
        part_I3 = sums_I3G[:, :, columns].sum(2)
        whole_I3 = sums_I3G.sum(2)
        selected, seen, kl = (float(value) for value in part_I3.sum(0))
        _, all_seen, all_kl = (float(value) for value in whole_I3.sum(0))
        share = resample_sums(
            np.stack([part_I3[:, 0], whole_I3[:, 0]], 1),
            _divide,
            resamples=self.config.resamples,
            seed=self.config.seed,
        )
        return {
            "selected": int(selected),
            "share": _write_number(share.value),
            **_describe_interval(share),
            "share_of_all": _write_number(seen / all_seen) if all_seen else None,
            "share_of_kl": _write_number(kl / all_kl) if all_kl else None,
            "mean_kl": _write_number(kl / seen) if seen else None,
        }

    def _describe_types(self) -> list[dict[str, Any]]:
        order = sorted(self._types.items(), key=lambda entry: (-entry[1].selected, -entry[1].kl, entry[0]))
        return [
            {
                "text": text,
                "tag": kind.tags.most_common(1)[0][0],
                "selected": kind.selected,
                "seen": kind.seen,
                "mean_kl": _write_number(kind.kl / kind.seen),
                "mean_delta": _write_number(kind.delta / kind.seen),
            }
            for text, kind in order[:SHOWN_TYPES]
            if kind.selected
        ]


def _divide(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])


def _describe_interval(interval: Interval) -> dict[str, Any]:
    ends = [_write_number(interval.low), _write_number(interval.high)]
    return {"interval": None, "no_interval": interval.reason} if None in ends else {"interval": ends, "no_interval": ""}


def _write_number(value: float) -> float | None:
    return round(value, DIGITS) if isfinite(value) else None


def _describe_answer(answer: TaggedAnswer, top: Sequence[int]) -> dict[str, Any]:
    return {
        "item": answer.item_id,
        "sample": answer.sample,
        "tokens": len(answer.kl),
        "mean_kl": _write_number(answer.mean_kl),
        "top": [
            {
                "token": place,
                "text": answer.text[slice(*answer.spans[place])],
                "tag": answer.tags[place],
                "kl": _write_number(answer.kl[place]),
                "delta": _write_number(answer.delta[place]),
                "raised": answer.raised[place],
            }
            for place in top
        ],
    }


def _cut_pieces(answer: TaggedAnswer, count: int) -> dict[str, Any]:
    """Return an answer's text cut into pieces, those of the top tokens with what was found there."""
    pieces: list[dict[str, Any]] = []
    at = 0
    for place in sorted(answer.find_top(count)):
        start, end = answer.spans[place]
        start, end = max(start, at), max(end, at)
        pieces.append({"text": answer.text[at:start]})
        pieces.append({"text": answer.text[start:end], "tag": answer.tags[place]})
        at = end
    pieces.append({"text": answer.text[at:]})
    return _describe_answer(answer, answer.find_top(count)) | {"pieces": [piece for piece in pieces if piece["text"]]}
