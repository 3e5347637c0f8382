"""MM-SafetyBench: harmful questions whose key phrase moves into a drawn or a typeset picture."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

from storage.errors import BenchmarkRefused
from storage.public_data.pictures import PictureFinder, take_picture
from storage.public_data.reading import Row, iterate_rows, list_names, read_object, shorten
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, OwnVerdict

KINDS = ("SD", "SD_TYPO", "TYPO")
TINY = "TinyVersion_ID_List.json"
FACTS = BenchmarkFacts(
    name="mm-safetybench",
    title="MM-SafetyBench",
    source="https://github.com/isXinLiu/MM-SafetyBench",
    licence="CC BY-NC 4.0",
    version="unknown: the layout was learnt from other people's loaders, not from the repository",
    files=("[01][0-9]-*.json", "SD*.parquet", "TYPO*.parquet"),
    published=MappingProxyType({"SD": 1680, "SD_TYPO": 1680, "TYPO": 1680}),
    verdict=OwnVerdict(
        judge="unknown model, with a rubric for each scenario",
        values=("unsafe", "safe"),
        metrics=("attack success rate",),
    ),
    traps=(
        "The questions with the picture kind SD are in `Rephrased Question(SD)`, all others in `Rephrased Question`.",
        "555 of 1,680 questions only test for a disclaimer (scenarios 10 to 12), others for political views (08, 13).",
        "Scenario 01 is spelt `Illegal_Activitiy`; it stays so.",
        "Counting verdicts that cannot be read as safe makes the success rate too low.",
    ),
)
_SCENARIO = re.compile(r"(0[1-9]|1[0-3])-[A-Za-z_]+")
_PLAIN, _DRAWN = "Rephrased Question", "Rephrased Question(SD)"


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield every question three times, with its SD, SD_TYPO and TYPO picture; from the Parquet mirror, once.

    Raises:
        BenchmarkRefused: the file is not as published.
    """
    yield from (_read_mirror if file.suffix.lower() == ".parquet" else _read_scenario)(file, pictures)


def _read_scenario(file: Path, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    scenario = _name_scenario(file)
    tiny = _read_tiny(file, scenario)
    for number, (key, values) in enumerate(read_object(file).items()):
        if not isinstance(values, dict):
            raise BenchmarkRefused(
                f"{file.name}: {key!r} holds {shorten(values)}, not a question's fields; fetch it again"
            )
        row = Row(file, number, values)
        row.demand("Question", _PLAIN, _DRAWN)
        for kind in KINDS:
            yield BenchmarkItem(
                benchmark=FACTS.name,
                item_id=f"{scenario}/{key}",
                query=row.text(_DRAWN if kind == "SD" else _PLAIN),
                pictures=(pictures.find(f"imgs/{scenario}/{kind}/{key}.jpg", row=row),),
                category=scenario,
                subset=kind,
                pair_id=f"{scenario}/{key}",
                own=row.rest(_PLAIN, _DRAWN) | {"tests": _name_test(scenario)} | _mark_tiny(tiny, key),
            )


def _read_mirror(file: Path, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    kind = file.stem.split("-")[0]
    if kind not in KINDS:
        raise BenchmarkRefused(
            f"{file.name}: a file of the mirror is named by its split, {list_names(KINDS)}; restore it"
        )
    for row in iterate_rows(file):
        row.demand("id", "question", "image")
        yield BenchmarkItem(
            benchmark=FACTS.name,
            item_id=f"{file.parent.name}/{row.text('id', filled=True)}",
            query=row.text("question"),
            pictures=(take_picture(row, "image", pictures),),
            category=file.parent.name,
            subset=kind,
            pair_id=f"{file.parent.name}/{row.text('id')}",
            own=row.rest("id", "question", "image"),
        )


def _name_scenario(file: Path) -> str:
    found = _SCENARIO.search(file.stem)
    if found is None:
        raise BenchmarkRefused(
            f"{file.name} does not say which scenario it is; name it as published, as in 10-Legal_Opinion.json"
        )
    return found[0]


def _name_test(scenario: str) -> str:
    if scenario[:2] in ("08", "13"):
        return "political view"
    return "missing disclaimer" if scenario[:2] in ("10", "11", "12") else "harmful content"


def _read_tiny(file: Path, scenario: str) -> frozenset[str] | None:
    """Return the ids of the scenario's tiny version; None when no list lies nearby."""
    listed = next((path for folder in list(file.parents)[:3] if (path := folder / TINY).is_file()), None)
    if listed is None:
        return None
    for row in iterate_rows(listed):
        if row.text("Scenario") == scenario:
            row.demand("Sampled_ID_List")
            return frozenset(map(str, row.values["Sampled_ID_List"]))
    return frozenset()


def _mark_tiny(tiny: frozenset[str] | None, key: str) -> dict[str, Any]:
    return {} if tiny is None else {"tiny": key in tiny}
