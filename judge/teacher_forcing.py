"""One answer under two distributions: what two models, or two prompts, make of each of its tokens.

The answer's tokens are given to both sides, none is sampled (teacher forcing). One answer goes through at a time and
without padding, so that any model with a chat template can be used as it is. Needs torch and transformers.

Shapes: T tokens of the answer, V rows of the vocabulary, P tokens of the prompt.
"""

import inspect
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from endpoints.local_models import Precision, choose_device, choose_precision, explain_load, find_weights, shown_name
from judge.errors import AnswerUnusable, ShiftInvalid
from judge.given_answers import GivenAnswer

Direction = Literal["forward", "reverse"]
_POSITIONS_AT_ONCE = 64
"""Rows of the vocabulary's width that are worked on at once, so that a long answer does not triple its memory."""


@dataclass(frozen=True)
class LocalModel:
    """A model in this process."""

    name: str
    model: Any
    processor: Any
    """Its processor, or its tokenizer when it sees no pictures."""
    sees: bool

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, also where a processor holds it."""
        return self.processor.tokenizer if self.sees else self.processor

    @cached_property
    def longest(self) -> int | None:
        """Tokens that the model can read; None when it does not say."""
        found = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return int(found) if found else None

    @cached_property
    def keeps_last(self) -> bool:
        """Whether the model can be told to give the logits of the last positions only."""
        return "logits_to_keep" in inspect.signature(self.model.forward).parameters


@dataclass(frozen=True)
class Side:
    """A model, and the constitutions that stand before its queries; by category, none when it is empty."""

    model: LocalModel
    constitutions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ShiftedPositions:
    """What lies between two distributions at each token of an answer."""

    spans: list[tuple[int, int]]
    """First character and the one after the last."""
    kl: list[float]
    """Divergence of the two distributions, in nats."""
    delta: list[float]
    """log pi - log pi_ref of the token itself."""
    raised: list[str]
    """The token that adds most to KL(pi || pi_ref): what pi would rather say here."""


def load_model(source: str, *, device: str = "auto", dtype: Literal["auto"] | Precision = "float32") -> LocalModel:
    """Load a causal language model, or a vision-language model with its processor, by transformers.

    Raises:
        BadConfig: it cannot be loaded.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    what = f"token shift of {shown_name(source)}"
    weights = find_weights(what, source)
    place = choose_device(what, device)
    try:
        sees = AutoConfig.from_pretrained(weights).model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
        kind, reader = (AutoModelForImageTextToText, AutoProcessor) if sees else (AutoModelForCausalLM, AutoTokenizer)
        model = kind.from_pretrained(weights, dtype=choose_precision(dtype, place)).to(place).eval()
        return LocalModel(shown_name(source), model, reader.from_pretrained(weights), sees)
    except Exception as exc:  # a dozen kinds from several libraries; all mean that this model cannot be used
        raise explain_load(what, shown_name(source), exc, too_large="take a smaller one, or `bfloat16`") from exc


def check_comparable(one: LocalModel, other: LocalModel) -> None:
    """Check that two models cut texts alike.

    Raises:
        ShiftInvalid: their vocabularies differ, so that no token of one stands for the same token of the other.
    """
    if one is not other and one.tokenizer.get_vocab() != other.tokenizer.get_vocab():
        raise ShiftInvalid(
            f"{one.name} and {other.name} have different vocabularies; a token's shift exists only between models with "
            "the same, such as a model and what was trained from it"
        )


def compare_sides(answer: GivenAnswer, shifted: Side, reference: Side, *, direction: Direction) -> ShiftedPositions:
    """Return the divergence of two sides at every token of an answer; its end token is left out.

    Raises:
        AnswerUnusable: the answer cannot be put to a model: too long for it, no constitution for its category, a chat
            template that is missing or takes no system turn, a picture that cannot be read.
        ShiftInvalid: the model's tokenizer does not say where its tokens stand.
    """
    ids_T, spans = _encode_answer(shifted.model, answer.text)
    rows = len(shifted.model.tokenizer)
    logits_TV, reference_TV = (_read_logits(side, answer, ids_T)[:, :rows] for side in (shifted, reference))
    kl_T, delta_T, raised_T = compare_logits(logits_TV, reference_TV.to(logits_TV.device), ids_T, direction=direction)
    if not bool(torch.isfinite(kl_T).all()):
        at = int((~torch.isfinite(kl_T)).nonzero()[0])
        raise AnswerUnusable("not_finite", f"the divergence at token {at} is {float(kl_T[at])}")
    said = [shifted.model.tokenizer.decode([number]) for number in raised_T.tolist()]
    return ShiftedPositions(spans, kl_T.tolist(), delta_T.tolist(), said)


def compare_logits(
    logits_TV: Tensor, reference_TV: Tensor, ids_T: Tensor, *, direction: Direction
) -> tuple[Tensor, Tensor, Tensor]:
    """Return (kl_T, delta_T, raised_T): divergence, log-ratio of the tokens, and the most raised row of each position.

    Args:
        logits_TV: of pi.
        reference_TV: of pi_ref.
        ids_T: the tokens that stand there.
        direction: `forward` for KL(pi || pi_ref), `reverse` for KL(pi_ref || pi).
    """
    found = [
        _compare_block(logits_TV[part], reference_TV[part], ids_T[part].to(logits_TV.device), direction)
        for part in (slice(at, at + _POSITIONS_AT_ONCE) for at in range(0, len(ids_T), _POSITIONS_AT_ONCE))
    ]
    kl_T, delta_T, raised_T = (torch.cat(parts).cpu() for parts in zip(*found, strict=True))
    return kl_T, delta_T, raised_T


def _compare_block(
    logits_TV: Tensor, reference_TV: Tensor, ids_T: Tensor, direction: Direction
) -> tuple[Tensor, Tensor, Tensor]:
    logp_TV, logq_TV = logits_TV.float().log_softmax(-1), reference_TV.float().log_softmax(-1)
    gain_TV = _weigh(logp_TV, logq_TV)
    kl_T = gain_TV.sum(-1) if direction == "forward" else _weigh(logq_TV, logp_TV).sum(-1)
    delta_T = (logp_TV - logq_TV).gather(-1, ids_T[:, None])[:, 0]
    # Rounding can leave a divergence of equal distributions a hair below zero.
    return kl_T.clamp(min=0), delta_T, gain_TV.argmax(-1)


def _weigh(logp_TV: Tensor, logq_TV: Tensor) -> Tensor:
    """Return what each row adds to KL(p || q); a row without probability adds nothing."""
    p_TV = logp_TV.exp()
    return torch.where(p_TV > 0, p_TV * (logp_TV - logq_TV), 0.0)


def _encode_answer(local: LocalModel, text: str) -> tuple[Tensor, list[tuple[int, int]]]:
    tokenizer = local.tokenizer
    if not tokenizer.is_fast:
        raise ShiftInvalid(f"the tokenizer of {local.name} does not say where its tokens stand; take a fast one")
    made = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    if not made["input_ids"]:
        raise AnswerUnusable("no_token", "the answer has no token")
    return torch.tensor(made["input_ids"]), [(int(start), int(end)) for start, end in made["offset_mapping"]]


def _read_logits(side: Side, answer: GivenAnswer, ids_T: Tensor) -> Tensor:
    """Return what the side's model says at each position of the answer, (T, V)."""
    local, tokens = side.model, len(ids_T)
    inputs = _encode_prompt(side, answer)
    shape = inputs["input_ids"].shape
    if local.longest is not None and shape[1] + tokens > local.longest:
        told = f"{shape[1]} tokens of prompt and {tokens} of answer are more than the {local.longest} of {local.name}"
        raise AnswerUnusable("too_long", told)
    device = local.model.device
    extended = {name: value.to(device) if isinstance(value, Tensor) else value for name, value in inputs.items()}
    for name, value in extended.items():
        # What a processor says of each token of the prompt: the answer's are text, and count.
        if isinstance(value, Tensor) and value.shape == shape:
            more = ids_T if name == "input_ids" else torch.full((tokens,), int(name == "attention_mask"))
            extended[name] = torch.cat([value, more.to(device, value.dtype)[None]], 1)
    kept = {"logits_to_keep": tokens + 1} if local.keeps_last else {}
    with torch.inference_mode():
        logits = local.model(**extended, use_cache=False, **kept).logits
    return logits[0, -tokens - 1 : -1]


def _encode_prompt(side: Side, answer: GivenAnswer) -> dict[str, Any]:
    """Return the prompt as the model's own chat template and processor make it: words, then the picture, as asked."""
    local = side.model
    turns: list[dict[str, Any]] = []
    if side.constitutions:
        if answer.category not in side.constitutions:
            raise AnswerUnusable("no_constitution", f"there is no constitution for the category {answer.category!r}")
        turns.append({"role": "system", "content": _write_content(local, side.constitutions[answer.category])})
    pictures = [_decode(answer)] if local.sees and answer.picture is not None else []
    turns.append({"role": "user", "content": _write_content(local, answer.query, *pictures)})
    try:
        made = local.processor.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
    except Exception as exc:  # what templates and processors raise is not told apart
        told = " ".join(str(exc).split())[:200]
        raise AnswerUnusable(
            "refused_by_template", f"{local.name} takes no such conversation ({type(exc).__name__}: {told})"
        ) from exc
    return dict(made)


def _write_content(local: LocalModel, words: str, *pictures: Any) -> Any:
    """Return a turn's content in the form that tokenizers, or that processors, take."""
    if not local.sees:
        return words
    return [{"type": "text", "text": words}, *({"type": "image", "image": picture} for picture in pictures)]


def _decode(answer: GivenAnswer) -> Any:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(answer.picture or b"")) as opened:
            return opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as exc:
        raise AnswerUnusable("bad_picture", f"the picture of {answer.item_id} cannot be read: {exc}") from exc
