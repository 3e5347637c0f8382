"""Where prompts come from: releases, BeaverTails-V and SPA-VL, each read prompt by prompt, as often as needed.

A prompt is a picture and a question. What only a reward or a judge may see (the hidden hazard, say) travels beside it.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Protocol

from caspo.dataset.categories import map_category
from caspo.dataset.config import DatasetConfig, PublicSource, ReleaseSource
from caspo.dataset.plain_texts import clean_query, is_plain
from caspo.errors import BenchmarkFound, DataRefused
from storage.errors import BenchmarkRefused, ReleaseInvalid
from storage.public_data import beavertails_v, spa_vl
from storage.public_data.pictures import PictureFinder
from storage.public_data.reading import find_files
from storage.public_data.records import BenchmarkItem
from storage.records import Category, Split
from storage.release_files import Release, hash_file, read_release
from storage.release_rows import name_twin

Part = Literal["train", "val"]
_READERS = {"beavertails-v": beavertails_v, "spa-vl": spa_vl}
_MEASURING = frozenset({"evaluation", "test", "harm", "help", "evalharm", "evalhelp"})
"""Parts of the public data sets that are there to measure with."""
_YES, _NO = frozenset({"yes", "true", "1", "safe"}), frozenset({"no", "false", "0", "unsafe"})


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer that comes with a public data set's row."""

    text: str
    model: str
    """Which model wrote it; empty where the data set does not say."""


@dataclass(frozen=True, slots=True)
class Preference:
    """What a public data set says of two answers to one prompt."""

    chosen: GivenAnswer
    rejected: GivenAnswer
    gap: float | None
    """By how much, in the data set's own rates; None where it gives none."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A picture and a question that can be trained on."""

    item_id: str
    """Unique among the prompts of its source."""
    query: str
    category: Category | None
    """None: its data set's category has no counterpart among ours, so it has no constitution."""
    own_category: str
    image_sha256: str
    licence: str
    picture: bytes | None = field(default=None, repr=False)
    twin: bool = False
    sub_category: str = ""
    hidden_hazard: str = ""
    hazard_entities: tuple[str, ...] = ()
    causal_chain: tuple[str, ...] = ()
    safe_answer_notes: str = ""
    scene: str = ""
    world_truth: str = ""
    preference: Preference | None = None

    @property
    def content(self) -> bytes:
        """Hash (16 bytes) of picture and question: prompts that share it are one."""
        return hashlib.blake2b(f"{self.image_sha256} {self.query}".encode(), digest_size=16).digest()


class Source(Protocol):
    """Something that prompts come from."""

    @property
    def name(self) -> str:
        """For `data_source` and messages; unique among the sources of a preparation."""

    @property
    def part(self) -> Part:
        """Where its prompts go."""

    @property
    def choice(self) -> ReleaseSource:
        """What the config says of it."""

    @property
    def left_out(self) -> Counter[str]:
        """Reason -> prompts that the last reading left out."""

    def read(self, *, pictures: bool) -> Iterator[Prompt]:
        """Yield the usable prompts, always in the same order; without `pictures` they may be missing."""

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says of it: kind, version, licence, hashes; no path of this machine."""


class ReleasedPrompts:
    """The items of a release, each followed by its twin."""

    def __init__(self, choice: ReleaseSource, release: Release) -> None:
        self.choice = choice
        self.release = release
        self.name = f"ood-mmsafe/{release.manifest.version}"
        self.part: Part = "val" if release.manifest.split is Split.HELD_OUT else "train"
        self.left_out: Counter[str] = Counter()
        self._licences: Counter[str] = Counter()

    def read(self, *, pictures: bool) -> Iterator[Prompt]:
        """Yield items and twins in the release's order.

        Raises:
            DataRefused: a file is damaged, or with `pictures` a row is not what the manifest says.
        """
        self.left_out.clear()
        self._licences.clear()
        try:
            for prompt in self._read_verified() if pictures else self._read_outlines():
                if isinstance(prompt, str):
                    self.left_out[prompt] += 1
                    continue
                self._licences[prompt.licence] += 1
                yield prompt
        except ReleaseInvalid as exc:
            raise DataRefused(f"release {self.release.manifest.version}: {exc.problems[0]}; get it anew") from exc

    def _read_verified(self) -> Iterator[Prompt | str]:
        """Yield everything: what is written is always read so."""
        for item in self.release.iterate_verified():
            for row, twin in ((item, False), *(((item.as_twin(), True),) if item.has_twin else ())):
                yield _make_prompt(
                    row.query,
                    row.image_sha256,
                    item_id=row.id,
                    category=Category(row.category),
                    own_category=row.category,
                    licence=row.licence,
                    picture=row.image,
                    twin=twin,
                    sub_category=row.sub_category,
                    hidden_hazard=row.hidden_hazard,
                    hazard_entities=row.hazard_entities,
                    causal_chain=row.causal_chain,
                    safe_answer_notes=row.safe_answer_notes,
                    scene=row.scene,
                    world_truth=row.world_truth or "",
                )

    def _read_outlines(self) -> Iterator[Prompt | str]:
        """Yield what a choice without pictures depends on, from the few columns that hold it."""
        columns = ("id", "category", "query", "image_sha256", "licence", "twin_image_sha256", "twin_licence")
        for item_id, category, query, picture, licence, twin, twin_licence in self.release.iterate_columns(*columns):
            told = {"category": Category(category), "own_category": category}
            yield _make_prompt(query, picture, item_id=item_id, licence=licence, **told)
            if twin is not None:
                name = name_twin(item_id)
                yield _make_prompt(query, twin, item_id=name, licence=twin_licence or "", twin=True, **told)

    def describe(self) -> dict[str, Any]:
        """Return version, digest and the licences of the pictures, with how many have each."""
        manifest = self.release.manifest
        return {
            "kind": "release",
            "version": manifest.version,
            "split": manifest.split.value,
            "digest": manifest.digest,
            "licences": dict(sorted(self._licences.items())),
        }


def _make_prompt(query: str, image_sha256: str | None, **told: Any) -> Prompt | str:
    """Return a prompt of a release, or why it is none."""
    if image_sha256 is None:
        return "no picture"
    cleaned = clean_query(query)
    if cleaned is None:
        return "control token of a chat template in the question"
    return Prompt(query=cleaned, image_sha256=image_sha256, **told)


class PublicPrompts:
    """The rows of a public data set. Two rows in a row that ask the same of the same picture are one prompt."""

    part: Part = "train"

    def __init__(self, choice: PublicSource) -> None:
        """Find the files and hash them.

        Raises:
            DataRefused: there are none, or they are of a part that is there to measure with.
        """
        self.choice = choice
        self.name = choice.kind
        self.left_out: Counter[str] = Counter()
        self.facts = _READERS[choice.kind].FACTS
        try:
            self._files = find_files(choice.path, self.facts.files)
        except BenchmarkRefused as exc:
            raise DataRefused(str(exc)) from exc
        for file in self._files:
            part = file.stem.split("-")[0].casefold()
            if part in _MEASURING:
                raise DataRefused(
                    f"{file.name} is the part {part!r} of {self.facts.title}, which is there to measure with; give the "
                    "files of the part train"
                )
        self._hashes = {self._show(file): hash_file(file)["sha256"] for file in self._files}

    def _show(self, file: Path) -> str:
        return file.relative_to(self.choice.path).as_posix() if self.choice.path.is_dir() else file.name

    def read(self, *, pictures: bool) -> Iterator[Prompt]:
        """Yield the prompts in the order of files and rows, with their pictures: they come out of the same cells.

        Raises:
            DataRefused: a file is not as its makers publish it.
        """
        self.left_out.clear()
        held: tuple[Prompt, BenchmarkItem] | None = None
        names: set[tuple[str, str]] = set()
        for item in self._read_rows():
            name = (item.subset, item.item_id)
            if name in names:
                raise DataRefused(f"{self.name}: the row {item.item_id!r} comes twice; give one copy of the data set")
            names.add(name)
            prompt = self._read_item(item)
            if isinstance(prompt, str):
                self.left_out[prompt] += 1
            elif held and held[0].content == prompt.content:
                yield replace(held[0], preference=_pair_rows(held[1], item))
                held = None
            else:
                if held:
                    yield held[0]
                held = prompt, item
        if held:
            yield held[0]

    def _read_rows(self) -> Iterator[BenchmarkItem]:
        choice = self.choice
        finder = PictureFinder([choice.pictures]) if choice.pictures else PictureFinder.beside(choice.path)
        try:
            for file in self._files:
                yield from _READERS[choice.kind].read(file, pictures=finder)
        except BenchmarkRefused as exc:
            raise DataRefused(str(exc)) from exc

    def _read_item(self, item: BenchmarkItem) -> Prompt | str:
        (picture,) = item.pictures
        if not picture.found:
            return "picture not found beside the file or in the folder `pictures`"
        if not item.query.strip():
            return "no question"
        query = clean_query(item.query)
        if query is None:
            return "control token of a chat template in the question"
        data = picture.data if picture.data is not None else picture.path.read_bytes() if picture.path else b""
        if not can_decode(data):
            return "picture that cannot be decoded"
        own = "/".join(part for part in (item.category, item.sub_category) if part)
        return Prompt(
            item_id=f"{item.subset}/{item.item_id}",
            query=query,
            category=map_category(self.choice.kind, own, self.choice.categories),
            own_category=own,
            image_sha256=hashlib.sha256(data).hexdigest(),
            licence=self.choice.licence or self.facts.licence,
            picture=data,
            preference=_read_preference(item),
        )

    def describe(self) -> dict[str, Any]:
        """Return licence, version and the hashes of the files."""
        return {
            "kind": self.choice.kind,
            "title": self.facts.title,
            "source": self.facts.source,
            "version": self.choice.version or self.facts.version,
            "licence": self.choice.licence or self.facts.licence,
            "own_mapping": {name: category.value for name, category in sorted(self.choice.categories.items())},
            "files": self._hashes,
        }


def open_sources(config: DatasetConfig) -> list[ReleasedPrompts | PublicPrompts]:
    """Open every source, held-out releases first, so that what both hold is kept out of training.

    Raises:
        BenchmarkFound: a release is a benchmark.
        DataRefused: a source cannot be used, or is given twice.
    """
    opened: list[ReleasedPrompts | PublicPrompts] = []
    for choice in config.releases:
        if not choice.path.is_dir():
            raise DataRefused(
                f"release {choice.path}: there is no such folder, and no workspace here that has such a version; "
                "give a release folder, or the workspace by --home"
            )
        try:
            release = read_release(choice.path, verify=False)  # rows are verified as they are read
        except ReleaseInvalid as exc:
            raise DataRefused(f"release {choice.path}: {exc.problems[0]}") from exc
        refuse_benchmark(release)
        opened.append(ReleasedPrompts(choice, release))
    opened += [PublicPrompts(choice) for choice in config.public]
    twice = [name for name, count in Counter(source.name for source in opened).items() if count > 1]
    if twice:
        raise DataRefused(f"the source {twice[0]} is given twice; name each once (several files: give their folder)")
    if all(source.part == "val" for source in opened):
        raise DataRefused("only held-out releases are given, and nobody trains on those; add one of the split train")
    return sorted(opened, key=lambda source: source.part == "train")


def refuse_benchmark(release: Release) -> None:
    """Refuse a release that is there to measure with.

    Raises:
        BenchmarkFound: it is one.
    """
    manifest = release.manifest
    if manifest.split is Split.BENCHMARK:
        said = (
            f"release {manifest.version} is of the split benchmark ({manifest.items} items, digest "
            f"{manifest.digest[:12]}); a model that trains on it cannot be measured by it. Freeze items of their own "
            "with --split train, and give that release"
        )
        raise BenchmarkFound(said, [f"release {manifest.version}: split benchmark"])


def can_decode(data: bytes) -> bool:
    """Whether the bytes are a picture; verl would stop in the middle of a run at one that is not."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as opened:
            opened.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for damaged files
        return False
    return True


def _read_preference(item: BenchmarkItem) -> Preference | None:
    """Return what the row prefers: SPA-VL's chosen answer, or BeaverTails-V's safer one."""
    own = item.own
    if {"chosen", "rejected"} <= own.keys():
        return _prefer(GivenAnswer(str(own["chosen"]), ""), GivenAnswer(str(own["rejected"]), ""), None)
    safer = own.get("safer")
    if safer is None:
        return None
    better, worse = (1, 2) if safer == 1 else (2, 1)
    answers = {
        n: GivenAnswer(str(own.get(f"response_{n}", "")), str(own.get(f"response_{n}_from", ""))) for n in (1, 2)
    }
    rates = [_rate(own, better), _rate(own, worse)]
    gap = None if None in rates else float((rates[0] or 0) - (rates[1] or 0))
    return _prefer(answers[better], answers[worse], gap)


def _rate(own: Mapping[str, Any], answer: int) -> float | None:
    rates = [own.get(f"response_{answer}_{what}_rate") for what in ("harmless", "helpful")]
    given = [rate for rate in rates if isinstance(rate, int | float)]
    return float(sum(given)) if len(given) == len(rates) else None


def _pair_rows(first: BenchmarkItem, second: BenchmarkItem) -> Preference | None:
    """Return the pair of two single answers to one prompt of which exactly one is marked safe."""
    marks = [_read_mark(item) for item in (first, second)]
    if sorted(marks, key=str) != [False, True]:
        return _read_preference(first)
    better, worse = (first, second) if marks[0] else (second, first)
    return _prefer(GivenAnswer(str(better.own["response"]), ""), GivenAnswer(str(worse.own["response"]), ""), None)


def _read_mark(item: BenchmarkItem) -> bool | None:
    if "is_response_safe" not in item.own:
        return None
    mark = str(item.own["is_response_safe"]).strip().casefold()
    if mark not in _YES | _NO:
        raise DataRefused(
            f"{item.item_id}: is_response_safe is {mark[:40]!r}, neither of {', '.join(sorted(_YES | _NO))}; restore "
            "the row"
        )
    return mark in _YES


def _prefer(chosen: GivenAnswer, rejected: GivenAnswer, gap: float | None) -> Preference | None:
    texts = chosen.text, rejected.text
    usable = all(text.strip() and is_plain(text) for text in texts) and texts[0] != texts[1]
    return Preference(chosen, rejected, gap) if usable else None
