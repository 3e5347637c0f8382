"""MIS: two pictures for each question, harmless apart."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from storage.public_data.pictures import PictureFinder, take_picture
from storage.public_data.reading import iterate_rows
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, OwnVerdict

FACTS = BenchmarkFacts(
    name="mis",
    title="MIS",
    source="Tuwhy/MIS_Test on Hugging Face",
    licence="Apache-2.0",
    version="unknown: the files name none",
    files=("mis_*",),
    published=MappingProxyType({"easy": 1675, "hard": 510, "real": 100}),
    verdict=OwnVerdict(
        judge="gpt-4o with a structured reply",
        values=("perception: Level1, Level2 or Level3", "Safe or Unsafe"),
        metrics=("ASR", "HR", "RSR", "RR"),
    ),
    traps=(
        "Two pictures for each question, in this order; a model that takes only one cannot be compared.",
        "The judge's prompt asks for an explanation, for which its reply has no field.",
    ),
)


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield the questions of one file, each with its two pictures.

    Raises:
        BenchmarkRefused: a row is not as published.
    """
    used = ("id", "question", "category", "sub_category", "image_path1", "image_path2")
    for row in iterate_rows(file):
        row.demand(*used)
        yield BenchmarkItem(
            benchmark=FACTS.name,
            item_id=row.text("id", filled=True),
            query=row.text("question"),
            pictures=(take_picture(row, "image_path1", pictures), take_picture(row, "image_path2", pictures)),
            category=row.text("category"),
            sub_category=row.text("sub_category"),
            subset=file.stem.removeprefix("mis_"),
            own=row.rest(*used),
        )
