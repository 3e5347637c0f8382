"""A vision-language model of the Qwen-VL kind with its processor: prompts to tensors, answers to log-probabilities.

Shape suffixes: B rows, P prompt tokens (padded left), T answer tokens (padded right), L = P + T, N picture patches,
V vocabulary, 3 the axes of Qwen-VL's positions (time, height, width). An answer's end token is one of its tokens.

What a model must never write in an answer (the picture's placeholders and all other special tokens, and rows of the
vocabulary without a token) is left out of its distribution, in sampling and in scoring alike.
"""

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from caspo.errors import SampleInvalid
from caspo.local import reading
from caspo.local.samples import Prompt


@dataclass(frozen=True)
class Vlm:
    """A model and the processor that fits it."""

    model: Any
    """E.g. a `Qwen2_5_VLForConditionalGeneration`."""
    processor: Any

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer

    @property
    def text_model(self) -> Any:
        """The part that reads embedded tokens."""
        return self.model.model.language_model

    @cached_property
    def banned(self) -> tuple[int, ...]:
        """Token ids that no answer may hold."""
        known = self.tokenizer.added_tokens_decoder
        special = {number for number, token in known.items() if token.special} - {self.tokenizer.eos_token_id}
        beyond = range(len(self.tokenizer), self.model.config.get_text_config().vocab_size)
        return tuple(sorted({*special, *beyond}))


@dataclass(frozen=True)
class EncodedPrompts:
    """Prompts as tensors, each with one picture."""

    ids_BP: Tensor
    attention_BP: Tensor
    positions_3BP: Tensor
    pixels: Tensor
    """(N, patch size), all pictures one after the other."""
    grid_B3: Tensor
    """Patches of each picture in time, height and width."""
    times: int = 1
    """Rows next to each other that share a picture: `pixels` and `grid_B3` have each picture once."""
    seen_KH: Tensor | None = None
    """What a vision tower made of the pictures, where `look` was called; else each pass looks anew."""

    def repeat(self, times: int) -> "EncodedPrompts":
        """Return every row `times` times, next to itself. Its picture is then looked at once for all of them."""
        return EncodedPrompts(
            self.ids_BP.repeat_interleave(times, 0),
            self.attention_BP.repeat_interleave(times, 0),
            self.positions_3BP.repeat_interleave(times, 1),
            self.pixels,
            self.grid_B3,
            times * self.times,
            self.seen_KH,
        )

    def spread_pictures(self) -> tuple[Tensor, Tensor]:
        """Return pixels and grid with a picture for each row."""
        pictures = self.pixels.split(self.grid_B3.prod(1).tolist())
        pixels = torch.cat([picture for picture in pictures for _ in range(self.times)])
        return pixels, self.grid_B3.repeat_interleave(self.times, 0)


@dataclass(frozen=True)
class AnswerScores:
    """What a model says of each token of the answers; anything where the mask is 0."""

    logp_BT: Tensor
    entropy_BT: Tensor
    """Of the distribution that the token stands in, in nats. No gradient."""


def encode_prompts(vlm: Vlm, prompts: Sequence[Prompt], *, guided: bool | Sequence[bool]) -> EncodedPrompts:
    """Return the prompts as the model's own processor and chat template make them, padded left.

    Args:
        vlm: The model.
        prompts: At least one.
        guided: Whether the constitution stands before the query as a system turn, for all or for each.

    Raises:
        SampleInvalid: A text holds an unknown word, or a prompt to be guided has no constitution.
    """
    flags = [guided] * len(prompts) if isinstance(guided, bool) else list(guided)
    texts = [_render(vlm, prompt, flag) for prompt, flag in zip(prompts, flags, strict=True)]
    pictures = [_check_picture(prompt.picture) for prompt in prompts]
    made = vlm.processor(text=texts, images=pictures, padding=True, padding_side="left", return_tensors="pt")
    made = {name: value.to(vlm.device) for name, value in made.items()}
    ids_BP, attention_BP, grid_B3 = made["input_ids"], made["attention_mask"], made["image_grid_thw"]
    _check_known(vlm, ids_BP, texts)
    positions_3BP, _ = vlm.model.model.get_rope_index(
        input_ids=ids_BP,
        mm_token_type_ids=find_pictures(vlm, ids_BP),
        image_grid_thw=grid_B3,
        attention_mask=attention_BP,
    )
    return EncodedPrompts(ids_BP, attention_BP, positions_3BP, made["pixel_values"], grid_B3)


def look(vlm: Vlm, prompts: EncodedPrompts) -> EncodedPrompts:
    """Return the prompts with what the model's vision tower makes of their pictures, without gradient."""
    with torch.no_grad():
        return replace(prompts, seen_KH=_see(vlm, prompts))


def encode_answers(vlm: Vlm, answers: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return (ids_BT, mask_BT) of answers with their end token, padded right.

    Raises:
        SampleInvalid: An answer holds a word that the tokenizer does not know, or a special token.
    """
    rows = vlm.tokenizer(list(answers), add_special_tokens=False)["input_ids"]
    banned = frozenset(vlm.banned)
    for text, row in zip(answers, rows, strict=True):
        if wrong := banned.intersection(row):
            named = vlm.tokenizer.convert_ids_to_tokens(min(wrong))
            raise SampleInvalid(f"the answer {text!r} holds {named}: use words of the tokenizer, and no special token")
    longest = max(map(len, rows)) + 1
    ids_BT = torch.full((len(rows), longest), vlm.tokenizer.pad_token_id)
    mask_BT = torch.zeros(ids_BT.shape, dtype=torch.bool)
    for number, row in enumerate(rows):
        ids_BT[number, : len(row) + 1] = torch.tensor([*row, vlm.tokenizer.eos_token_id])
        mask_BT[number, : len(row) + 1] = True
    return ids_BT.to(vlm.device), mask_BT.to(vlm.device)


def decode_answers(vlm: Vlm, ids_BT: Tensor, mask_BT: Tensor) -> list[str]:
    """Return the texts of answers without their end token."""
    rows = [row[kept].tolist() for row, kept in zip(ids_BT, mask_BT, strict=True)]
    return [str(vlm.tokenizer.decode(row, skip_special_tokens=True)) for row in rows]


def read_prompts(vlm: Vlm, prompts: EncodedPrompts) -> reading.ReadPrompts:
    """Return what the model knows after the prompts, each read once for all rows that share it."""
    once = slice(None, None, prompts.times)
    ids_UP = prompts.ids_BP[once]
    return reading.read_prompts(
        vlm.text_model, _embed(vlm, prompts, ids_UP), prompts.attention_BP[once], prompts.positions_3BP[:, once],
        times=prompts.times,
    )  # fmt: skip


def read_states(vlm: Vlm, prompts: EncodedPrompts, ids_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
    """Return (B, T, H) states of the last layer: before each token of the answers, which foretell it, and at it."""
    if prompts.times == 1:
        return _read_at_once(vlm, prompts, ids_BT, mask_BT)
    read = read_prompts(vlm, prompts)
    states_BTH = reading.read_on(vlm.text_model, read, vlm.model.get_input_embeddings(), ids_BT, mask_BT)
    last_B1H = read.last_UH.repeat_interleave(prompts.times, 0)[:, None]
    return torch.cat([last_B1H, states_BTH[:, :-1]], 1), states_BTH


def _read_at_once(vlm: Vlm, prompts: EncodedPrompts, ids_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
    ids_BL = torch.cat([prompts.ids_BP, ids_BT], 1)
    next_B = reading.find_next(prompts.positions_3BP, prompts.attention_BP)
    after_BT = next_B[:, None] + torch.arange(ids_BT.shape[1], device=ids_BT.device)
    states_BLH = vlm.text_model(
        inputs_embeds=_embed(vlm, prompts, ids_BL),
        attention_mask=torch.cat([prompts.attention_BP, mask_BT.to(prompts.attention_BP.dtype)], 1),
        position_ids=torch.cat([prompts.positions_3BP, after_BT.expand(3, -1, -1)], 2),
        use_cache=False,
    ).last_hidden_state
    states_BTH = states_BLH[:, prompts.ids_BP.shape[1] - 1 :]
    return states_BTH[:, :-1], states_BTH[:, 1:]


def score_answers(
    vlm: Vlm, prompts: EncodedPrompts, ids_BT: Tensor, mask_BT: Tensor, *, temperature: float = 1.0
) -> AnswerScores:
    """Return log-probability and entropy of each answer token, in float32, with gradient where it is enabled.

    Args:
        vlm: The model.
        prompts: Encoded for this model, guided or not.
        ids_BT: Answers of `encode_answers` or of `rollout.sample_answers`.
        mask_BT: 1 where a token counts.
        temperature: Of the distribution that is meant.
    """
    mask_BT = mask_BT.bool()
    logp_NV = _read_logits(vlm, prompts, ids_BT, mask_BT, temperature).log_softmax(-1)
    with torch.no_grad():
        entropy_N = measure_entropy(logp_NV)
    logp_N = logp_NV.gather(-1, ids_BT[mask_BT][:, None])[:, 0]
    return AnswerScores(_unpack(logp_N, mask_BT), _unpack(entropy_N, mask_BT, elsewhere=0.0))


def read_distributions(
    vlm: Vlm, prompts: EncodedPrompts, ids_BT: Tensor, mask_BT: Tensor, *, temperature: float = 1.0
) -> Tensor:
    """Return (N, V) log-probabilities of every token at the N places of the answers whose mask is 1, row by row.

    Arguments as of `score_answers`.
    """
    return _read_logits(vlm, prompts, ids_BT, mask_BT.bool(), temperature).log_softmax(-1)


def rate_tokens(
    vlm: Vlm, prompts: EncodedPrompts, ids_BT: Tensor, mask_BT: Tensor, *, temperature: float = 1.0
) -> Tensor:
    """Return (B, T) log-probabilities of the answers' tokens, as `score_answers` does, without entropy: cheaper."""
    mask_BT = mask_BT.bool()
    logits_NV = _read_logits(vlm, prompts, ids_BT, mask_BT, temperature)
    logp_N = logits_NV.gather(-1, ids_BT[mask_BT][:, None])[:, 0] - logits_NV.logsumexp(-1)
    return _unpack(logp_N, mask_BT)


def _read_logits(vlm: Vlm, prompts: EncodedPrompts, ids_BT: Tensor, mask_BT: Tensor, temperature: float) -> Tensor:
    before_BTH, _ = read_states(vlm, prompts, ids_BT, mask_BT)
    logits_NV = vlm.model.get_output_embeddings()(before_BTH[mask_BT]).float()
    return restrict_logits(vlm, logits_NV, temperature)


def _unpack(found_N: Tensor, mask_BT: Tensor, *, elsewhere: float = -torch.inf) -> Tensor:
    """Return (B, T) with what was found where the mask is 1; minus infinity elsewhere betrays who forgets the mask."""
    return found_N.new_full(mask_BT.shape, elsewhere).masked_scatter(mask_BT, found_N)


def measure_entropy(logp_V: Tensor) -> Tensor:
    """Return entropies of distributions (..., V) in nats; what is banned adds nothing."""
    return -(logp_V.exp() * _hold(logp_V)).sum(-1)


def diverge(logp_V: Tensor, reference_V: Tensor) -> Tensor:
    """Return KL(first || second) of distributions (..., V), in nats; what is banned in both adds nothing."""
    return (logp_V.exp() * (_hold(logp_V) - _hold(reference_V))).sum(-1)


def _hold(logp_V: Tensor) -> Tensor:
    """Return the log-probabilities with the lowest number for minus infinity, so that times 0 gives 0."""
    return logp_V.clamp(min=torch.finfo(logp_V.dtype).min)


def restrict_logits(vlm: Vlm, logits: Tensor, temperature: float) -> Tensor:
    """Return logits (..., V) at a temperature, with minus infinity for what no answer may hold."""
    banned = torch.tensor(vlm.banned, device=logits.device)
    return (logits / temperature).index_fill(-1, banned, -torch.inf)


def find_pictures(vlm: Vlm, ids: Tensor) -> Tensor:
    """Return 1 where a token stands for a piece of a picture, else 0."""
    return (ids == vlm.model.config.image_token_id).to(torch.int32)


def save_vlm(vlm: Vlm, folder: Path) -> None:
    """Write model and processor so that `load_vlm` and transformers' Auto classes read them."""
    vlm.model.save_pretrained(folder)
    vlm.processor.save_pretrained(folder)


def load_vlm(folder: Path, *, device: str = "cpu") -> Vlm:
    """Return the model of a folder in float32, in evaluation mode."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    return Vlm(model.to(device).eval(), AutoProcessor.from_pretrained(folder))


def copy_frozen(vlm: Vlm) -> Vlm:
    """Return a copy of the model as it is now that no training changes."""
    model = copy.deepcopy(vlm.model).eval()
    return Vlm(model.requires_grad_(False), vlm.processor)


def copy_trainable(vlm: Vlm) -> Vlm:
    """Return a copy of the model as it is now that a training may change, all of it."""
    return Vlm(copy.deepcopy(vlm.model).requires_grad_(True), vlm.processor)


def hash_weights(module: torch.nn.Module) -> str:
    """Return the sha256 of all weights and their names."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _render(vlm: Vlm, prompt: Prompt, guided: bool) -> str:
    if guided and not prompt.constitution:
        raise SampleInvalid(f"the prompt {prompt.query!r} has no constitution: give one, or do not ask for it")
    turns: list[dict[str, Any]] = [{"role": "system", "content": prompt.constitution}] if guided else []
    turns.append({"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt.query}]})
    return str(vlm.processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))


def _check_picture(picture: np.ndarray) -> np.ndarray:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise SampleInvalid(
            f"a picture has shape {picture.shape} and dtype {picture.dtype}: pass (height, width, 3) bytes"
        )
    return picture


def _check_known(vlm: Vlm, ids_BP: Tensor, texts: Sequence[str]) -> None:
    unknown = vlm.tokenizer.unk_token_id
    if unknown is None or not bool((ids_BP == unknown).any()):
        return
    row = int((ids_BP == unknown).any(1).nonzero()[0])
    known = vlm.tokenizer.get_vocab()
    words = [word for word in texts[row].replace("<|", " <|").replace("|>", "|> ").split() if word not in known]
    raise SampleInvalid(f"the tokenizer does not know {', '.join(map(repr, words))}: add to the model's vocabulary")


def _embed(vlm: Vlm, prompts: EncodedPrompts, ids_UP: Tensor) -> Tensor:
    """Return (U, P, H) embeddings, with what the vision tower sees where the picture's placeholders stand."""
    seen_KH = _see(vlm, prompts) if prompts.seen_KH is None else prompts.seen_KH
    embedded_UPH = vlm.model.get_input_embeddings()(ids_UP)
    places_UP1 = (find_pictures(vlm, ids_UP) == 1)[..., None]
    return embedded_UPH.masked_scatter(places_UP1, seen_KH.to(embedded_UPH.dtype))


def _see(vlm: Vlm, prompts: EncodedPrompts) -> Tensor:
    return torch.cat(list(vlm.model.model.get_image_features(prompts.pixels, prompts.grid_B3).pooler_output))
