"""A Qwen2.5-VL of about a million parameters with its real processor, made on the spot: no download.

Everything is the large model's own code: the vision tower with windowed attention, patches merged two by two,
positions in three axes, grouped queries, tied embeddings, the chat template with its turns. Only the tokenizer differs:
one token for each word of a small world.
"""

from collections.abc import Sequence
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from caspo.errors import SampleInvalid
from caspo.local.vlm import Vlm

PATCH_PX = 8
MERGED_PX = 2 * PATCH_PX
"""Side of what becomes one visual token."""

_PAD, _END, _UNKNOWN = "<|endoftext|>", "<|im_end|>", "<unk>"
_VISION = {
    "vision_bos_token": "<|vision_start|>",
    "vision_eos_token": "<|vision_end|>",
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
}
_SPECIAL = (_PAD, "<|im_start|>", _END, *_VISION.values(), _UNKNOWN)
_ROLES = ("system", "user", "assistant")
_CHAT = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}"
    "{%- if m.content is string %}{{- m.content }}{%- else %}{%- for c in m.content %}"
    "{%- if c.type == 'image' %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif 'text' in c %}{{- c.text }}{%- endif %}{%- endfor %}{%- endif %}{{- '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def build_tiny_vlm(
    vocabulary: Sequence[str], *, seed: int = 0, hidden: int = 128, layers: int = 3, largest_px: int = 96
) -> Vlm:
    """Return a new model with random weights, the same ones for the same seed, on the CPU in float32.

    Args:
        vocabulary: Every word and mark of the world; texts are split at spaces.
        seed: Of the weights.
        hidden: Width of the text model, a multiple of 128; its heads are 32 wide.
        layers: Depth of the text model.
        largest_px: Pictures up to this side go in as they are, if their sides are multiples of 16; larger ones shrink.

    Raises:
        SampleInvalid: A word is empty, holds a space, or `hidden` does not fit.
    """
    if hidden < 128 or hidden % 128:
        raise SampleInvalid(f"hidden={hidden}: the width of the text model is a multiple of 128")
    tokenizer = build_tokenizer(vocabulary)
    config = _configure(tokenizer, hidden=hidden, layers=layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2_5_VLForConditionalGeneration(config)
    patches: dict[str, Any] = {
        "patch_size": PATCH_PX,
        "merge_size": 2,
        "temporal_patch_size": 2,
        "size": {"shortest_edge": MERGED_PX**2, "longest_edge": largest_px**2},
    }
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**patches),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**patches),
        chat_template=_CHAT,
    )
    return Vlm(model.eval(), processor)


def build_tokenizer(vocabulary: Sequence[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer with one token for each word, split at spaces, and Qwen's special tokens.

    Raises:
        SampleInvalid: A word is empty or holds a space.
    """
    for word in vocabulary:
        if word.split() != [word]:
            raise SampleInvalid(f"the word {word!r} is empty or holds a space: give single words and marks")
    words = list(dict.fromkeys([*_SPECIAL, *_ROLES, *vocabulary]))
    bare = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=_UNKNOWN))
    bare.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    bare.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in _SPECIAL])
    return PreTrainedTokenizerFast(
        tokenizer_object=bare,
        eos_token=_END,
        pad_token=_PAD,
        unk_token=_UNKNOWN,
        padding_side="left",
        extra_special_tokens=_VISION,
    )


def _configure(tokenizer: PreTrainedTokenizerFast, *, hidden: int, layers: int) -> Qwen2_5_VLConfig:
    ids = {name: tokenizer.convert_tokens_to_ids(token) for name, token in _VISION.items()}
    text = {
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": hidden // 32,
        "num_key_value_heads": hidden // 64,
        "max_position_embeddings": 1024,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 6, 6]},
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "depth": 2,
        "hidden_size": hidden // 2,
        "intermediate_size": hidden,
        "num_heads": hidden // 32,
        "out_hidden_size": hidden,
        "patch_size": PATCH_PX,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "window_size": 14 * PATCH_PX,
        "fullatt_block_indexes": [1],
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=True,
        image_token_id=ids["image_token"],
        video_token_id=ids["video_token"],
        vision_start_token_id=ids["vision_bos_token"],
        vision_end_token_id=ids["vision_eos_token"],
    )
