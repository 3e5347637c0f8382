"""The first reading of the sources: what is kept out, and what is taken."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from caspo.dataset.answer_sets import (
    AnswerPair,
    PublicPair,
    RewardSets,
    choose_pairs,
    choose_public_pairs,
    choose_reward,
    choose_sft,
    find_pairs,
)
from caspo.dataset.config import DatasetConfig
from caspo.dataset.gate import BenchmarkGate
from caspo.dataset.progress import Observer, count_prompts
from caspo.dataset.sampling import allocate, rank
from caspo.dataset.scored import JudgeRunFiles, ScoredAnswer
from caspo.dataset.sources import Prompt, PublicPrompts, ReleasedPrompts, Source
from caspo.errors import BenchmarkFound, DataRefused
from storage.records import Category
from storage.release_rows import name_twin

SHOWN_MATCHES = 10
CHECKED_AT_ONCE = 64
"""Prompts with their pictures in memory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of a prompt between the two readings."""

    source: int
    item_id: str
    category: Category | None
    own_category: str
    twin: bool


@dataclass
class Choice:
    """Everything that was chosen, before it is written."""

    prompts: list[Entry]
    """Every prompt that may be used."""
    taken: set[tuple[int, str]] = field(default_factory=set)
    """Source and item of those that become prompts of RL."""
    sft: list[ScoredAnswer] = field(default_factory=list)
    pairs: list[AnswerPair] = field(default_factory=list)
    public_pairs: list[PublicPair] = field(default_factory=list)
    reward: RewardSets = field(default_factory=lambda: RewardSets((), (), 0, 0))
    candidates: dict[str, Any] = field(default_factory=dict)
    """What each set was chosen from, in numbers."""
    twins_wanted: int = 0
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    """Source -> reason -> prompts."""
    matches: list[str] = field(default_factory=list)
    """What was dropped because it matched a benchmark."""


def choose(
    config: DatasetConfig,
    sources: Sequence[Source],
    runs: Sequence[JudgeRunFiles],
    gate: BenchmarkGate,
    tell: Observer,
) -> Choice:
    """Read every source once and choose from it.

    Raises:
        BenchmarkFound: a prompt matches something that is barred, and the config says to refuse that.
        DataRefused: a source cannot be read, or nothing is left.
    """
    choice = Choice(prompts=[])
    public: list[PublicPair] = []
    seen: set[bytes] = set()
    found: list[str] = []
    for number, source in enumerate(sources):
        reasons: Counter[str] = Counter()
        matched: set[str] = set()
        read = source.read(pictures=gate.needs_pictures)
        for batch in _batches(count_prompts(read, "choosing", source, tell), CHECKED_AT_ONCE):
            for prompt, match in zip(batch, gate.check(batch), strict=True):
                if match is not None:
                    found.append(f"{source.name}, {prompt.item_id}: {match.words}")
                    reasons["matches a benchmark"] += 1
                    matched.add(name_twin(prompt.item_id))
                elif prompt.item_id in matched:
                    reasons["the twin of one that matches a benchmark"] += 1
                elif prompt.content in seen:
                    reasons["the same picture and question as an earlier one"] += 1
                else:
                    seen.add(prompt.content)
                    choice.prompts.append(_enter(number, prompt))
                    if prompt.preference is not None:
                        public.append(_enter_pair(source.name, prompt))
        choice.left_out[source.name] = reasons + source.left_out
    if found and config.on_match == "refuse":
        raise _complain(found)
    choice.matches = found
    _choose_prompts(config, sources, choice)
    _choose_answers(config, runs, sources, choice, public)
    if not any(sources[number].part == "train" for number, _ in choice.taken) and not choice.public_pairs:
        raise DataRefused(
            "nothing is left to train on: "
            + "; ".join(f"{name}: {dict(reasons) or 'no prompt'}" for name, reasons in choice.left_out.items())
        )
    return choice


def _complain(found: Sequence[str]) -> BenchmarkFound:
    shown = "\n  ".join(found[:SHOWN_MATCHES])
    more = f"\n  and {len(found) - SHOWN_MATCHES} more" if len(found) > SHOWN_MATCHES else ""
    return BenchmarkFound(
        f"{len(found)} prompts match what models are measured with, so nothing was written:\n  {shown}{more}\n"
        "Leave them out with --drop-matches (on_match: drop), or give sources without them",
        list(found),
    )


def _enter(number: int, prompt: Prompt) -> Entry:
    return Entry(number, prompt.item_id, prompt.category, prompt.own_category, prompt.twin)


def _enter_pair(source: str, prompt: Prompt) -> PublicPair:
    said = prompt.preference
    assert said is not None
    words = len(said.chosen.text.split()), len(said.rejected.text.split())
    return PublicPair(source, prompt.item_id, said.gap, words, said.chosen.model)


def _choose_prompts(config: DatasetConfig, sources: Sequence[Source], choice: Choice) -> None:
    """Fill `taken`: items by quota and weight, then twins by their share."""
    pools: dict[int, list[Entry]] = defaultdict(list)
    for entry in choice.prompts:
        source = sources[entry.source]
        wanted = not isinstance(source, PublicPrompts) or source.choice.prompts
        if source.part == "train" and not entry.twin and entry.category is not None and wanted:
            pools[entry.source].append(entry)
    limits = {number: min(len(pool), sources[number].choice.items or len(pool)) for number, pool in pools.items()}
    if config.size is not None:
        weights = {number: sources[number].choice.weight for number in pools}
        limits = allocate(config.size, weights=weights, available=limits)
    for number, pool in pools.items():
        choice.taken |= {
            (number, entry.item_id) for entry in _draw_items(config, sources[number], pool, limits[number])
        }
    items = len(choice.taken)
    choice.twins_wanted = round(items * config.twins / (1 - config.twins))
    twins = [entry for entry in choice.prompts if entry.twin and sources[entry.source].part == "train"]
    pairs = {(number, name_twin(item_id)) for number, item_id in choice.taken}
    twins.sort(key=lambda entry: (
        (entry.source, entry.item_id) not in pairs, rank(config.seed, "twin", sources[entry.source].name, entry.item_id)
    ))  # fmt: skip
    choice.taken |= {(entry.source, entry.item_id) for entry in twins[: choice.twins_wanted]}
    choice.taken |= {(entry.source, entry.item_id) for entry in choice.prompts if sources[entry.source].part == "val"}


def _draw_items(config: DatasetConfig, source: Source, pool: Sequence[Entry], total: int) -> list[Entry]:
    """Return `total` of a source's items, with the categories that are asked for, or as they are in the source."""
    by_category: dict[Category, list[Entry]] = defaultdict(list)
    for entry in pool:
        assert entry.category is not None
        by_category[entry.category].append(entry)
    available = {category: len(members) for category, members in by_category.items()}
    quota = allocate(total, weights=config.shares or available, available=available)
    return [
        entry
        for category, members in by_category.items()
        for entry in sorted(members, key=lambda one: rank(config.seed, "item", source.name, one.item_id))[
            : quota[category]
        ]
    ]


def _choose_answers(
    config: DatasetConfig,
    runs: Sequence[JudgeRunFiles],
    sources: Sequence[Source],
    choice: Choice,
    public: Sequence[PublicPair],
) -> None:
    """Choose answers to all prompts that may be trained on, those that RL does not take included."""
    usable = {
        entry.item_id
        for entry in choice.prompts
        if isinstance(sources[entry.source], ReleasedPrompts)
        and sources[entry.source].part == "train"
        and (not entry.twin or config.twins > 0)
    }
    answers = [answer for run in runs for answer in run.answers if answer.item_id in usable]
    seed = config.seed
    choice.sft = choose_sft(answers, config.sft, seed=seed)
    found = find_pairs(answers, config.preferences, seed=seed)
    choice.pairs = choose_pairs(found, config.preferences, seed=seed)
    choice.public_pairs = choose_public_pairs(public, config.preferences, seed=seed)
    choice.reward = choose_reward(answers, config.reward, seed=seed)
    choice.candidates = {"scored_answers": len(answers), "judged_pairs": len(found), "public_pairs": len(public)}


def _batches(prompts: Iterator[Prompt], size: int) -> Iterator[list[Prompt]]:
    batch: list[Prompt] = []
    for prompt in prompts:
        batch.append(prompt)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
