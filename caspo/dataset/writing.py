"""The second reading of the sources: the rows of what was chosen."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from caspo.constitution import Constitution
from caspo.dataset.answer_sets import PublicPair
from caspo.dataset.choosing import Choice
from caspo.dataset.progress import Observer, count_prompts
from caspo.dataset.rows import (
    PAIRS,
    RL,
    SCORES,
    SFT,
    RowWriter,
    keep_picture,
    make_pair_row,
    make_rl_row,
    make_score_row,
    make_sft_row,
)
from caspo.dataset.scored import JudgeRunFiles, ScoredAnswer
from caspo.dataset.sources import Prompt, ReleasedPrompts, Source
from storage.records import Category


class _Plan:
    """What of the choice belongs to a prompt, found while it is written."""

    def __init__(self, choice: Choice) -> None:
        self.sft = _group(choice.sft, lambda answer: answer.item_id)
        self.pairs = _group(choice.pairs, lambda pair: pair.chosen.item_id)
        self.reward_pairs = _group(choice.reward.pairs, lambda pair: pair.chosen.item_id)
        self.scores = _group(choice.reward.scores, lambda answer: answer.item_id)
        self.public = {(pair.source, pair.item_id): pair for pair in choice.public_pairs}


def _group(entries: Iterable[Any], name: Callable[[Any], str]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for entry in entries:
        groups[name(entry)].append(entry)
    return groups


def write_files(
    folder: Path,
    sources: Sequence[Source],
    runs: Sequence[JudgeRunFiles],
    choice: Choice,
    rules: Mapping[Category, Constitution],
    tell: Observer,
) -> dict[str, dict[str, Any]]:
    """Write all Parquet files in one more reading of the sources, and return their hashes and numbers of rows."""
    plan = _Plan(choice)
    texts = {category: (one.text, one.sha256) for category, one in rules.items()}
    held = {(entry.source, entry.item_id) for entry in choice.prompts}
    by_run = {run.name: run for run in runs}
    wanted = {
        "train.parquet": (RL, True),
        "val.parquet": (RL, any(source.part == "val" for source in sources)),
        "sft.parquet": (SFT, bool(choice.sft)),
        "preferences.parquet": (PAIRS, bool(choice.pairs or choice.public_pairs)),
        "reward_pairs.parquet": (PAIRS, bool(choice.reward.pairs)),
        "reward_scores.parquet": (SCORES, bool(choice.reward.scores)),
    }
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(RowWriter(folder / name, schema))
            for name, (schema, there) in wanted.items()
            if there
        }
        for number, source in enumerate(sources):
            for prompt in count_prompts(source.read(pictures=True), "writing", source, tell):
                if (number, prompt.item_id) not in held:
                    continue
                held.discard((number, prompt.item_id))  # a second prompt of the same name was left out as a duplicate
                released = isinstance(source, ReleasedPrompts) and source.part == "train"
                pair = plan.public.get((source.name, prompt.item_id))
                taken = (number, prompt.item_id) in choice.taken
                if not (taken or pair or (released and _has_answers(plan, prompt))):
                    continue
                assert prompt.picture is not None
                picture = keep_picture(prompt.picture)
                if taken:
                    assert prompt.category is not None
                    writer = files[f"{source.part}.parquet"]
                    writer.add(
                        make_rl_row(
                            prompt, picture, source=source.name, split=source.part, index=writer.added,
                            constitution=texts[prompt.category],
                        )
                    )  # fmt: skip
                if pair:
                    files["preferences.parquet"].add(_make_public_row(prompt, picture, source.name, pair))
                if released:
                    _write_answers(files, plan, prompt, picture, source.name, by_run, texts)
    return {name: writer.describe() for name, writer in files.items()}


def _has_answers(plan: _Plan, prompt: Prompt) -> bool:
    return any(prompt.item_id in part for part in (plan.sft, plan.pairs, plan.reward_pairs, plan.scores))


def _write_answers(
    files: Mapping[str, RowWriter],
    plan: _Plan,
    prompt: Prompt,
    picture: bytes,
    source: str,
    runs: Mapping[str, JudgeRunFiles],
    constitutions: Mapping[Category, tuple[str, str]],
) -> None:
    """Write whatever was chosen of the answers to one prompt."""
    rule = constitutions[prompt.category][0] if prompt.category else ""

    def read(answer: ScoredAnswer) -> str:
        return runs[answer.run].read_text(answer)

    for answer in plan.sft.get(prompt.item_id, ()):
        files["sft.parquet"].add(make_sft_row(prompt, picture, answer, read(answer), source=source, constitution=rule))
    for name, pairs in (("preferences.parquet", plan.pairs), ("reward_pairs.parquet", plan.reward_pairs)):
        for pair in pairs.get(prompt.item_id, ()):
            row = make_pair_row(
                prompt,
                picture,
                source=source,
                asked=pair.chosen.asked,
                texts=(read(pair.chosen), read(pair.rejected)),
                models=(pair.chosen.model, pair.rejected.model),
                scores=(pair.chosen.score, pair.rejected.score),
                gap=pair.gap,
            )
            files[name].add(row)
    for answer in plan.scores.get(prompt.item_id, ()):
        files["reward_scores.parquet"].add(make_score_row(prompt, picture, answer, read(answer), source=source))


def _make_public_row(prompt: Prompt, picture: bytes, source: str, pair: PublicPair) -> dict[str, Any]:
    said = prompt.preference
    assert said is not None
    return make_pair_row(
        prompt,
        picture,
        source=source,
        asked="",
        texts=(said.chosen.text, said.rejected.text),
        models=(said.chosen.model, said.rejected.model),
        scores=None,
        gap=pair.gap,
    )
