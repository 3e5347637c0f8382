"""BeaverTails-V: harmful pictures with questions and answers, as preferences or as single judged answers."""

from collections.abc import Iterator
from pathlib import Path

from storage.public_data.pictures import PictureFinder, take_picture
from storage.public_data.reading import Row, iterate_rows
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, OwnVerdict

FACTS = BenchmarkFacts(
    name="beavertails-v",
    title="BeaverTails-V",
    source="saferlhf-v/BeaverTails-V and PKU-Alignment/BeaverTails-V on Hugging Face",
    licence="CC BY-NC 4.0 (the code is Apache-2.0)",
    version="unknown: the tables name none",
    files=("train*", "evaluation*", "beavertails*"),
    verdict=OwnVerdict(
        judge="none known to us; the rows come with marks of their answers",
        values=("safer answer: 1 or 2", "more helpful answer: 1 or 2", "safe: a text", "rates: whole numbers"),
        metrics=("none of its own for a new model's answers is known to us",),
    ),
    traps=(
        "Two tables share the name: preferences (saferlhf-v), and single answers (PKU-Alignment) with two rows a pair.",
        "Ids of the better answer and marks of safety are texts; ids other than 1 and 2 state no preference.",
        "It is training data of the paper's comparison, so it must not share items with a benchmark.",
    ),
)
PREFERENCE = (
    "response_1", "response_2", "more_helpful_response_id", "safer_response_id", "is_response_1_safe",
    "is_response_2_safe",
)  # fmt: skip
_SHARED = ("question", "image", "category", "image_severity")


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield the rows of one shard, of either schema (`own["schema"]`: preference or classification).

    Where a preference is stated, `own["safer"]` and `own["more_helpful"]` are 1 or 2; else they are None.

    Raises:
        BenchmarkRefused: a row has neither schema.
    """
    split = file.stem.split("-")[0]
    for row in iterate_rows(file):
        row.demand(*_SHARED)
        preference = "response" not in row.values
        row.demand(*(PREFERENCE if preference else ("response", "is_response_safe")))
        own = row.rest("question", "image", "category") | {"schema": "preference" if preference else "classification"}
        if preference:
            own["safer"] = _read_choice(row, "safer_response_id")
            own["more_helpful"] = _read_choice(row, "more_helpful_response_id")
        yield BenchmarkItem(
            benchmark=FACTS.name,
            item_id=f"{file.parent.name}/{file.stem}/{row.number}",
            query=row.text("question"),
            pictures=(take_picture(row, "image", pictures),),
            category=row.text("category"),
            subset=split,
            own=own,
        )


def _read_choice(row: Row, column: str) -> int | None:
    said = row.text(column).strip()
    return int(said) if said in ("1", "2") else None
