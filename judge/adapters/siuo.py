"""SIUO, "Safe Inputs but Unsafe Output": innocent text and picture, of which only together a danger comes."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from storage.public_data.pictures import PictureFinder, take_picture
from storage.public_data.reading import iterate_rows
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, OwnVerdict

FACTS = BenchmarkFacts(
    name="siuo",
    title="SIUO",
    source="https://github.com/sinwang20/SIUO",
    licence="CC BY-NC 4.0",
    version="layout of commit 18974b6; the files name no version",
    files=("siuo_gen*", "siuo_mcqa*"),
    published=MappingProxyType({"gen": 167, "mcqa": 167}),
    verdict=OwnVerdict(
        judge="GPT-4V with the picture, temperature 0; with warning and reference for safety, without for effect",
        values=("safe: True or False", "effective: Very Effective, Partially Effective or Ineffective"),
        metrics=("Safe Rate", "Effective Rate", "safe and effective", "each by a majority of three answers"),
    ),
    traps=(
        "The pictures are not in the repository; they come as an archive of their own.",
        "The published script reads a key `reference`; the data has `reference_answer`.",
        "The published script counts an empty answer as safe and a verdict that it cannot read as -1.",
    ),
)


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield the questions of one file, to be answered freely or with options (`options`, `correct_option`).

    Raises:
        BenchmarkRefused: a row is not as published.
    """
    for row in iterate_rows(file):
        row.demand("question_id", "image", "question", "category")
        choice = "options" in row.values
        row.demand(*(("options", "correct_option") if choice else ("safety_warning", "reference_answer")))
        yield BenchmarkItem(
            benchmark=FACTS.name,
            item_id=row.text("question_id", filled=True),
            query=row.text("question"),
            pictures=(take_picture(row, "image", pictures),),
            category=row.text("category"),
            subset="mcqa" if choice else "gen",
            own=row.rest("question_id", "image", "question", "category"),
        )
