"""Does the query give the hazard away? The checks that need no model server.

A query leaks when it names, or plainly describes, a visible thing that makes the hazard. Compared are the words of
the query and the *hazard entities*, not the whole scene: a query shares some noun with most scenes.

    words      the entity's own words, whatever their form (plural, compound, other case)
    typo       a word that is in no dictionary and close to one of the entity's
    lexicon    other names: synonyms, broader and narrower words, six more languages, descriptions (`lexicon.py`)
    scene      a run of words taken over from the scene's sentences about an entity
    embedding  a phrase of the query that lies near an entity (only with an embedding endpoint)
    image_text writing in the picture that names an entity (only with a picture)

These are cheap gates. Whether a model can name the danger without the picture is asked elsewhere.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from endpoints.embeddings import EmbeddingEndpoint
from pipeline.lexicon import Lexicon, Mention, Token, find_keys, fold, is_word, load_lexicon, split_list
from pipeline.ocr import TextBox, TextReader, read_text

Detector = Literal["words", "typo", "lexicon", "scene", "embedding", "image_text"]
Span = tuple[int, int]

NAMED_THRESHOLD = 0.52
SCENE_RUN_WORDS = 3
EMBEDDING_THRESHOLD = 0.7
"""Cosine of all-MiniLM-L6-v2, from the curve in docs/leakage.md; another model needs a threshold of its own."""
SQUASHED_RATIO = 90.0

_SAME, _JOINED, _SYNONYM, _TYPO, _RELATED, _CUE = 1.0, 0.95, 0.95, 0.9, 0.85, 0.75
_HOW = {_SYNONYM: "is another name for it", _RELATED: "is a broader or narrower name for it", _CUE: "describes it"}
_HARD_FACTOR = 0.9
_EVERYDAY_FACTOR = 0.4
_ARTICLES = frozenset({"a", "an", "the"})
_PREPOSITIONS = frozenset(
    split_list(
        "of, on, with, at, in, under, near, to, behind, for, between, from, by, without, beside, over, across, next, "
        "inside, around, into, before, after, above, below, against, that, which, whose, who, von, mit, auf, unter, "
        "neben, de, con, sur, avec, di"
    )
)
_CJK = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class LeakFinding:
    """One reason to think that the hazard is given away."""

    detector: Detector
    score: float
    threshold: float
    evidence: str
    """Which words, of which entity, and how they hang together."""
    spans: tuple[Span, ...]
    """Offsets in characters, end excluded: in the query, or for `image_text` in `TextBox.text`."""
    box: TextBox | None = None
    """Where in the picture, for `image_text`."""


@dataclass(frozen=True, slots=True)
class LeakVerdict:
    """All findings at or above their thresholds. No findings: nothing was found, which proves nothing."""

    leaks: bool
    findings: tuple[LeakFinding, ...]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that was read: its words, the concepts in it, the positions that do not count."""

    text: str
    languages: tuple[str, ...]
    tokens: tuple[Token, ...]
    mentions: tuple[Mention, ...]
    idioms: frozenset[int]
    verbs: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A word or phrase of an entity."""

    tokens: tuple[Token, ...]
    concepts: frozenset[str]
    weight: float
    hard: bool
    """A word for something dangerous, in the main part of the entity: naming it alone gives the hazard away."""


@dataclass(frozen=True, slots=True)
class _Hit:
    score: float
    detector: Detector
    how: str
    span: Span


def detect_leak(
    *,
    query: str,
    hazard_entities: Sequence[str],
    scene: str | None = None,
    image: bytes | None = None,
    embeddings: EmbeddingEndpoint | None = None,
    embedding_threshold: float = EMBEDDING_THRESHOLD,
    read_image: TextReader | None = read_text,
) -> LeakVerdict:
    """Return whether the query, or writing in the picture, gives a hazard entity away, with the evidence.

    Args:
        query: what the user asks.
        hazard_entities: the visible things that make the hazard, one phrase each.
        scene: what the picture shows; without it nothing is compared with it.
        image: the encoded picture; without it no writing is looked for.
        embeddings: an endpoint whose vectors tell meanings apart; without it that detector does not run.
        embedding_threshold: cosine from which a phrase of the query counts as naming the entity.
        read_image: reads the writing in `image`; None leaves it out.

    Raises:
        OcrMissing: a picture is given and the default reader is not installed.
    """
    lexicon = load_lexicon()
    read = _read(lexicon, query)
    findings = list(_find_named(lexicon, read, hazard_entities))
    if scene:
        findings += _find_scene_run(lexicon, read, hazard_entities, scene)
    if embeddings is not None:
        findings += _find_near(lexicon, read, hazard_entities, embeddings, embedding_threshold)
    if image is not None and read_image is not None:
        for box in read_image(image):
            findings += _find_written(lexicon, box, hazard_entities)
    return LeakVerdict(leaks=bool(findings), findings=tuple(findings))


def _read(lexicon: Lexicon, text: str, languages: tuple[str, ...] | None = None) -> _Text:
    languages = languages or lexicon.guess_languages(text)
    tokens = tuple(lexicon.read(text, languages))
    idioms = frozenset(lexicon.find_idioms(tokens))
    verbs = frozenset(
        position
        for position in range(1, len(tokens))
        if tokens[position].keys & lexicon.verbs_too
        and tokens[position - 1].folded in lexicon.verb_after
        and not (tokens[position].folded.endswith("s") and tokens[position - 1].folded not in ("he", "she", "it"))
    )
    return _Text(text, languages, tokens, tuple(lexicon.find_mentions(text, tokens, languages)), idioms, verbs)


# --- entities


def _split_entity(lexicon: Lexicon, entity: _Text) -> list[_Unit]:
    """Return the units of an entity with their weights: the main word 1, what describes it less. May be empty."""
    main = _find_main(lexicon, entity)
    chosen: list[tuple[int, int, frozenset[str]]] = []
    position = 0
    while position < len(entity.tokens):
        here = [mention for mention in entity.mentions if mention.first == position and not mention.cue]
        last = max((mention.last for mention in here), default=position)
        concepts = frozenset(mention.concept for mention in here if mention.last == last)
        if concepts or not _is_light(lexicon, entity, position):
            chosen.append((position, last, concepts))
        position = last + 1
    if not chosen:
        return []  # nothing but frequent words ("the"), or none at all: no word that could be named
    # The last word of the main part, but not "leaves" when "foxglove leaves" are meant.
    named = [unit for unit in chosen if unit[0] in main] or chosen
    head = next((unit for unit in reversed(named) if not _is_everyday(lexicon, entity, unit)), named[-1])
    has_hard = any(concepts - lexicon.soft for first, _, concepts in chosen if first in main)
    units = []
    for first, last, concepts in chosen:
        tokens = entity.tokens[first : last + 1]
        everyday = _is_everyday(lexicon, entity, (first, last, concepts))
        hard = first in main and bool(concepts - lexicon.soft) and not everyday
        weight = 1.0 if first == head[0] or hard else 0.5
        if everyday:
            weight *= _EVERYDAY_FACTOR
        elif has_hard and not concepts:
            weight = min(weight, 0.3)
        units.append(_Unit(tokens, concepts, weight, hard))
    return units


def _find_main(lexicon: Lexicon, entity: _Text) -> set[int]:
    """Return the positions of the main part: up to the first preposition, and past an `of` behind a carrier."""
    cuts = [position for position, token in enumerate(entity.tokens) if token.folded in _PREPOSITIONS and position]
    if not cuts:
        return set(range(len(entity.tokens)))
    first = cuts[0]
    if entity.tokens[first].folded == "of" and entity.tokens[first - 1].keys & lexicon.carriers:
        end = cuts[1] if len(cuts) > 1 else len(entity.tokens)
        return set(range(first + 1, end))
    return set(range(first))


def _is_everyday(lexicon: Lexicon, entity: _Text, unit: tuple[int, int, frozenset[str]]) -> bool:
    first, last, _ = unit
    return first == last and bool(entity.tokens[first].keys & lexicon.everyday)


def _is_light(lexicon: Lexicon, entity: _Text, position: int) -> bool:
    token = entity.tokens[position]
    return lexicon.is_stopword(token, entity.languages) or token.folded in _PREPOSITIONS


# --- naming


def _find_named(lexicon: Lexicon, read: _Text, entities: Sequence[str]) -> Iterator[LeakFinding]:
    """Yield one finding for each entity that `read` names."""
    for name in entities:
        guessed = lexicon.guess_languages(name)
        languages = read.languages if guessed == ("en",) else guessed
        entity = _read(lexicon, name, languages)
        if _CJK.search(name):
            yield from _find_chinese(lexicon, read, entity)
            continue
        units = _split_entity(lexicon, entity)
        counted = [
            i for i in range(len(read.tokens)) if entity.idioms or (i not in read.idioms and i not in read.verbs)
        ]
        joined = _find_joined(read, entity, counted)
        hits = [joined or _find_unit(lexicon, read, unit, counted) for unit in units]
        score = _score(units, hits)
        if score >= NAMED_THRESHOLD:
            found = [hit for hit in hits if hit is not None]
            yield _make_finding(name, score, found)


def _score(units: Sequence[_Unit], hits: Sequence[_Hit | None]) -> float:
    total = sum(unit.weight for unit in units)
    matched = sum(unit.weight * hit.score for unit, hit in zip(units, hits, strict=True) if hit)
    if not total:
        return 0.0
    share = matched / (total if all(hits) else max(total, 1.0))
    hard = max(
        (_HARD_FACTOR * hit.score for unit, hit in zip(units, hits, strict=True) if hit and unit.hard), default=0
    )
    return max(share, hard)


def _make_finding(entity: str, score: float, hits: Sequence[_Hit]) -> LeakFinding:
    order: tuple[Detector, ...] = ("words", "typo", "lexicon")
    detector = max((hit.detector for hit in hits), key=order.index)
    spans = tuple(sorted({hit.span for hit in hits}))
    evidence = f"names {entity!r}: " + "; ".join(dict.fromkeys(hit.how for hit in hits))
    return LeakFinding(detector, round(score, 4), NAMED_THRESHOLD, evidence, spans)


def _find_unit(lexicon: Lexicon, read: _Text, unit: _Unit, counted: Sequence[int]) -> _Hit | None:
    """Return the strongest way in which the unit is named, or None."""
    wanted = [token for token in unit.tokens if len(unit.tokens) == 1 or token.folded not in _PREPOSITIONS]
    places = [i for token in wanted for i in counted if read.tokens[i].keys & token.keys]
    present = [any(read.tokens[i].keys & token.keys for i in places) for token in wanted]
    if wanted and all(present):
        span = (read.tokens[places[0]].start, read.tokens[places[0]].end)
        if len(wanted) > 1:
            span = (read.tokens[min(places)].start, read.tokens[max(places)].end)
        return _Hit(_SAME, "words", f"{read.text[span[0] : span[1]]!r} is its own word", span)
    found = list(_find_typos(read, unit, counted))
    for mention in read.mentions:
        if mention.first >= 0 and not set(range(mention.first, mention.last + 1)) <= set(counted):
            continue
        if strength := _relate(lexicon, mention, unit.concepts):
            word = read.text[mention.start : mention.end]
            how = f"{word!r} {_HOW[strength]}"
            found.append(_Hit(strength, "lexicon", how, (mention.start, mention.end)))
    return max(found, key=lambda hit: hit.score, default=None)


def _relate(lexicon: Lexicon, mention: Mention, concepts: frozenset[str]) -> float:
    for concept in concepts:
        if mention.cue:
            if mention.concept == concept or mention.concept in lexicon.above(concept):
                return _CUE
        elif mention.concept == concept:
            return _SYNONYM
    if mention.cue:
        return 0.0
    related = any(
        mention.concept in lexicon.above(concept) or concept in lexicon.above(mention.concept) for concept in concepts
    )
    return _RELATED if related else 0.0


def _find_typos(read: _Text, unit: _Unit, counted: Sequence[int]) -> Iterator[_Hit]:
    if len(unit.tokens) != 1:
        return
    wanted = unit.tokens[0]
    for i in counted:
        token = read.tokens[i]
        longest = max(len(token.folded), len(wanted.folded))
        allowed = 0 if longest < 5 else 1 if longest < 8 else 2
        if not allowed or len(token.folded) < 4 or is_word(token.text, read.languages):
            continue
        for written in token.keys:
            for key in wanted.keys:
                # People seldom miss the first letter; a swap of the first two is seen as one step all the same.
                near = OSA.distance(written, key, score_cutoff=allowed) <= allowed
                if near and (written[0] == key[0] or written[:2] == key[1::-1]):
                    yield _Hit(_TYPO, "typo", f"{token.text!r} is a misspelt {wanted.text!r}", (token.start, token.end))


def _find_joined(read: _Text, entity: _Text, counted: Sequence[int]) -> _Hit | None:
    """Return a hit when query and entity differ in spaces only: `box cutter` and `boxcutter`, `kni fe` and `knife`."""
    whole = "".join(token.folded for token in entity.tokens if token.folded not in _ARTICLES)
    if len(whole) < 5:
        return None
    keys = find_keys(whole, read.languages) | {whole}
    for i in counted:
        for width in (1, 2, 3):
            window = read.tokens[i : i + width]
            if not set(range(i, i + width)) <= set(counted) or (width == 1 and len(entity.tokens) == 1):
                continue
            text = "".join(token.folded for token in window)
            if text in keys or find_keys(text, read.languages) & keys:
                how = f"{read.text[window[0].start : window[-1].end]!r} is the same letters"
                return _Hit(_JOINED, "words", how, (window[0].start, window[-1].end))
    return None


def _find_chinese(lexicon: Lexicon, read: _Text, entity: _Text) -> Iterator[LeakFinding]:
    """Yield a finding for an entity in Chinese: its text in the query, or its concept in any language."""
    start = read.text.find(entity.text)
    if start >= 0:
        hit = _Hit(_SAME, "words", f"{entity.text!r} is its own word", (start, start + len(entity.text)))
        yield _make_finding(entity.text, _SAME, [hit])
        return
    concepts = frozenset(mention.concept for mention in entity.mentions if not mention.cue)
    for mention in read.mentions:
        strength = _relate(lexicon, mention, concepts)
        if strength >= NAMED_THRESHOLD:
            word = read.text[mention.start : mention.end]
            hit = _Hit(strength, "lexicon", f"{word!r} is another name for it", (mention.start, mention.end))
            yield _make_finding(entity.text, strength, [hit])
            return


# --- scene, meaning, writing


def _find_scene_run(lexicon: Lexicon, read: _Text, entities: Sequence[str], scene: str) -> Iterator[LeakFinding]:
    """Yield the longest run of words that the query took over from a sentence about an entity."""
    heads: set[str] = set()
    for name in entities:
        units = _split_entity(lexicon, _read(lexicon, name))
        heads.update(key for unit in units if unit.weight >= 0.5 for token in unit.tokens for key in token.keys)
    mine = [token for token in read.tokens if not lexicon.is_stopword(token, read.languages)]
    best: list[Token] = []
    for sentence in re.split(r"(?<=[.!?;。！？])\s*", scene):
        theirs = lexicon.read(sentence, read.languages)
        if not any(token.keys & heads for token in theirs):
            continue
        content = [token for token in theirs if not lexicon.is_stopword(token, read.languages)]
        for i in range(len(mine)):
            for j in range(len(content)):
                run = 0
                while i + run < len(mine) and j + run < len(content) and mine[i + run].keys & content[j + run].keys:
                    run += 1
                telling = sum(not token.keys & lexicon.everyday for token in mine[i : i + run])
                if run > len(best) and telling >= 2:
                    best = mine[i : i + run]
    if len(best) >= SCENE_RUN_WORDS:
        span = (best[0].start, best[-1].end)
        evidence = f"{read.text[span[0] : span[1]]!r} is taken over from the scene"
        yield LeakFinding("scene", float(len(best)), float(SCENE_RUN_WORDS), evidence, (span,))


def _find_near(
    lexicon: Lexicon, read: _Text, entities: Sequence[str], embeddings: EmbeddingEndpoint, threshold: float
) -> Iterator[LeakFinding]:
    """Yield, for each entity, the phrase of one to four words that lies nearest, when it is near enough."""
    spans: list[Span] = []
    for i, token in enumerate(read.tokens):
        for last in read.tokens[i : i + 4]:
            inside = [part for part in read.tokens if token.start <= part.start and part.end <= last.end]
            ends_light = any(lexicon.is_stopword(part, read.languages) for part in (token, last))
            odd = any(i + k in read.idioms or i + k in read.verbs for k in range(len(inside)))
            if not ends_light and not odd and any(not part.keys & lexicon.everyday for part in inside):
                spans.append((token.start, last.end))
    if not spans or not entities:
        return
    vectors = embeddings.embed([*entities, *(read.text[start:end] for start, end in spans)])
    cosines = vectors[: len(entities)] @ vectors[len(entities) :].T
    for name, row in zip(entities, cosines, strict=True):
        best = int(np.argmax(row))
        if row[best] >= threshold:
            start, end = spans[best]
            evidence = f"{read.text[start:end]!r} means nearly the same as {name!r}"
            yield LeakFinding("embedding", round(float(row[best]), 4), threshold, evidence, (spans[best],))


def _find_written(lexicon: Lexicon, box: TextBox, entities: Sequence[str]) -> Iterator[LeakFinding]:
    """Yield a finding for each entity that a line of writing names; readers lose spaces, so those do not count."""
    read = _read(lexicon, box.text)
    named = {finding.evidence: finding for finding in _find_named(lexicon, read, entities)}
    for finding in named.values():
        evidence = f"writing {box.text!r} {finding.evidence}"
        yield LeakFinding("image_text", finding.score, finding.threshold, evidence, finding.spans, box)
    if named:
        return
    squashed = re.sub(r"\W", "", fold(box.text))
    for name in entities:
        wanted = re.sub(r"\W", "", fold(name))
        ratio = fuzz.partial_ratio(wanted, squashed) if len(squashed) >= len(wanted) >= 6 else 0.0
        if ratio >= SQUASHED_RATIO:
            evidence = f"writing {box.text!r} holds {name!r} without its spaces"
            yield LeakFinding("image_text", ratio / 100, SQUASHED_RATIO / 100, evidence, ((0, len(box.text)),), box)
