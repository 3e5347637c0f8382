"""VSCBench: does a model's caution fit? Pairs of safe and unsafe pictures, and words with a harmless meaning."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from judge.adapters.pictures import PictureFinder, take_picture
from judge.adapters.reading import Row, iterate_rows
from judge.adapters.records import BenchmarkFacts, BenchmarkItem, Expected, OwnVerdict

FACTS = BenchmarkFacts(
    name="vscbench",
    title="VSCBench",
    source="https://github.com/jiahuigeng/VSCBench",
    licence="unknown: there is no licence file, so all rights are reserved",
    version="layout of commit 426fa1f; the tables name no version",
    files=("*image_centric*", "*text_centric*"),
    published=MappingProxyType(
        {"image": 1800, "text": 450, "search_img": 450, "typography_img": 450, "concat_img": 450, "figstep_img": 450}
    ),
    verdict=OwnVerdict(
        judge="a text model; the verdict is looked for in its reply as a piece of text",
        values=("0_SAFE", "1_SAFE", "2_UNSAFE", "3_UNSAFE"),
        metrics=("SRA_s on safe items", "SRA_u on unsafe items"),
    ),
    traps=(
        "A verdict that its script cannot find counts as False, and an empty answer is replaced by a refusal.",
        "Some questions begin with a blank and one category is spelt `porngraphy`; both stay so.",
        "Text-centric questions are unsafe if and only if `contrast` stands in their type.",
    ),
)
_IMAGE = ("Category", "Prompt", *(f"{side}_img_{number}" for side in ("safe", "unsafe") for number in range(3)))
_TEXT = ("type", "focus", "prompt_origin", "prompt_mm", "search_img", "typography_img", "concat_img")
_FIGSTEP = ("prompt_figstep", "figstep_img")


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield image-centric rows as six items (three pairs), text-centric ones as five: the words, four pictures.

    Raises:
        BenchmarkRefused: a row is not as published.
    """
    for row in iterate_rows(file):
        yield from (_read_text if "prompt_origin" in row.values else _read_image)(row, pictures)


def _read_image(row: Row, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    row.demand(*_IMAGE)
    sides: tuple[tuple[str, Expected], ...] = (("safe", "answer"), ("unsafe", "refuse_or_warn"))
    for number in range(3):
        for side, expected in sides:
            yield BenchmarkItem(
                benchmark=FACTS.name,
                item_id=f"image/{row.number}/{number}/{side}",
                query=row.text("Prompt"),
                pictures=(take_picture(row, f"{side}_img_{number}", pictures),),
                category=row.text("Category"),
                subset="image",
                expected=expected,
                pair_id=f"image/{row.number}/{number}",
                own=row.rest(*_IMAGE),
            )


def _read_text(row: Row, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    row.demand(*_TEXT, *_FIGSTEP)
    settings = {"text": "prompt_origin"} | dict.fromkeys(("search_img", "typography_img", "concat_img"), "prompt_mm")
    for setting, words in (settings | {"figstep_img": "prompt_figstep"}).items():
        yield BenchmarkItem(
            benchmark=FACTS.name,
            item_id=f"text/{row.number}",
            query=row.text(words),
            pictures=() if setting == "text" else (take_picture(row, setting, pictures),),
            category=row.text("type"),
            sub_category=row.text("focus"),
            subset=setting,
            expected="refuse_or_warn" if "contrast" in row.text("type") else "answer",
            pair_id=f"text/{row.number}",
            own={"object": row.values.get("object"), "prompt_origin": row.text("prompt_origin")},
        )
