"""Whether an exported folder answers as the checkpoint does: log-probabilities of answers to rows of the training data.

The checkpoint is loaded without verl's merger: its shards, put together by torch, straight into the model's class, with
the processor that the training had. It answers the prompts greedily; then both rate those answers, in float32. A
folder that is a copy of the checkpoint's files is loaded and answers, too. Shape suffix: T answer tokens.
"""

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from caspo.errors import ExportRefused
from caspo.export.checkpoints import SavedStep
from caspo.export.weights import read_weights
from caspo.preflight.rows import find_trace, iterate_rows, split_turns
from caspo.reward_model.conversations import open_picture

TOLERANCE = 1e-4
"""Nats by which a log-probability may be off once the checkpoint's weights are rounded as the merger rounds them."""
ANSWER_TOKENS = 24


@dataclass(frozen=True)
class Compared:
    """What was found; differences of log-probabilities in nats, over all answer tokens."""

    rows: tuple[str, ...]
    """Item ids."""
    tokens: int
    dtype: str
    """Of the merged weights."""
    tolerance: float
    merged_max: float
    """Checkpoint rounded to `dtype` against the merged folder: what must not differ."""
    rounded_max: float
    """Checkpoint as exact as it was saved, against the merged folder: the price of `dtype`."""
    rounded_mean: float
    trained_mean: float | None
    """Checkpoint against the model that the training began with, for scale; None: that is not on this machine."""

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"rows": list(self.rows)}


@dataclass(frozen=True)
class Tried:
    """What was found of a copy."""

    rows: tuple[str, ...]
    """Item ids."""
    tokens: int
    dtype: str
    trained_mean: float | None
    """As of `Compared`."""

    def describe(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"rows": list(self.rows)}


@dataclass(frozen=True)
class _Case:
    """A prompt with pictures, and an answer to it."""

    encoded: Mapping[str, Tensor]
    answer_T: Tensor


def compare(saved: SavedStep, merged: Path, table: Path, *, start: str, rows: int = 4) -> Compared:
    """Compare a checkpoint with what became of it.

    Args:
        saved: The checkpoint.
        merged: The folder that the merger wrote.
        table: The file that was trained on.
        start: The model that the training began with; used where it is a folder of this machine.
        rows: How many rows of the table, from its beginning.

    Raises:
        ExportRefused: They differ in prompts or log-probabilities, or one of them cannot be loaded.
    """
    asked, names = _read_rows(table, rows)
    origin = _find_origin(start)
    with torch.inference_mode():
        model = _load_checkpoint(saved)
        encoded = [_encode(_load_processor(origin or saved.described), row) for _, row in asked]
        cases = [_Case(one, _answer(model, one)) for one in encoded]
        exact = [_rate(model, case) for case in cases]
        dtype = _find_dtype(merged)
        for weight in model.state_dict().values():
            weight.copy_(weight.to(dtype))
        rounded = [_rate(model, case) for case in cases]
        del model
        gc.collect()
        _check_prompts(merged, asked, encoded, names)
        found = _rate_all(_load(merged), cases)
        began = _rate_all(_load(origin), cases) if origin else None
    compared = Compared(
        rows=names,
        tokens=sum(len(case.answer_T) for case in cases),
        dtype=str(dtype).removeprefix("torch."),
        tolerance=TOLERANCE,
        merged_max=_differ(rounded, found, torch.max),
        rounded_max=_differ(exact, found, torch.max),
        rounded_mean=_differ(exact, found, torch.mean),
        trained_mean=None if began is None else _differ(exact, began, torch.mean),
    )
    if not compared.merged_max <= TOLERANCE:  # also when it is no number
        raise ExportRefused(
            f"the merged model is not the checkpoint: log-probabilities of {compared.tokens} answer tokens differ by "
            f"up to {compared.merged_max:.3g} nats, and {TOLERANCE:g} are allowed (rows {', '.join(names)}). "
            "Nothing was kept; are verl and transformers those that the run was trained with?"
        )
    return compared


def try_out(folder: Path, table: Path, *, start: str, rows: int = 4) -> Tried:
    """Load a folder as transformers does, let it answer, and rate its answers; `compare` has the arguments.

    Raises:
        ExportRefused: It lacks weights, makes other prompts than the model that the training began with, or its
            log-probabilities are no numbers.
    """
    asked, names = _read_rows(table, rows)
    origin = _find_origin(start)
    with torch.inference_mode():
        model = _load(folder)
        encoded = [_encode(_load_processor(origin or folder), row) for _, row in asked]
        _check_prompts(folder, asked, encoded, names)
        cases = [_Case(one, _answer(model, one)) for one in encoded]
        found = _rate_all(model, cases)
        del model
        gc.collect()
        began = _rate_all(_load(origin), cases) if origin else None
    if not all(bool(logp_T.isfinite().all()) for logp_T in found):
        raise ExportRefused(
            f"the model's log-probabilities of its own answers are no numbers (rows {', '.join(names)}): the training "
            "went wrong; take an earlier step"
        )
    return Tried(
        rows=names,
        tokens=sum(len(case.answer_T) for case in cases),
        dtype=str(_find_dtype(folder)).removeprefix("torch."),
        trained_mean=None if began is None else _differ(found, began, torch.mean),
    )


def _read_rows(table: Path, rows: int) -> tuple[list[tuple[int, dict[str, Any]]], tuple[str, ...]]:
    """Return the first rows with their places, and their names."""
    asked = list(islice(iterate_rows(table), rows))
    return asked, tuple(str(find_trace(row).get("item_id") or f"row {place}") for place, row in asked)


def _find_origin(start: str) -> Path | None:
    """Return the folder of the model that a training began with, if it is on this machine."""
    return Path(start) if (Path(start) / "config.json").is_file() else None


def _load_checkpoint(saved: SavedStep) -> Any:
    config = AutoConfig.from_pretrained(saved.described)
    (name,) = config.architectures or ["(none)"]
    kind = getattr(transformers, name, None)
    if kind is None:
        raise ExportRefused(f"{saved.described}/config.json names the class {name}, which transformers does not know")
    model, found = kind.from_pretrained(
        None, config=config, state_dict=read_weights(saved), dtype=torch.float32, output_loading_info=True
    )
    wrong = [f"{what} {sorted(found[what])[:3]}" for what in ("missing_keys", "unexpected_keys") if found[what]]
    if wrong:
        raise ExportRefused(f"the weights of step {saved.step} do not fit {name}: {'; '.join(wrong)}")
    return model.eval()


def _load(folder: Path) -> Any:
    model, found = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    if found["missing_keys"] or found["unexpected_keys"]:
        raise ExportRefused(
            f"{folder} lacks weights or has others: missing {sorted(found['missing_keys'])[:3]}, unexpected "
            f"{sorted(found['unexpected_keys'])[:3]}"
        )
    return model.eval()


def _load_processor(folder: Path) -> Any:
    try:
        return AutoProcessor.from_pretrained(folder)
    except Exception as exc:  # transformers raises whatever its parts raise
        raise ExportRefused(
            f"{folder} has no processor that can be loaded ({type(exc).__name__}: {exc}); copy the model's own files"
        ) from exc


def _encode(processor: Any, row: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a row's question as the model takes it, without constitution."""
    pictures = iter([open_picture(picture["bytes"]) for picture in row["images"] or []])
    content: list[dict[str, Any]] = []
    (*_, turn), _answers = split_turns(row)
    for place, text in enumerate(turn["content"].split("<image>")):
        content += [{"type": "image", "image": next(pictures)}] if place else []
        content += [{"type": "text", "text": text}] if text else []
    made = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True,
    )  # fmt: skip
    return {name: value for name, value in made.items() if isinstance(value, Tensor)}


def _answer(model: Any, encoded: Mapping[str, Tensor]) -> Tensor:
    """Return the greedy answer (T,)."""
    drawn = model.generate(**encoded, max_new_tokens=ANSWER_TOKENS, do_sample=False)
    return drawn[0, encoded["input_ids"].shape[1] :]


def _rate(model: Any, case: _Case) -> Tensor:
    """Return the answer's log-probabilities (T,)."""
    answer_T, inputs = case.answer_T, dict(case.encoded)
    inputs["input_ids"] = torch.cat([inputs["input_ids"][0], answer_T])[None]
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    if "mm_token_type_ids" in inputs:
        inputs["mm_token_type_ids"] = torch.cat([inputs["mm_token_type_ids"][0], torch.zeros_like(answer_T)])[None]
    logits = model(**inputs, use_cache=False).logits[0, -len(answer_T) - 1 : -1].double()
    return logits.log_softmax(-1).gather(-1, answer_T[:, None])[:, 0]


def _rate_all(model: Any, cases: Iterable[_Case]) -> list[Tensor]:
    return [_rate(model, case) for case in cases]


def _find_dtype(merged: Path) -> torch.dtype:
    """Return the type of the folder's weights."""
    told = AutoConfig.from_pretrained(merged).dtype
    return told if isinstance(told, torch.dtype) else torch.bfloat16


def _check_prompts(
    folder: Path,
    asked: Sequence[tuple[int, Mapping[str, Any]]],
    wanted: Sequence[dict[str, Tensor]],
    names: Sequence[str],
) -> None:
    """Refuse a folder whose processor or chat template makes other tokens or pixels of a prompt."""
    processor = _load_processor(folder)
    for (_, row), before, name in zip(asked, wanted, names, strict=True):
        after = _encode(processor, row)
        other = [key for key in before.keys() | after.keys() if not _same(before.get(key), after.get(key))]
        if other:
            raise ExportRefused(
                f"the folder's processor makes other {', '.join(sorted(other))} of {name} than the training's: "
                "its chat template, tokenizer or picture sizes are not those that the model was trained with"
            )


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and torch.equal(one, other)


def _differ(one: Sequence[Tensor], other: Sequence[Tensor], by: Callable[[Tensor], Tensor]) -> float:
    return float(by((torch.cat(list(one)) - torch.cat(list(other))).abs()))
