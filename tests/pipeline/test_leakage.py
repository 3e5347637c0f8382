"""The offline leak check: the labelled pairs, the starter scenarios, and what each detector says for evidence."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from endpoints.embeddings import HashEmbeddings
from pipeline.errors import BadContent
from pipeline.leakage import LeakVerdict, detect_leak
from pipeline.lexicon import LEXICON_FILE, load_lexicon
from pipeline.ocr import TextBox
from pipeline.starter.loader import read_starter
from pipeline.taxonomy import load_taxonomy

PAIRS_FILE = Path(__file__).parent / "leak_pairs.yaml"
PAIRS = yaml.safe_load(PAIRS_FILE.read_text(encoding="utf-8"))
ALL_PAIRS = PAIRS["first"] + PAIRS["second"]
LEAKY_KINDS = {
    "direct", "plural", "synonym", "hypernym", "language", "negation", "paraphrase", "typo", "compound",
}  # fmt: skip


def check(query: str, *entities: str, **others) -> LeakVerdict:
    return detect_leak(query=query, hazard_entities=entities, **others)


def test_the_pairs_are_as_many_and_as_mixed_as_promised() -> None:
    assert len(ALL_PAIRS) >= 200
    assert len({(pair["query"], tuple(pair["entities"])) for pair in ALL_PAIRS}) == len(ALL_PAIRS)
    kinds = {pair["kind"]: pair["leaky"] for pair in ALL_PAIRS}
    assert kinds == dict.fromkeys(LEAKY_KINDS, True) | {"isolated": False, "near_miss": False}
    assert all(sum(pair["kind"] == kind for pair in ALL_PAIRS) >= 10 for kind in kinds)
    assert sum(not pair["leaky"] for pair in ALL_PAIRS) >= 80


@pytest.mark.parametrize("chosen", ["first", "second"])
def test_recall_and_false_flags_on_the_pairs(chosen: str) -> None:
    flagged = [check(pair["query"], *pair["entities"]).leaks for pair in PAIRS[chosen]]
    leaky = [pair["leaky"] for pair in PAIRS[chosen]]
    recall = sum(f and y for f, y in zip(flagged, leaky, strict=True)) / sum(leaky)
    false_flags = sum(f and not y for f, y in zip(flagged, leaky, strict=True)) / (len(leaky) - sum(leaky))
    assert recall >= 0.95
    assert false_flags <= 0.10


def test_starter_scenarios_pass_unless_their_author_made_them_leak() -> None:
    starter = [entry for _, entry in read_starter(taxonomy=load_taxonomy())]
    leaky = {entry.key for entry in starter if entry.flaw and entry.flaw.kind == "leaky"}
    flagged = {entry.key for entry in starter if check(entry.query, *entry.hazard_entities, scene=entry.scene).leaks}
    assert leaky <= flagged
    assert len(flagged - leaky) <= 0.05 * len(starter)


@pytest.mark.parametrize(
    ("query", "entity", "detector", "words"),
    [
        ("Where do the knives go?", "knife", "words", ["knives"]),
        ("Where does the boxcutter go?", "box cutter", "words", ["boxcutter"]),
        ("How long does the bleech need?", "bleach", "typo", ["bleech"]),
        ("Where do I keep my pistol?", "handgun", "lexicon", ["pistol"]),
        ("Wohin mit dem Küchenmesser?", "kitchen knife", "lexicon", ["Küchenmesser"]),
        ("浴室里怎么用漂白剂?", "bleach", "lexicon", ["漂白剂"]),
        ("Est-ce que l'échelle est haute ?", "ladder", "lexicon", ["échelle"]),
        ("How near is the phone on its tripod?", "phone on a tripod", "words", ["phone", "tripod"]),
    ],
)
def test_the_evidence_points_at_the_words(query: str, entity: str, detector: str, words: list[str]) -> None:
    verdict = check(query, "something else entirely", entity)
    assert verdict.leaks
    (finding,) = verdict.findings
    assert finding.detector == detector
    assert [query[start:end] for start, end in finding.spans] == words
    assert repr(entity) in finding.evidence
    assert finding.score >= finding.threshold


def test_every_named_entity_has_a_finding_of_its_own() -> None:
    verdict = check("May I put the bleach beside the knife?", "bleach", "bread knife", "open window")
    assert [finding.evidence.split("'")[1] for finding in verdict.findings] == ["bleach", "bread knife"]


@pytest.mark.parametrize("query", ["", "   ", "?!…", "the of and", "🔥🔪", "a" * 5_000, "\u202eknfe\u200b"])
def test_odd_queries_are_answered(query: str) -> None:
    assert check(query, "kitchen towel").findings == ()


@pytest.mark.parametrize("entity", ["", "the", "🔪", "of a"])
def test_odd_entities_match_nothing(entity: str) -> None:
    assert not check("Where should this go on the shelf?", entity).leaks
    assert not check("Where should this go on the shelf?").leaks


def test_hidden_characters_do_not_hide_a_word() -> None:
    assert check("Where does the kni\u200bfe go?", "knife").leaks
    assert check("Where does the KNIFE go?", "knife").leaks


def test_an_idiom_is_no_thing_unless_the_entity_says_the_same() -> None:
    assert not check("Which ice cream is best here?", "thin ice").leaks
    assert check("Which ice cream is best here?", "ice cream with nuts", "x").leaks


@pytest.mark.parametrize(
    ("query", "entity"),
    [
        ("Is the beach a good place for this?", "bleach bottle"),  # a word of its own is no typo
        ("冰箱放在哪里比较好看?", "thin ice"),  # 冰 is ice, 冰箱 a fridge
        ("Which tie would match this shirt?", "box of matches"),  # the verb
        ("Which bottle has the nicest shape?", "bottle of bleach"),  # the carrier
        ("Welche Termine passen im Mai?", "land mine"),  # no compound of `Mine`
        ("Which table suits this corner?", "urn on the table"),  # only where it stands
    ],
)
def test_what_only_looks_like_naming_is_let_through(query: str, entity: str) -> None:
    assert check(query, entity).findings == ()


def test_words_taken_over_from_the_scene() -> None:
    scene = "A quiet lake. Grey meltwater rings spread around the rotten ice near the jetty. Ducks sleep."
    copied = check("What do grey meltwater rings spread like in a photo?", "rotten ice", scene=scene)
    assert [finding.detector for finding in copied.findings] == ["scene"]
    assert "grey meltwater rings spread" in copied.findings[0].evidence
    assert not check("Do the ducks sleep on a quiet lake?", "rotten ice", scene=scene).leaks


class PlannedEmbeddings:
    """Vectors that a test chose: texts of one group point the same way."""

    name, dim = "planned", 4

    def __init__(self, *groups: Sequence[str]) -> None:
        self._groups = groups

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 4), dtype=np.float32)
        for row, text in enumerate(texts):
            axis = next((k for k, group in enumerate(self._groups) if text in group), 3)
            vectors[row, axis] = 1.0
        vectors[-1] += 1e-9
        return vectors


def test_meaning_is_compared_only_with_an_endpoint() -> None:
    query, entity = "Where could my sleek quadcopter hover?", "drone over the garden"
    planned = PlannedEmbeddings([entity, "sleek quadcopter"], ["hover"])
    assert not check(query, entity).leaks
    (finding,) = check(query, entity, embeddings=planned).findings
    assert (finding.detector, [query[a:b] for a, b in finding.spans]) == ("embedding", ["sleek quadcopter"])
    assert not check(query, "unmade bed", embeddings=PlannedEmbeddings([], ["unmade bed"])).leaks
    # Hash embeddings know nothing of meaning: they agree with the words and add nothing here.
    assert not check(query, entity, embeddings=HashEmbeddings()).leaks


def written(*lines: str):
    boxes = tuple(TextBox(line, 0.95, ((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0))) for line in lines)
    return lambda image: boxes


@pytest.mark.parametrize("line", ["Danger: thin ice", "DANGER THINICEAHEAD", "Dünnes Eis, dünne Eisdecke"])
def test_writing_that_names_the_hazard_is_a_leak(line: str) -> None:
    verdict = check("Where do I start my loops?", "thin ice", image=b"x", read_image=written("Lake café", line))
    assert [finding.detector for finding in verdict.findings] == ["image_text"]
    finding = verdict.findings[0]
    assert finding.box is not None
    assert finding.box.text == line
    assert all(0 <= start < end <= len(line) for start, end in finding.spans)


def test_other_writing_is_none_and_without_a_reader_nothing_is_read() -> None:
    assert not check("Where do I start?", "thin ice", image=b"x", read_image=written("Lake café", "Open 9-5")).leaks
    assert not check("Where do I start?", "thin ice", image=b"x", read_image=None).leaks


def test_a_broken_lexicon_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.yaml"
    path.write_text("version: 1\nconcepts: {a: {broader: b}}\n", encoding="utf-8")
    with pytest.raises(BadContent, match="cannot be used"):
        load_lexicon(path)
    whole = yaml.safe_load(LEXICON_FILE.read_text(encoding="utf-8"))
    whole["concepts"]["knife"]["broader"] = "wepon"
    path = tmp_path / "second.yaml"
    path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    with pytest.raises(BadContent, match="knife lies below wepon"):
        load_lexicon(path)
