"""SPA-VL: pictures with harmful questions, and a chosen and a rejected answer to each."""

from collections.abc import Iterator
from pathlib import Path

from storage.public_data.pictures import PictureFinder, take_picture
from storage.public_data.reading import Row, iterate_rows
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, OwnVerdict

FACTS = BenchmarkFacts(
    name="spa-vl",
    title="SPA-VL",
    source="sqrti/SPA-VL on Hugging Face",
    licence="CC BY 4.0",
    version="unknown; the JSON layout is that of EchoseChen/SPA-VL-RLHF commit cade637",
    files=("train*", "validation*", "test*", "evalharm*", "evalhelp*", "harm*", "help*", "spavl*", "spa_vl*"),
    verdict=OwnVerdict(
        judge="preferences that come with the rows",
        values=("chosen", "rejected"),
        metrics=("HarmEval and HelpEval of the test part; their definitions are not known to us",),
    ),
    traps=(
        "The tables have no ids; a category is in the picture's path (JSON, `image_name`) or in `class1` to `class3`.",
        "It is training data of the paper's comparison, so it must not share items with a benchmark.",
    ),
)


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield the questions of one file; `chosen` and `rejected` stay in `own`, and may be missing in a test part.

    Raises:
        BenchmarkRefused: a row is not as published.
    """
    split = file.stem.split("-")[0]
    for row in iterate_rows(file):
        row.demand("question", "image")
        if split not in ("test", "harm", "help", "evalharm", "evalhelp"):
            row.demand("chosen", "rejected")
        folders = _read_folders(row)
        yield BenchmarkItem(
            benchmark=FACTS.name,
            item_id=row.text("id", filled=True) if "id" in row.values else f"{file.stem}/{row.number}",
            query=row.text("question"),
            pictures=(take_picture(row, "image", pictures),),
            category=folders[0] if folders else "",
            sub_category="/".join(folders[1:]),
            subset=split,
            own=row.rest("id", "question", "image"),
        )


def _read_folders(row: Row) -> tuple[str, ...]:
    """Return category and sub-categories: their own columns in some parts, else the folders of the picture's name."""
    classes = tuple(str(row.values[name]) for name in ("class1", "class2", "class3") if row.values.get(name))
    named = row.values.get("image_name", row.values["image"])
    return classes or (Path(named).parent.parts if isinstance(named, str) else ())
