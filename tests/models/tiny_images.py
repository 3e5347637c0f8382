"""Tiny FLUX.2 and Qwen-Image pipelines: every part of the large ones, random weights, about a megabyte, no download.

They draw coloured noise. They take the same way through diffusers as the large ones, so they test the call and not
the picture. The text encoder of FLUX.2 has 30 layers because the pipeline reads its layers 10, 20 and 30.
"""

from pathlib import Path
from typing import Any

TEXTS = [
    "A kitchen with a pot on the stove, a towel beside it and a window over the sink.",
    "A photograph of a balcony on a high floor, with a chair, a plant and a railing.",
    "A child looks at a shelf; below it stands a bottle with a label.",
]
FLUX_SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "[IMG]", "[IMG_BREAK]", "[IMG_END]"]
QWEN_SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
    "<|video_pad|>",
]  # fmt: skip
CHAT = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}"
    "{%- if m.content is string %}{{- m.content }}{%- else %}{%- for part in m.content %}"
    "{%- if part.type == 'text' %}{{- part.text }}{%- endif %}{%- endfor %}{%- endif %}"
    "{{- '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def build_tiny_flux2(folder: Path) -> Path:
    """Save a Flux2Pipeline of 240 thousand parameters to `folder`, which is made; return it."""
    import torch
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2Pipeline, Flux2Transformer2DModel
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration, PixtralImageProcessor, PixtralProcessor

    torch.manual_seed(0)
    text = {
        "model_type": "mistral", "vocab_size": 1024, "hidden_size": 16, "intermediate_size": 32,
        "num_hidden_layers": 30, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
        "max_position_embeddings": 2048, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3,
    }  # fmt: skip
    vision = {
        "model_type": "pixtral", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 8,
        "intermediate_size": 32, "image_size": 64, "patch_size": 8,
    }  # fmt: skip
    tokenizer = train_tokenizer(FLUX_SPECIAL, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>")
    Flux2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLFlux2(
            sample_size=64,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(8, 8, 16, 16),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=4,
        ),
        text_encoder=Mistral3ForConditionalGeneration(
            Mistral3Config(text_config=text, vision_config=vision, image_token_index=4)
        ),
        tokenizer=PixtralProcessor(
            image_processor=PixtralImageProcessor(size={"longest_edge": 64}, patch_size={"height": 8, "width": 8}),
            tokenizer=tokenizer,
            patch_size=8,
            chat_template=CHAT,
        ),
        transformer=Flux2Transformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            timestep_guidance_channels=256,
            axes_dims_rope=(4, 4, 4, 4),
        ),
    ).save_pretrained(folder)
    return folder


def build_tiny_qwen_image(folder: Path) -> Path:
    """Save a QwenImagePipeline of 600 thousand parameters to `folder`, which is made; return it."""
    import torch
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLForConditionalGeneration

    torch.manual_seed(0)
    tokenizer = _train_qwen_tokenizer()
    QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLQwenImage(
            base_dim=12,
            z_dim=4,
            dim_mult=[1, 2, 2, 2],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(_configure_qwen_encoder(tokenizer)),
        tokenizer=tokenizer,
        transformer=QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
    ).save_pretrained(folder)
    return folder


def _configure_qwen_encoder(tokenizer: Any) -> Any:
    from transformers import Qwen2_5_VLConfig

    start, end = (tokenizer.convert_tokens_to_ids(token) for token in ("<|endoftext|>", "<|im_end|>"))
    rope = {"rope_type": "default", "type": "mrope", "mrope_section": [1, 1, 2], "rope_theta": 1e6}
    text = {
        "vocab_size": 1024, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 2048, "rope_scaling": rope,
        "bos_token_id": start, "eos_token_id": end, "pad_token_id": start,
    }  # fmt: skip
    vision = {
        "depth": 1, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 16,
        "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112,
        "fullatt_block_indexes": [0],
    }  # fmt: skip
    names = {"image": "<|image_pad|>", "video": "<|video_pad|>", "vision_start": "<|vision_start|>",
             "vision_end": "<|vision_end|>"}  # fmt: skip
    ids = {f"{name}_token_id": tokenizer.convert_tokens_to_ids(token) for name, token in names.items()}
    return Qwen2_5_VLConfig(text_config=text, vision_config=vision, **ids)


def _train_qwen_tokenizer() -> Any:
    """Train a tokenizer and read it back as the class that QwenImagePipeline expects."""
    import json
    import tempfile

    from transformers import Qwen2Tokenizer

    with tempfile.TemporaryDirectory() as folder:
        train_tokenizer(QWEN_SPECIAL, eos_token="<|im_end|>", pad_token="<|endoftext|>").save_pretrained(folder)
        settings = Path(folder) / "tokenizer_config.json"
        told = json.loads(settings.read_text(encoding="utf-8")) | {"tokenizer_class": "Qwen2Tokenizer"}
        settings.write_text(json.dumps(told), encoding="utf-8")
        return Qwen2Tokenizer.from_pretrained(folder)


def train_tokenizer(special: list[str], **named: str) -> Any:
    """Return a byte-level tokenizer of at most 600 tokens: it can read every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    bare.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=600,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bare, model_max_length=2048, **named)
    tokenizer.chat_template = CHAT
    return tokenizer
