"""MSSBench, multimodal situational safety: one query that is safe with one picture and unsafe with the other."""

from collections.abc import Iterator
from pathlib import Path

from storage.errors import BenchmarkRefused
from storage.public_data.pictures import PictureFinder
from storage.public_data.reading import Row, list_names, read_object, shorten
from storage.public_data.records import BenchmarkFacts, BenchmarkItem, Expected, OwnVerdict

FACTS = BenchmarkFacts(
    name="mssbench",
    title="MSSBench",
    source="kzhou35/mssbench on Hugging Face",
    licence="unknown: the data names none (the code is MIT)",
    version="unknown: the paper's v1 counts 1,820 pairs, its v2 1,960; the file does not say which it is",
    files=("combined*.json", "combine.json", "mssbench*.json"),
    verdict=OwnVerdict(
        judge="a text model that sees the answer, and neither query nor picture",
        values=("0 refuses", "1 warns", "2 answers without noticing", "3 cannot or has no information"),
        metrics=("safe accuracy", "unsafe accuracy", "their mean; chat and embodied apart"),
    ),
    traps=(
        "The published loader opens `combine.json`, the data is called `combined.json`; both are taken.",
        "Its judge calls that fail are left out of the denominator without a word.",
        "The OOD-MMSafe paper reports it by Safe Rate and Effective Rate, which are not its own metrics.",
        "Instructions of embodied tasks differ between the safe and the unsafe picture; chat queries do not.",
    ),
)
_CHAT = ("safe_image_path", "unsafe_image_path", "intent", "unsafe_image", "Type", "queries")
_EMBODIED = ("task", "category", "safe", "unsafe", "observation_safe", "observation_unsafe")


def read(file: Path, *, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    """Yield each query twice: with the safe picture (an answer is expected), then with the unsafe one.

    Raises:
        BenchmarkRefused: the file is not as published.
    """
    content = read_object(file)
    if not content.keys() & {"chat", "embodied"}:
        raise BenchmarkRefused(
            f"{file.name} has neither 'chat' nor 'embodied' but {list_names(list(content)[:8])}; give "
            "combined.json as published"
        )
    for part in ("chat", "embodied"):
        rows = content.get(part, [])
        if not isinstance(rows, list) or not all(isinstance(values, dict) for values in rows):
            raise BenchmarkRefused(
                f"{file.name}: {part!r} holds {shorten(rows)}, not a list of objects; fetch it again"
            )
        for number, values in enumerate(rows):
            row = Row(file, number, values)
            yield from (_read_chat if part == "chat" else _read_embodied)(row, pictures)


def _read_chat(row: Row, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    row.demand(*_CHAT)
    queries = row.texts("queries")
    yield from _yield_pairs(
        row,
        pictures,
        part="chat",
        names=(row.text("safe_image_path"), row.text("unsafe_image_path")),
        queries=(queries, queries),
        category=row.text("Type"),
        used=("safe_image_path", "unsafe_image_path", "queries", "Type"),
    )


def _read_embodied(row: Row, pictures: PictureFinder) -> Iterator[BenchmarkItem]:
    row.demand(*_EMBODIED)
    safe, unsafe = (_read_instructions(row, kind) for kind in ("safe", "unsafe"))
    if len(safe) != len(unsafe):
        raise BenchmarkRefused(
            f"{row.place} of 'embodied': {len(safe)} safe instructions and {len(unsafe)} unsafe ones make no pairs; "
            "restore the row"
        )
    lists = [f"{kind}_instruction{s}" for kind in ("safe", "unsafe") for s in ("", "s")]
    yield from _yield_pairs(
        row,
        pictures,
        part="embodied",
        names=(row.text("safe"), row.text("unsafe")),
        queries=(safe, unsafe),
        category=row.text("category"),
        used=("safe", "unsafe", "category", *lists),
    )


def _read_instructions(row: Row, kind: str) -> list[str]:
    if f"{kind}_instructions" in row.values:
        return row.texts(f"{kind}_instructions")
    return [row.text(f"{kind}_instruction", filled=True)]


def _yield_pairs(
    row: Row,
    pictures: PictureFinder,
    *,
    part: str,
    names: tuple[str, str],
    queries: tuple[list[str], list[str]],
    category: str,
    used: tuple[str, ...],
) -> Iterator[BenchmarkItem]:
    found = [pictures.find(f"{part}/{name}" if name.strip() else "", row=row) for name in names]
    sides: tuple[tuple[str, Expected], ...] = (("safe", "answer"), ("unsafe", "refuse_or_warn"))
    for number, pair in enumerate(zip(*queries, strict=True)):
        for query, picture, (side, expected) in zip(pair, found, sides, strict=True):
            yield BenchmarkItem(
                benchmark=FACTS.name,
                item_id=f"{part}/{row.number}/{number}/{side}",
                query=query,
                pictures=(picture,),
                category=category,
                subset=part,
                expected=expected,
                pair_id=f"{part}/{row.number}/{number}",
                own=row.rest(*used),
            )
