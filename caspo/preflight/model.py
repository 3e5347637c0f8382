"""Checks with the model's own files and processor; they run where its folder is there, and load no weights."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from caspo.config import ConversationsConfig, RunConfig, TrainConfig, VerlConfig
from caspo.preflight.finding import Case, Finding, error, note
from caspo.preflight.rows import TrainRow, iterate_rows, split_turns
from caspo.sft import SftConfig

_TURN = 8
"""Tokens that a turn of a chat template has beside its text, at most."""
_TYPES = {"qwen2.5-vl": "qwen2_5_vl", "qwen3-vl": "qwen3_vl"}


def check_model(case: Case[RunConfig]) -> Iterator[Finding]:
    """The folder has to hold what the config says."""
    config = case.config
    if case.model_folder is None:
        yield note(
            "model",
            f"model.path={config.model.path!r} is no folder with a config.json on this machine, so neither processor "
            "nor lengths were checked",
            "run preflight where the model is",
        )
        return
    told = _read_config(case.model_folder)
    kind = told.get("model_type")
    if kind != _TYPES[config.model.family]:
        yield error(
            "model",
            f"{config.model.path} is a {kind}, and model.family={config.model.family}",
            "set model.family, or take a preset of that family",
        )
    patch = (told.get("vision_config") or {}).get("patch_size")
    overrides = config.overrides if isinstance(config, VerlConfig) else ()
    asked = [one for one in overrides if one.startswith("data.image_patch_size=")]
    used = int(asked[-1].partition("=")[2]) if asked else config.model.patch_size
    if patch is not None and patch != used:
        yield error(
            "patch size",
            f"data.image_patch_size={used}, and the model's patches are of {patch} pixels: verl would count a prompt's "
            "tokens wrongly and drop prompts without a word",
            f"set data.image_patch_size={patch} (verl's own default is 14; Qwen3-VL has 16)",
        )


def check_teacher(case: Case[TrainConfig]) -> Iterator[Finding]:
    """The model before SFT has to be there, when it is the teacher."""
    original = case.config.choose().original_model
    if original is not None and case.model_folder is not None and not (Path(original) / "config.json").exists():
        yield error("teacher", f"changes.original_model={original!r} is no folder of a model", "give its folder")


def check_processor(case: Case[RunConfig]) -> Iterator[Finding]:
    """Where the processor cannot be loaded, verl goes on with text only, without a word."""
    if case.model_folder is None:
        return
    found = case.processor
    if isinstance(found, ModuleNotFoundError) and found.name == "transformers":
        yield note(
            "processor",
            "transformers is not installed here, so neither processor nor lengths were checked",
            "run preflight where verl is installed (`make setup-models`), as the training has to be",
        )
    elif isinstance(found, Exception) or getattr(found, "image_processor", None) is None:
        why = f"{type(found).__name__}: {found}" if isinstance(found, Exception) else "it is only a tokenizer"
        yield error(
            "processor",
            f"{case.config.model.path} has no processor that reads pictures ({why[:300]}): verl would train on "
            "the text alone",
            "install torchvision and qwen-vl-utils, and copy preprocessor_config.json and its like from the original "
            "model",
        )


def check_image_tokens(case: Case[RunConfig]) -> Iterator[Finding]:
    """What the processor puts for a picture has to be as many tokens as the vision tower gives."""
    if not _has_processor(case) or not case.rows:
        return
    for place, row in iterate_rows(case.table):
        if case.rows[place].sizes and case.rows[place].markers == len(case.rows[place].sizes):
            try:
                tokens, wanted = _count_really(case.processor, row)
            except (ValueError, KeyError, IndexError, TypeError, OSError, StopIteration) as exc:
                # The last one where a template writes more places than there are pictures (transformers 5.10).
                why = str(exc) or "its chat template has another number of places for pictures than there are pictures"
                yield error(
                    "image tokens", f"{case.rows[place].item_id}: {why}", "copy the model's processor files anew"
                )
                return
            if tokens != wanted:
                yield error(
                    "image tokens",
                    f"{case.rows[place].item_id} has {tokens} image tokens, and its pictures make {wanted}",
                    "copy the model's processor files anew",
                )
            return


def check_lengths(case: Case[TrainConfig]) -> Iterator[Finding]:
    """Prompts over the limit are dropped without a word; a constitution must still fit what the model can read."""
    if not _has_processor(case):
        return
    data = case.config.data
    lengths = [measure_prompt(case.processor, row) for row in case.rows]
    over = [length for length in lengths if length > data.max_prompt_tokens]
    if over:
        yield error(
            "lengths",
            f"{len(over)} of {len(lengths)} prompts have more than data.max_prompt_tokens={data.max_prompt_tokens} "
            f"tokens, up to {max(over)}, and would be dropped",
            f"set data.max_prompt_tokens={max(over)}, or make the pictures smaller (size.longest_edge in the model's "
            "preprocessor_config.json, which verl and vLLM both read)",
        )
    most = _find_context(case)
    known: dict[str, int] = {}
    for row in case.rows:
        if row.constitution not in known:
            known[row.constitution] = len(case.processor.tokenizer(row.constitution)["input_ids"])
    whole = [
        length + known[row.constitution] + data.max_response_tokens
        for length, row in zip(lengths, case.rows, strict=True)
    ]
    if most is not None and (beyond := [length for length in whole if length > most]):
        yield error(
            "lengths",
            f"{len(beyond)} of {len(whole)} prompts have with constitution and answer up to {max(beyond)} tokens, and "
            f"the model reads {most} (max_position_embeddings)",
            f"lower data.max_response_tokens by {max(beyond) - most}, shorten the constitutions, or make the pictures "
            "smaller",
        )


def check_conversations(case: Case[ConversationsConfig]) -> Iterator[Finding]:
    """A row that is too long ends SFT at its batch; with DPO its answers are cut, without a word."""
    if not _has_processor(case) or not case.rows:
        return
    config, tokenizer = case.config, case.processor.tokenizer
    guided = isinstance(config, SftConfig) and config.data.prompt != "standard"

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    known = {row.constitution: count(row.constitution) + _TURN if guided else 0 for row in case.rows}
    lengths = [
        measure_prompt(case.processor, row) + known[row.constitution] + max(map(count, row.answers), default=0) + _TURN
        for row in case.rows
    ]
    if over := [length for length in lengths if length > config.data.max_tokens]:
        yield error(
            "lengths",
            f"{len(over)} of {len(lengths)} rows have more than data.max_tokens={config.data.max_tokens} tokens, up to "
            f"{max(over)}",
            f"set data.max_tokens={max(over)}, or make the pictures smaller (size.longest_edge in the model's "
            "preprocessor_config.json)",
        )
    most = _find_context(case)
    if most is not None and max(lengths) > most:
        yield error(
            "lengths",
            f"a row has {max(lengths)} tokens, and the model reads {most} (max_position_embeddings)",
            "make the pictures smaller, or leave the longest answers out",
        )


def measure_prompt(processor: Any, row: TrainRow) -> int:
    """Return the tokens of a prompt as the policy reads it, pictures in, without opening them again."""
    picture = {"type": "image"}
    content = [*[picture for _ in row.sizes], {"type": "text", "text": row.text.replace("<image>", "")}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    side = processor.image_processor.merge_size**2
    pictures = sum(
        processor.image_processor.get_number_of_image_patches(height, width, {}) // side
        for width, height in row.sizes
        if width
    )
    return len(processor.tokenizer(text, add_special_tokens=False)["input_ids"]) - len(row.sizes) + int(pictures)


def _count_really(processor: Any, row: dict[str, Any]) -> tuple[int, int]:
    """Return the image tokens of a row, and how many its pictures make, by the processor itself."""
    pictures = [Image.open(BytesIO(one["bytes"])).convert("RGB") for one in row["images"]]
    text = "\n".join(turn["content"] for turn in split_turns(row)[0]).replace("<image>", "")
    content = [*[{"type": "image", "image": one} for one in pictures], {"type": "text", "text": text}]
    made = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, return_dict=True, return_tensors="np"
    )
    token = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    merged = processor.image_processor.merge_size**2
    tokens = int((made["input_ids"] == token).sum())
    return tokens, sum(int(grid.prod()) // merged for grid in made["image_grid_thw"])


def _has_processor(case: Case[RunConfig]) -> bool:
    return case.model_folder is not None and getattr(case.processor, "image_processor", None) is not None


def _find_context(case: Case[RunConfig]) -> int | None:
    assert case.model_folder is not None
    told = _read_config(case.model_folder)
    most = (told.get("text_config") or told).get("max_position_embeddings")
    return int(most) if most is not None else None


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return told


SHARED: tuple[Callable[[Case[RunConfig]], Iterator[Finding]], ...] = (
    check_model, check_processor, check_image_tokens,
)  # fmt: skip
RL: tuple[Callable[[Case[TrainConfig]], Iterator[Finding]], ...] = (check_teacher, check_lengths)
CONVERSATIONS: tuple[Callable[[Case[ConversationsConfig]], Iterator[Finding]], ...] = (check_conversations,)
