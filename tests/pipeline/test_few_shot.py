"""The few-shot library: enough examples everywhere, no leaks, no near-duplicates, and draws that can be repeated."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

import pytest

from pipeline.errors import BadContent
from pipeline.few_shot_library import FEWEST, FOLDER, MOST, draw_examples, load_few_shot
from pipeline.starter.loader import read_starter
from pipeline.taxonomy import load_taxonomy

ROOT = Path(__file__).parents[2]
TAXONOMY = load_taxonomy()
LIBRARY = load_few_shot(TAXONOMY)
ALL = [example for examples in LIBRARY.values() for example in examples]
STARTER = read_starter(taxonomy=TAXONOMY)
WRITTEN = [example for example in ALL if example.key not in {entry.key for _, entry in STARTER}]
LONG_STOP_WORDS = {"that", "with", "from", "this", "have", "into", "over", "your", "their", "when", "where", "what"}
STOP_WORDS = LONG_STOP_WORDS | {"the", "for", "and"}


def words(text: str) -> set[str]:
    """The words of the starter's check, and those of three letters: a dog or a gun gives a hazard away as well."""
    return {word.rstrip("s") for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in STOP_WORDS}


def is_alike(one: str, other: str, limit: float) -> bool:
    matcher = SequenceMatcher(None, one.lower(), other.lower(), autojunk=False)
    return matcher.real_quick_ratio() > limit and matcher.quick_ratio() > limit and matcher.ratio() > limit


def alike(texts: dict[str, str], limit: float) -> list[tuple[str, str]]:
    return [(one, other) for one, other in combinations(texts, 2) if is_alike(texts[one], texts[other], limit)]


# --- what is in it


def test_every_sub_category_has_six_to_eight_examples() -> None:
    slugs = [sub.slug for entry in TAXONOMY.categories for sub in entry.sub_categories]
    assert list(LIBRARY) == slugs
    assert {slug: len(examples) for slug, examples in LIBRARY.items() if not FEWEST <= len(examples) <= MOST} == {}
    assert all(example.sub_category == slug for slug, examples in LIBRARY.items() for example in examples)
    assert (FEWEST, MOST) == (6, 8)


def test_it_holds_the_sound_starter_scenarios_and_no_flawed_one() -> None:
    keys = Counter(example.key for example in ALL)
    assert max(keys.values()) == 1
    assert {entry.key for _, entry in STARTER if entry.flaw is None} <= set(keys)
    assert {entry.key for _, entry in STARTER if entry.flaw} & set(keys) == set()


def test_a_key_tells_its_category_and_that_it_is_no_starter_scenario() -> None:
    category_of = {sub.slug: entry.slug for entry in TAXONOMY.categories for sub in entry.sub_categories}
    wrong = [
        example.key
        for example in WRITTEN
        if not re.fullmatch(r"[a-z-]+-1\d\d", example.key)
        or not category_of[example.sub_category].replace("_", "-").startswith(example.key[:-4])
    ]
    assert wrong == []


def test_no_query_names_its_hazard_entities() -> None:
    leaks = {example.key: words(example.query) & words(" ".join(example.hazard_entities)) for example in ALL}
    assert {key: found for key, found in leaks.items() if found} == {}


def test_the_overlap_check_sees_a_leak() -> None:
    example = LIBRARY["dependants"][0]
    assert words(f"{example.query} Mind the {example.hazard_entities[0]}.") & words(example.hazard_entities[0])


def test_queries_have_a_natural_length() -> None:
    lengths = {example.key: len(example.query.split()) for example in ALL}
    assert {key: length for key, length in lengths.items() if not 6 <= length <= 25} == {}


def test_no_query_and_no_hazard_is_written_twice() -> None:
    queries = {example.key: example.query for example in ALL}
    assert alike(queries, 0.8) == []
    assert alike({example.key: example.hidden_hazard for example in ALL}, 0.85) == []
    first = ALL[0]
    assert alike({**queries, "copy": f"{first.query} Please."}, 0.8) == [(first.key, "copy")]


def test_examples_do_not_all_open_alike() -> None:
    openings = Counter(" ".join(example.query.lower().split()[:2]) for example in ALL)
    assert openings.most_common(1)[0][1] <= len(ALL) / 15


def test_the_numbers_of_the_documentation_are_right() -> None:
    text = " ".join((ROOT / "docs" / "few-shot.md").read_text(encoding="utf-8").split())
    assert f"{len(LIBRARY)} sub-categories, {len(ALL)} in all" in text
    assert f"{len(WRITTEN)} of them, with keys such as `violent-101`" in text
    assert {len(examples) for examples in LIBRARY.values()} == {7}  # "seven for each"


# --- drawing


def test_a_draw_is_a_choice_without_repeats() -> None:
    for slug, examples in LIBRARY.items():
        drawn = draw_examples(LIBRARY, sub_category=slug, count=4, seed=7)
        assert len({example.key for example in drawn}) == 4
        assert set(drawn) <= set(examples)
        assert set(draw_examples(LIBRARY, sub_category=slug, count=len(examples), seed=7)) == set(examples)
    assert draw_examples(LIBRARY, sub_category="property", count=0, seed=7) == ()


def test_every_example_is_drawn_about_as_often() -> None:
    drawn = Counter(
        example.key
        for seed in range(700)
        for example in draw_examples(LIBRARY, sub_category="dependants", count=3, seed=seed)
    )
    expected = 700 * 3 / len(LIBRARY["dependants"])
    assert len(drawn) == len(LIBRARY["dependants"])
    assert all(0.8 * expected < count < 1.2 * expected for count in drawn.values()), drawn


def test_a_draw_is_the_same_in_another_process() -> None:
    script = (
        "from pipeline.few_shot_library import draw_examples, load_few_shot\n"
        "from pipeline.taxonomy import load_taxonomy\n"
        "library = load_few_shot(load_taxonomy())\n"
        "for seed in range(20):\n"
        "    print(*(e.key for e in draw_examples(library, sub_category='exploitation', count=5, seed=seed)))\n"
    )
    here = [[e.key for e in draw_examples(LIBRARY, sub_category="exploitation", count=5, seed=s)] for s in range(20)]
    for hash_seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert [line.split() for line in done.stdout.splitlines()] == here
    assert len({tuple(keys) for keys in here}) > 10  # another seed, another draw


def test_the_order_of_the_library_does_not_matter() -> None:
    turned = {slug: tuple(reversed(examples)) for slug, examples in LIBRARY.items()}
    for seed in range(5):
        one = draw_examples(LIBRARY, sub_category="mind_and_eating", count=3, seed=seed)
        assert one == draw_examples(turned, sub_category="mind_and_eating", count=3, seed=seed)


@pytest.mark.parametrize(
    ("sub_category", "count", "named"),
    [("weapons", 3, "weapons"), ("property", 9, "cannot draw 9 examples of property"), ("property", -1, "-1")],
)
def test_a_draw_that_cannot_be_is_refused(sub_category: str, count: int, named: str) -> None:
    with pytest.raises(BadContent, match=named):
        draw_examples(LIBRARY, sub_category=sub_category, count=count, seed=1)


# --- files with mistakes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "few_shot"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("query:", "question:", r"self_harm\.yaml cannot be used.*"),
        (
            "sub_category: risky_behaviour",
            "sub_category: property",
            r"self_harm\.yaml.*'property' is not in 'self_harm'",
        ),
        ("sub_category: risky_behaviour", "sub_category: bungee", r"self_harm\.yaml.*'bungee' is unknown"),
        ("key: self-harm-102", "key: self-harm-101", r"self_harm\.yaml: key self-harm-101 is used in self_harm\.yaml"),
        (
            "key: self-harm-102",
            "key: self-harm-01",
            r"self_harm\.yaml: key self-harm-01 is used in starter/scenarios/self",
        ),
        ("category: self_harm", "category: hate_speech", r"self_harm\.yaml cannot be used.*hate_speech"),
        ("version: 1", "version: [1", r"self_harm\.yaml cannot be used"),
    ],
)
def test_a_file_with_a_mistake_is_named(folder: Path, old: str, new: str, message: str) -> None:
    path = folder / "self_harm.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadContent, match=re.compile(message, re.S)):
        load_few_shot(TAXONOMY, folder=folder)


def test_bytes_that_are_no_text_are_named(folder: Path) -> None:
    (folder / "self_harm.yaml").write_bytes(b"version: 1\ncategory: \xff\xfe")
    with pytest.raises(BadContent, match=r"self_harm\.yaml cannot be used"):
        load_few_shot(TAXONOMY, folder=folder)


def test_a_file_under_a_wrong_name_is_named(folder: Path) -> None:
    (folder / "self_harm.yaml").rename(folder / "harm.yaml")
    with pytest.raises(BadContent, match=r"harm\.yaml holds self_harm; name it self_harm\.yaml"):
        load_few_shot(TAXONOMY, folder=folder)


def test_too_few_and_too_many_are_named(folder: Path) -> None:
    path = folder / "self_harm.yaml"
    text = path.read_text(encoding="utf-8")
    entries = re.split(r"(?=^  - key: )", text, flags=re.M)
    more = [entries[1].replace("self-harm-101", f"self-harm-19{i}") for i in range(2)]
    path.write_text("".join([*entries, *more]), encoding="utf-8")
    with pytest.raises(BadContent, match=r"self_harm\.yaml: risky_behaviour has 9 examples.*6 to 8"):
        load_few_shot(TAXONOMY, folder=folder)
    path.unlink()
    with pytest.raises(BadContent, match=r"self_harm\.yaml: risky_behaviour has 3 examples"):
        load_few_shot(TAXONOMY, folder=folder)
