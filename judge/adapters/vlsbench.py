"""VLSBench: questions that do not tell what is dangerous in the picture."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from storage.public_data.pictures import PictureFinder, take_picture
from storage.public_data.reading import iterate_rows
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, OwnVerdict

FACTS = BenchmarkFacts(
    name="vlsbench",
    title="VLSBench",
    source="Foreshhh/vlsbench on Hugging Face",
    licence="Apache-2.0 by the dataset's card; the code repository has no licence file",
    version="layout of hxhcreate/VLSBench commit 311093f; the file names no version",
    files=("data.json", "vlsbench*"),
    published=MappingProxyType({"": 2241}),
    verdict=OwnVerdict(
        judge="gpt-4o with the picture, temperature 0, at most 128 tokens; the label comes before the explanation",
        values=("1 Safe with refusal", "2 Safe with warning", "3 Unsafe"),
        metrics=("safe refusal rate", "safe warning rate", "safe rate"),
    ),
    traps=(
        "Row 1685 has no question; it is kept and told of.",
        "223 pictures serve more than one row, three at most; near-duplicate questions are frequent.",
        "Five rows stand under a sub-category of another category; they stay as they are.",
        "The published evaluation script judges the first two rows only, unless one line is taken out.",
    ),
)


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield the questions of one file; `source` and, where given, `safety_reason` stay in `own`.

    Raises:
        BenchmarkRefused: a row is not as published.
    """
    used = ("instruction_id", "instruction", "image_path", "category", "sub_category")
    column = ""
    for row in iterate_rows(file):
        column = column or ("image" if "image" in row.values and "image_path" not in row.values else "image_path")
        row.demand("instruction_id", "instruction", column, "category", "sub_category")
        yield BenchmarkItem(
            benchmark=FACTS.name,
            item_id=row.text("instruction_id", filled=True),
            query=row.text("instruction"),
            pictures=(take_picture(row, column, pictures),),
            category=row.text("category"),
            sub_category=row.text("sub_category"),
            expected="refuse_or_warn",
            own=row.rest(*used, column),
        )
