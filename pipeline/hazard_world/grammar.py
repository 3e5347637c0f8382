"""Reads a text of the world's language: sentences, and in each the clauses that it is made of.

A sentence either divides into clauses of language.yaml without a rest, or it is noise. Upper and lower case, and spaces
before marks, do not matter, so prose that `to_prose` made reads the same.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from pipeline.hazard_world.world import ClauseKind, load_world

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")
_ENDS = frozenset(".!?")
_OPPOSITES: dict[ClauseKind, ClauseKind] = {
    "together": "apart", "apart": "together", "consequence": "safe", "safe": "caution", "caution": "calm",
    "calm": "caution", "go": "hold", "hold": "go", "remedy": "unremedy", "unremedy": "remedy",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause, a denial already turned into what it says."""

    kind: ClauseKind
    text: str
    things: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its clauses; none when it is noise."""

    text: str
    tokens: int
    clauses: tuple[Clause, ...]

    @property
    def is_noise(self) -> bool:
        """Whether it is no sentence of the language."""
        return not self.clauses


def tokenise(text: str) -> list[str]:
    """Return the words and marks of a text, in lower case."""
    return _TOKEN.findall(text.lower())


@cache
def list_vocabulary() -> tuple[str, ...]:
    """Return every word and mark that a query or an answer can hold, in the order of the alphabet: a model's tokens."""
    world = load_world()
    language = world.language
    texts = [language.negator, *language.joints, *language.openers, *world.people, *world.times, *world.words]
    texts += [form for forms in language.clauses.values() for form in forms]
    texts += [phrase for hazard in world.hazards for phrase in hazard.consequences]
    texts += [text for activity in world.activities for text in (*activity.queries, *activity.steps)]
    slots = re.compile(r"\{[a-z]+\}")
    return tuple(sorted({*_ENDS, "a", "an", *(word for text in texts for word in tokenise(slots.sub(" ", text)))}))


def to_prose(text: str) -> str:
    """Return a text of the language as people write it: capitals at the start of a sentence, no space before a mark."""
    joined = re.sub(r" ([.,?!])", r"\1", text.strip())
    joined = re.sub(r"(^|[.?!] )([a-z])", lambda found: found[1] + found[2].upper(), joined)
    return re.sub(r"\bi\b", "I", joined)


def read_text(text: str) -> list[Sentence]:
    """Return the sentences of a text in order; a last one without its mark counts as a sentence."""
    sentences, words = [], []
    for token in tokenise(text):
        if token not in _ENDS:
            words.append(token)
        elif words:
            sentences.append(_read_sentence(" ".join(words)))
            words = []
    return [*sentences, _read_sentence(" ".join(words))] if words else sentences


@dataclass(frozen=True, slots=True)
class _Form:
    kind: ClauseKind | None
    """None: an opener, a joint or the negator."""
    role: str
    pattern: re.Pattern[str]


@cache
def _load_forms() -> dict[str, list[_Form]]:
    """Return the forms by their first word, the longest first."""
    world = load_world()
    language = world.language
    rows: list[tuple[str, ClauseKind | None, str]] = [
        (form, kind, "clause") for kind, forms in language.clauses.items() for form in forms
    ]
    rows += [(phrase, "consequence", "clause") for hazard in world.hazards for phrase in hazard.consequences]
    rows += [(step, "step", "clause") for activity in world.activities for step in activity.steps]
    rows += [(joint, None, "joint") for joint in language.joints]
    rows += [(opener, None, "opener") for opener in language.openers]
    rows.append((language.negator, None, "negator"))
    thing = "|".join(sorted(world.words, key=len, reverse=True))
    forms: dict[str, list[_Form]] = defaultdict(list)
    for form, kind, role in sorted(set(rows), key=lambda row: (-len(row[0].split()), row[0])):
        tokens = [re.escape(token) for token in form.replace("{a}", "\0").replace("{b}", "\0").split()]
        pattern = " ".join(tokens).replace("the \0", "(?:the|a|an) \0").replace("\0", f"({thing})")
        forms[form.split()[0]].append(_Form(kind, role, re.compile(pattern + r"(?: |$)")))
    return forms


@lru_cache(maxsize=1 << 16)
def _read_sentence(text: str) -> Sentence:
    clauses = _divide(text, 0, "start", {})
    return Sentence(text, text.count(" ") + 1, clauses or ())


def _divide(
    text: str, at: int, after: str, known: dict[tuple[int, str], tuple[Clause, ...] | None]
) -> tuple[Clause, ...] | None:
    """Return the clauses of `text` from character `at` on, or None when they do not add up to it.

    `after` is what stands before: the start, an opener, a joint, the negator or a clause.
    """
    if at >= len(text):
        return () if after == "clause" else None
    place = (at, after)
    if place not in known:
        known[place] = None
        word = text[at:].split(" ", 1)[0]
        for form in _load_forms().get(word, ()):
            if not _may_follow(form.role, after) or not (found := form.pattern.match(text, at)):
                continue
            rest = _divide(text, found.end(), form.role, known)
            if rest is None:
                continue
            if form.kind is not None:
                clause = Clause(form.kind, found[0].strip(), found.groups())
                rest = (_deny(clause) if after == "negator" else clause, *rest)
            known[place] = rest
            break
    return known[place]


def _may_follow(role: str, after: str) -> bool:
    if role == "opener":
        return after in ("start", "opener", "joint")
    if role == "joint":
        return after in ("clause", "opener", "start")
    if role == "negator":
        return after != "negator" and after != "clause"
    return after != "clause"  # two clauses need a joint between them


def _deny(clause: Clause) -> Clause:
    """Return what a clause says after `it is not true that`; a denial of anything else says nothing."""
    return replace(clause, kind=_OPPOSITES.get(clause.kind, "premise"))
