"""Words for the offline leak check: tokens with their lemmas, and the hazard lexicon of seven languages."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml
from pydantic import Field, ValidationError
from simplemma import is_known, lemmatize

from pipeline.errors import BadContent
from storage.records import Frozen
from storage.strict_yaml import read_own_yaml

LEXICON_FILE = Path(__file__).parent / "hazard_lexicon.yaml"
LANGUAGES = ("en", "de", "fr", "es", "it", "tr")
"""Languages whose words have dictionary forms; Chinese is searched in the running text."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CJK = re.compile(r"[\u3400-\u9fff]")
_ELIDED = re.compile(r"^(?:[ldjmtnsc]|qu|dell|nell|sull|all|dall|un|quest)['’](?=..)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?$", re.IGNORECASE)


class Concept(Frozen):
    """One kind of hazard and its words; see the head of the lexicon file."""

    broader: str = ""
    soft: bool = False
    en: str = ""
    de: str = ""
    fr: str = ""
    es: str = ""
    it: str = ""
    tr: str = ""
    zh: str = ""
    cues: str = ""


class LexiconFile(Frozen):
    """The form of `hazard_lexicon.yaml`."""

    version: int = Field(ge=1)
    concepts: dict[str, Concept]
    idioms: str
    idioms_zh: str
    verbs_too: str
    verb_after: str
    everyday: str
    carriers: str
    stopwords: dict[str, str]


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text. `start` and `end` are its offsets in characters."""

    text: str
    start: int
    end: int
    folded: str
    keys: frozenset[str]
    """The forms under which it may be found: as written, dictionary forms; lower case, no accents."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept's word in a text: tokens `first` to `last` (inclusive), or for Chinese offsets only."""

    concept: str
    start: int
    end: int
    first: int
    last: int
    cue: bool = False


def fold(text: str) -> str:
    """Return `text` in lower case without accents, so that spelling habits do not hide a word."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    return "".join(char for char in plain if not unicodedata.combining(char))


def split_list(text: str) -> list[str]:
    """Return the entries of a comma-separated list."""
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def split_words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield (word, start, end) without elided articles and possessive endings."""
    for found in _WORD.finditer(text):
        word, start = found[0], found.start()
        if elided := _ELIDED.match(word):
            word, start = word[elided.end() :], start + elided.end()
        word = _POSSESSIVE.sub("", word) or word
        yield word, start, start + len(word)


@lru_cache(maxsize=50_000)
def find_keys(word: str, languages: tuple[str, ...]) -> frozenset[str]:
    """Return the folded forms of a word: as written, and its dictionary form in each language."""
    forms = {fold(word)}
    for language in languages:
        forms.add(fold(lemmatize(word, lang=language)))
        forms.add(fold(lemmatize(word.lower(), lang=language)))
    if "en" in languages and len(word) > 3 and fold(word).endswith("s") and not fold(word).endswith("ss"):
        forms.add(fold(word)[:-1])
    return frozenset(forms)


def is_word(word: str, languages: Sequence[str]) -> bool:
    """Return whether the word, as written or in lower case, is in a dictionary of one of the languages."""
    return any(is_known(form, lang=language) for language in languages for form in {word, word.lower()})


class Lexicon:
    """The lexicon file, indexed."""

    def __init__(self, file: LexiconFile) -> None:
        self.soft = {name for name, concept in file.concepts.items() if concept.soft}
        self.stopwords = {lang: {fold(word) for word in split_list(words)} for lang, words in file.stopwords.items()}
        self.everyday = {fold(word) for word in split_list(file.everyday)}
        self.carriers = {fold(word) for word in split_list(file.carriers)}
        self.verbs_too = {fold(word) for word in split_list(file.verbs_too)}
        self.verb_after = {fold(word) for word in split_list(file.verb_after)}
        self.idioms_zh = split_list(file.idioms_zh)
        self._broader = {name: split_list(concept.broader) for name, concept in file.concepts.items()}
        self._idioms = _index_phrases((phrase, "") for phrase in split_list(file.idioms))
        self._phrases = {
            language: _index_phrases(
                (phrase, name)
                for name, concept in file.concepts.items()
                for phrase in split_list(getattr(concept, language))
            )
            for language in LANGUAGES
        }
        self._cues = _index_phrases(
            (cue, name) for name, concept in file.concepts.items() for cue in split_list(concept.cues)
        )
        self._cues_zh = [
            (cue, name)
            for name, concept in file.concepts.items()
            for cue in split_list(concept.cues)
            if _CJK.search(cue)
        ]
        self._zh = [(word, name) for name, concept in file.concepts.items() for word in split_list(concept.zh)]
        self._endings = {
            language: sorted(
                {
                    (words[0], name)
                    for phrases in self._phrases[language].values()
                    for words, name in phrases
                    if len(words) == 1 and len(words[0]) >= 4
                }
            )
            for language in ("en", "de")
        }

    def guess_languages(self, text: str) -> tuple[str, ...]:
        """Return English and, when its frequent words prevail, one other language of `text`."""
        words = [fold(word) for word, _, _ in split_words(text)]
        counts = {language: sum(word in stop for word in words) for language, stop in self.stopwords.items()}
        best = max(LANGUAGES, key=lambda language: (counts[language], language == "en"))
        return ("en",) if best == "en" else ("en", best)

    def read(self, text: str, languages: tuple[str, ...]) -> list[Token]:
        """Return the words of `text`."""
        return [
            Token(word, start, end, fold(word), find_keys(word, languages)) for word, start, end in split_words(text)
        ]

    def is_stopword(self, token: Token, languages: Collection[str]) -> bool:
        """Return whether the word carries no meaning of its own."""
        return any(token.folded in self.stopwords[language] for language in languages)

    def find_idioms(self, tokens: Sequence[Token]) -> set[int]:
        """Return the positions of words that belong to a fixed expression."""
        found: set[int] = set()
        for first, last, _ in _match_phrases(self._idioms, tokens):
            found.update(range(first, last + 1))
        return found

    def find_mentions(self, text: str, tokens: Sequence[Token], languages: Sequence[str]) -> list[Mention]:
        """Return the concepts that `text` names, or (as cues) describes."""
        found = []
        # Too short to tell the language by its frequent words: look into all of them.
        searched = languages if any(self.is_stopword(token, languages) for token in tokens) else LANGUAGES
        for language in searched:
            for first, last, concept in _match_phrases(self._phrases[language], tokens):
                found.append(Mention(concept, tokens[first].start, tokens[last].end, first, last))
            found += self._find_compounds(tokens, language)
        for first, last, concept in _match_phrases(self._cues, tokens):
            found.append(Mention(concept, tokens[first].start, tokens[last].end, first, last, cue=True))
        if _CJK.search(text):
            found += self._find_chinese(text)
        return found

    def _find_compounds(self, tokens: Sequence[Token], language: str) -> Iterator[Mention]:
        """Yield closed compounds whose last part is a concept's word: `penknife`, `Küchenmesser`."""
        for position, token in enumerate(tokens):
            for ending, concept in self._endings.get(language, ()):
                for key in token.keys:
                    stem = key.removesuffix(ending)
                    if stem != key and len(stem) >= 3 and self._is_stem(token.text[: len(stem)], language):
                        yield Mention(concept, token.start, token.end, position, position)

    @staticmethod
    def _is_stem(stem: str, language: str) -> bool:
        if language != "de":
            return is_known(stem, lang=language)
        # The first part of a German compound may have lost an -e or taken an -s or -n.
        forms = [stem, stem + "e", *([stem[:-1]] if stem[-1] in "sn" and len(stem) > 3 else [])]
        return any(is_word(form.capitalize(), (language,)) for form in forms)

    def _find_chinese(self, text: str) -> Iterator[Mention]:
        hidden = text
        for idiom in self.idioms_zh:
            hidden = hidden.replace(idiom, " " * len(idiom))
        for words, cue in ((self._zh, False), (self._cues_zh, True)):
            for word, concept in words:
                for found in re.finditer(re.escape(word), hidden):
                    yield Mention(concept, found.start(), found.end(), -1, -1, cue=cue)

    def above(self, concept: str) -> set[str]:
        """Return all concepts above this one, itself not included."""
        found: set[str] = set()
        waiting = list(self._broader[concept])
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._broader[name]
        return found


Phrases = dict[str, list[tuple[tuple[str, ...], str]]]


def _index_phrases(phrases: Iterator[tuple[str, str]]) -> Phrases:
    """Return first word -> (all words, concept), the longest first."""
    index: Phrases = defaultdict(list)
    for phrase, concept in phrases:
        words = tuple(fold(word) for word, _, _ in split_words(phrase))
        if words:
            index[words[0]].append((words, concept))
    for entries in index.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return dict(index)


def _match_phrases(phrases: Phrases, tokens: Sequence[Token]) -> Iterator[tuple[int, int, str]]:
    """Yield (first position, last position, concept) of every phrase whose words follow one another."""
    for position, token in enumerate(tokens):
        for key in token.keys:
            for words, concept in phrases.get(key, ()):
                rest = tokens[position : position + len(words)]
                if len(rest) == len(words) and all(word in part.keys for word, part in zip(words, rest, strict=True)):
                    yield position, position + len(words) - 1, concept


@cache
def load_lexicon(path: Path = LEXICON_FILE) -> Lexicon:
    """Read the lexicon.

    Raises:
        BadContent: the file cannot be read or does not have its form, or a concept lies below one that is not there.
    """
    try:
        file = LexiconFile.model_validate(read_own_yaml(path))
    except (OSError, yaml.YAMLError, ValidationError) as exc:
        raise BadContent(f"lexicon {path} cannot be used: {exc}") from exc
    for name, concept in file.concepts.items():
        if unknown := set(split_list(concept.broader)) - set(file.concepts):
            raise BadContent(f"lexicon {path}: {name} lies below {', '.join(sorted(unknown))}, which is not there")
    if set(file.stopwords) != set(LANGUAGES):
        raise BadContent(f"lexicon {path}: stopwords are needed for {', '.join(LANGUAGES)}")
    return Lexicon(file)
