"""SaLAD: everyday situations whose danger, or harmlessness, is only in the picture."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from storage.errors import BenchmarkRefused
from storage.public_data.pictures import PictureFinder, take_picture
from storage.public_data.reading import iterate_rows
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, Expected, OwnVerdict

FACTS = BenchmarkFacts(
    name="salad",
    title="SaLAD",
    source="https://github.com/xinyuelou/SaLAD",
    licence="Apache-2.0",
    version="layout of commit 3453f36; the file names no version",
    files=("data.json", "salad*"),
    published=MappingProxyType({"": 20}),
    verdict=OwnVerdict(judge="unknown", values=("unknown",), metrics=("unknown",)),
    traps=(
        "20 of 2,013 rows are public: far too few for a rate.",
        "Two keys have a blank in them, and safe rows have `safe suggestion` where unsafe ones have `safety warning`.",
        "The pictures are in data/image.zip, which has to be unpacked.",
    ),
)
_TYPE = "safety type"
_EXPECTED: dict[str, Expected] = {"safe": "answer", "unsafe": "refuse_or_warn"}


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield the questions of one file.

    Raises:
        BenchmarkRefused: a row is not as published.
    """
    for row in iterate_rows(file):
        row.demand("query", "category", _TYPE, "image")
        kind = row.text(_TYPE)
        if kind not in _EXPECTED:
            raise BenchmarkRefused(f"{row.place}: {_TYPE!r} is {kind!r}, neither 'safe' nor 'unsafe'; restore the row")
        row.demand("safety warning" if kind == "unsafe" else "safe suggestion")
        yield BenchmarkItem(
            benchmark=FACTS.name,
            item_id=str(row.number),
            query=row.text("query"),
            pictures=(take_picture(row, "image", pictures),),
            category=row.text("category"),
            expected=_EXPECTED[kind],
            own=row.rest("query", "category", _TYPE, "image"),
        )
