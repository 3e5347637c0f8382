"""Checks of the training data: what ends a run in its middle, or spoils it without a word."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from caspo.config import RunConfig, TrainConfig
from caspo.dataset.gate import BenchmarkGate
from caspo.dataset.sources import Prompt, can_decode
from caspo.errors import TrainingRefused
from caspo.launch import read_manifest
from caspo.preflight.finding import Case, Finding, error, note, warn
from caspo.preflight.rows import TrainRow, find_trace, iterate_rows, split_turns
from caspo.sft import SftConfig
from storage.images import MAX_HAMMING_BITS
from storage.records import Category
from storage.release_files import hash_file

CONTROL = (
    "<|image_pad|>",
    "<|video_pad|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|im_start|>",
    "<|im_end|>",
    "<video>",
)
QUERY_THRESHOLD = 0.85
TWIN_SLACK = 0.05
_NO_LICENCE = frozenset({"", "unknown", "none", "proprietary", "all rights reserved"})
_REMADE = "make the training data anew with `curator caspo prepare`"
_AT_ONCE = 64


def check_files(case: Case[RunConfig]) -> Iterator[Finding]:
    """What the run is pinned to has to be what is trained on."""
    try:
        manifest = read_manifest(case.config.data.folder)
    except TrainingRefused as exc:
        yield error("training data", str(exc), "set data.folder to a folder of `curator caspo prepare`")
        return
    wanted = {case.config.table, "val.parquet"} if case.config.stage == "train" else {case.config.table}
    if case.config.table not in manifest.get("files", {}):
        yield error(
            "training data",
            f"{case.config.data.folder} has no {case.config.table}",
            "prepare it from judge runs or public data whose answers can be used (docs/training-data.md)",
        )
        return
    for name, told in sorted(manifest.get("files", {}).items()):
        path = case.config.data.folder / name
        if name in wanted and not (path.is_file() and _is_same(path, told)):
            yield error("training data", f"{path} is missing or is not the file that its manifest names", _REMADE)
    if not manifest.get("constitution_sha256"):
        yield error("training data", f"{case.config.data.folder}/manifest.json names no constitutions", _REMADE)
    if len(case.rows) * case.config.times < case.config.rows_per_step:
        train = case.config.stage == "train"
        name = "data.prompts_per_step" if train else "update.rows x update.accumulation x GPUs"
        yield error(
            "training data",
            f"{len(case.rows)} rows are fewer than {name}={case.config.rows_per_step}: there would be no step",
            f"lower {'data.prompts_per_step' if train else 'update.accumulation'}, or add data",
        )


def _is_same(path: Any, told: dict[str, Any]) -> bool:
    return bool(hash_file(path)["sha256"] == told.get("sha256"))


def check_placeholders(case: Case[RunConfig]) -> Iterator[Finding]:
    """Count pictures: verl asserts in the middle of a run that each picture has its `<image>`."""
    wrong = [row for row in case.rows if row.markers != len(row.sizes)]
    if wrong:
        first = wrong[0]
        yield error(
            "placeholders",
            f"{_count(wrong)}: {first.item_id} has {first.markers} `<image>` and {len(first.sizes)} pictures",
            f"{_REMADE}; in rows of your own, write one `<image>` for each picture",
        )


def check_control_tokens(case: Case[RunConfig]) -> Iterator[Finding]:
    """A token of the chat template in a question makes pictures and their tokens differ in number."""
    wrong = [(row, token) for row in case.rows for token in CONTROL if token in row.words]
    if wrong:
        row, token = wrong[0]
        yield error(
            "control tokens", f"{_count(wrong)}: {row.item_id} has {token!r} in its text", f"take it out, or {_REMADE}"
        )


def check_pictures(case: Case[RunConfig]) -> Iterator[Finding]:
    """A picture that cannot be opened ends the run at its row."""
    wrong = [row for row in case.rows if (0, 0) in row.sizes]
    if wrong:
        yield error("pictures", f"{_count(wrong)}: a picture of {wrong[0].item_id} cannot be opened", _REMADE)
    if without := [row for row in case.rows if not row.sizes]:
        yield warn("pictures", f"{_count(without)} without a picture, {without[0].item_id} say", "leave them out")


def check_constitutions(case: Case[TrainConfig]) -> Iterator[Finding]:
    """CASPO needs one for each row, and puts it where a system turn would stand."""
    if case.config.choose().mode == "outcome":
        return
    if wrong := [row for row in case.rows if not row.constitution.strip()]:
        yield error("constitutions", f"{_count(wrong)} without a constitution, {wrong[0].item_id} say", _REMADE)
    if wrong := [row for row in case.rows if "system" in row.roles]:
        yield error(
            "constitutions",
            f"{_count(wrong)} with a system turn, {wrong[0].item_id} say: the constitution takes its place",
            "take the system turns out",
        )


def check_prompt_form(case: Case[RunConfig]) -> Iterator[Finding]:
    """SFT under the constitution needs one for each row."""
    config = case.config
    if not isinstance(config, SftConfig) or config.data.prompt == "standard":
        return
    if wrong := [row for row in case.rows if not row.constitution.strip()]:
        yield error(
            "constitutions",
            f"data.prompt={config.data.prompt} and {_count(wrong)} without a constitution, {wrong[0].item_id} say",
            f"set data.prompt=standard, or {_REMADE}",
        )


def check_split(case: Case[TrainConfig]) -> Iterator[Finding]:
    """Held-out rows measure a run, and are not trained on."""
    wrong = [row for row in case.rows if row.split != "train"]
    if wrong:
        yield error("split", f"{_count(wrong)} of the split {wrong[0].split!r}, {wrong[0].item_id} say", _REMADE)


def check_twins(case: Case[TrainConfig]) -> Iterator[Finding]:
    """The method's share of harmless twins keeps a model from warning of everything."""
    wanted = case.config.chosen_method.twin_share
    share = sum(row.twin for row in case.rows) / max(len(case.rows), 1)
    if abs(share - wanted) > TWIN_SLACK:
        yield warn(
            "twins",
            f"{share:.0%} of the rows are harmless twins, and the method {case.config.method} asks for {wanted:.0%}",
            f"prepare with --twin-share {wanted}, or set changes.twin_share={share:.2f} if it is meant so",
        )


def check_licences(case: Case[RunConfig]) -> Iterator[Finding]:
    """Whoever trains on pictures needs a licence for each source."""
    try:
        sources = read_manifest(case.config.data.folder).get("sources", [])
    except TrainingRefused:
        return
    for source in sources:
        if source.get("kind") == "judge_run":
            continue
        licences = source.get("licences") or {source.get("licence") or "": None}
        for licence in sorted(licences):
            if licence.strip().casefold() in _NO_LICENCE:
                yield error(
                    "licences",
                    f"the source {source.get('name')} has pictures under {licence or 'no licence'!r}",
                    "leave it out, or name the licence that you have (`licence:` of a public source)",
                )
            elif "NC" in licence.replace("-", " ").split() or "non-commercial" in licence.casefold():
                yield note(
                    "licences",
                    f"{source.get('name')} is under {licence}: no commercial use",
                    "leave the source out if the model is to be sold",
                )


def check_contamination(case: Case[RunConfig]) -> Iterator[Finding]:
    """A model that has trained on a benchmark cannot be measured by it."""
    if not case.barred:
        yield note(
            "contamination",
            "no benchmark release or imported benchmark is known here, so nothing was compared",
            "name benchmark releases with --benchmark",
        )
        return
    gate = BenchmarkGate(
        case.barred, embeddings=case.embeddings, query_threshold=QUERY_THRESHOLD, picture_bits=MAX_HAMMING_BITS
    )
    found: list[str] = []
    held: list[Prompt] = []
    for _, row in iterate_rows(case.table) if case.table.is_file() else ():
        held += _read_prompts(row)
        if len(held) >= _AT_ONCE:
            found += _match(gate, held)
            held = []
    found += _match(gate, held)
    if found:
        yield error(
            "contamination",
            f"{len(found)} rows match what models are measured with: {found[0]}",
            "prepare the training data with --drop-matches",
        )


def _match(gate: BenchmarkGate, prompts: Sequence[Prompt]) -> list[str]:
    """Return what of the prompts matches, in words."""
    pairs = zip(prompts, gate.check(prompts), strict=True)
    return [f"{prompt.item_id}: {match.words}" for prompt, match in pairs if match is not None]


def _read_prompts(row: dict[str, Any]) -> list[Prompt]:
    """Return a prompt for each of a row's pictures that can be opened."""
    told, pictures = find_trace(row), [one.get("bytes") or b"" for one in row.get("images") or []]
    query = "\n".join(str(turn.get("content") or "") for turn in split_turns(row)[0]).replace("<image>", "")
    category = str(told.get("category") or "")
    return [
        Prompt(
            item_id=str(told.get("item_id") or ""),
            query=query.strip(),
            category=Category(category) if category in set(Category) else None,
            own_category=category,
            image_sha256=hashlib.sha256(data).hexdigest(),
            licence="",
            picture=data,
            twin=bool(told.get("twin")),
        )
        for data in pictures
        if can_decode(data)
    ]


def _count(rows: Sequence[TrainRow] | Sequence[tuple[TrainRow, str]]) -> str:
    return f"{len(rows)} row{'s' if len(rows) != 1 else ''}"


SHARED: tuple[Callable[[Case[RunConfig]], Iterator[Finding]], ...] = (
    check_files, check_placeholders, check_control_tokens, check_pictures, check_prompt_form, check_licences,
    check_contamination,
)  # fmt: skip
RL: tuple[Callable[[Case[TrainConfig]], Iterator[Finding]], ...] = (check_constitutions, check_split, check_twins)
