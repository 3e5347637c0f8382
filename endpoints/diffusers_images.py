"""Picture models in this process, by diffusers: FLUX.2 and Qwen-Image. One thread draws; the event loop stays free."""

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from endpoints.errors import BadConfig, BadRequest, EndpointError, SpoiledPicture
from endpoints.images import gather_all, picture_seed
from endpoints.local_models import (
    Precision,
    choose_device,
    choose_precision,
    explain_load,
    find_weights,
    is_out_of_memory,
    require_libraries,
    shown_name,
)
from storage.texts import hash_json

PipelineKind = Literal["flux2", "qwen_image"]
Offload = Literal["none", "model", "sequential"]
CLASSES: dict[str, str] = {"flux2": "Flux2Pipeline", "qwen_image": "QwenImagePipeline"}
SIDE_STEP_PX = 16
"""Both models draw in patches of 16 pixels; diffusers would cut other sizes silently."""
GATHER_S = 0.05
"""How long a batch that is not full waits for more."""
SMALLER = "set a smaller `batch` or `size`, `offload: model` (or `sequential`), or `dtype: bfloat16`"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A picture that somebody waits for."""

    prompt: str
    seed: int
    answer: "Future[bytes]" = field(default_factory=Future)


class DiffusersImages:
    """One picture model, loaded once, at the first picture. Calls that arrive together share a pass, up to `batch`.

    Every picture has a generator of its own, so it follows from model, options, prompt and seed, whatever is drawn
    beside it (but for rounding: the last bit of a colour).
    """

    def __init__(
        self,
        *,
        name: str,
        model: str,
        pipeline: PipelineKind,
        device: str = "auto",
        dtype: Literal["auto"] | Precision = "auto",
        offload: Offload = "none",
        steps: int = 50,
        guidance: float = 4.0,
        negative_prompt: str = " ",
        size: str = "1024x1024",
        batch: int = 1,
    ) -> None:
        """Find the weights; nothing is loaded yet.

        Args:
            name: The endpoint's name, part of every cache key.
            model: A folder in diffusers' form, or a name on the hub.
            pipeline: Which of the two models it is.
            device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, `xpu`.
            dtype: `auto` is bfloat16 on CUDA and XPU, else float32.
            offload: Keeps in the device's memory everything, one part at a time (`model`), or one layer.
            steps: Denoising steps.
            guidance: How closely to follow the prompt: FLUX.2's `guidance_scale`, Qwen-Image's `true_cfg_scale`.
            negative_prompt: What to steer away from; Qwen-Image only, whose guidance needs one, if only a blank.
            size: Width and height in pixels, `1024x768`; multiples of 16.
            batch: Pictures that are drawn in one pass at most.

        Raises:
            BadConfig: The libraries or the model are not there, or the folder holds another kind of model.
        """
        require_libraries(name, "diffusers", "torch", "transformers", "accelerate")
        self.name = name
        self.model = shown_name(model)
        self._given = model
        self._pipeline = pipeline
        self._device, self._dtype, self._offload = device, dtype, offload
        self._steps, self._guidance, self._negative_prompt = steps, guidance, negative_prompt
        self._width, self._height = _read_size(name, size)
        self._batch = batch
        # Device, offload and batch are left out: they change a picture by no more than rounding.
        options = {"pipeline": pipeline, "steps": steps, "guidance": guidance, "size": size, "dtype": dtype}
        if pipeline == "qwen_image":
            options["negative_prompt"] = negative_prompt
        self.cache_id = f"{name}+{hash_json(options | {'model': model})}"
        self._weights = find_weights(name, model)
        if isinstance(self._weights, Path):
            _check_kind(name, self._weights, pipeline)
        self._waiting: deque[_Asked] = deque()
        self._queue = threading.Lock()
        self._drawing = threading.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._loaded: Any = None

    async def generate(self, prompt: str, *, seed: int, count: int) -> list[bytes]:
        """Return `count` PNG pictures with the seeds of `picture_seed`.

        Raises:
            BadConfig: The model cannot be loaded, or memory runs out.
            SpoiledPicture: The model drew one colour, or numbers that are none.
            BadRequest: The model cannot draw this prompt.
        """
        return await gather_all([self._draw(prompt, picture_seed(seed, number)) for number in range(count)])

    async def check(self) -> str:
        """Look for the weights without loading them; return what is left in doubt, or nothing.

        Raises:
            BadConfig: The weights are not on this machine and cannot be downloaded, or are of another kind.
        """
        if isinstance(self._weights, Path):
            return ""
        return await asyncio.to_thread(self._check_hub, self._weights)

    async def aclose(self) -> None:
        """Drop what waits and let go of the model once the picture under way is done; a new call loads it again."""
        with self._queue:
            dropped, worker = list(self._waiting), self._worker
            self._waiting.clear()
            self._worker = self._loaded = None
        for asked in dropped:
            asked.answer.cancel()
        if worker is not None:
            worker.shutdown(wait=False)

    async def _draw(self, prompt: str, seed: int) -> bytes:
        asked = _Asked(prompt, seed)
        with self._queue:
            self._waiting.append(asked)
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"pictures-{self.name}")
            self._worker.submit(self._work)
        return await asyncio.wrap_future(asked.answer)

    def _work(self) -> None:
        """Draw one batch of what waits. Runs in the worker, once for every picture asked for, so often for none."""
        if 0 < len(self._waiting) < self._batch:
            time.sleep(GATHER_S)
        with self._queue:
            taken = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
        taken = [asked for asked in taken if asked.answer.set_running_or_notify_cancel()]
        if not taken:
            return
        try:
            with self._drawing:
                results: Sequence[bytes | EndpointError] = self._draw_together(taken)
        except EndpointError as exc:
            results = [type(exc)(str(exc)) for _ in taken]
        except BaseException as exc:
            for asked in taken:  # nobody may wait for ever
                asked.answer.set_exception(exc)
            raise
        for asked, result in zip(taken, results, strict=True):
            if isinstance(result, EndpointError):
                asked.answer.set_exception(result)
            else:
                asked.answer.set_result(result)

    def _draw_together(self, taken: Sequence[_Asked]) -> list[bytes | EndpointError]:
        import torch

        draw = self._load()
        generators = [torch.Generator("cpu").manual_seed(asked.seed) for asked in taken]
        try:
            pixels = draw(
                prompt=[asked.prompt for asked in taken],
                generator=generators,
                num_inference_steps=self._steps,
                width=self._width,
                height=self._height,
                output_type="np",
                **self._guide(len(taken)),
            ).images
        except Exception as exc:  # whatever a prompt sets off inside the libraries belongs to this item
            if is_out_of_memory(exc):
                shape = f"{len(taken)} of {self._width}x{self._height}"
                raise BadConfig(f"{self.name}: out of memory while drawing {shape}; {SMALLER}") from exc
            told = str(exc)[:300]
            raise BadRequest(f"{self.name}: the model failed on this prompt ({type(exc).__name__}: {told})") from exc
        return [self._encode(asked.seed, drawn) for asked, drawn in zip(taken, pixels, strict=True)]

    def _guide(self, count: int) -> dict[str, Any]:
        if self._pipeline == "flux2":
            return {"guidance_scale": self._guidance}
        guided = self._guidance > 1
        return {
            "true_cfg_scale": self._guidance,
            "negative_prompt": [self._negative_prompt] * count if guided else None,
        }

    def _encode(self, seed: int, pixels: NDArray[np.float32]) -> bytes | EndpointError:
        """Return `pixels` (height, width, 3; 0 to 1) as PNG, or what is wrong with them."""
        problem = ""
        if not np.isfinite(pixels).all():
            problem = "numbers that are none (NaN)"
        elif np.ptp(pixels) < 1 / 255:
            problem = "nothing but one colour"
        if problem:
            return SpoiledPicture(
                f"{self.name}: with seed {seed} the model drew {problem}; float16 overflows: set `dtype: bfloat16` or "
                "`float32`, and check that the weights are whole"
            )
        buffer = BytesIO()
        Image.fromarray((pixels * 255).round().astype(np.uint8)).save(buffer, "PNG")
        return buffer.getvalue()

    def _load(self) -> Any:
        if self._loaded is None:
            try:
                self._loaded = self._open()
            except Exception as exc:  # a dozen kinds from four libraries; all mean that this model cannot be used
                raise explain_load(self.name, self._given, exc, too_large=SMALLER) from exc
        return self._loaded

    def _open(self) -> Any:
        import diffusers

        kind = getattr(diffusers, CLASSES[self._pipeline], None)
        if kind is None:
            raise BadConfig(
                f"{self.name}: diffusers {diffusers.__version__} has no {CLASSES[self._pipeline]}; install 0.42"
            )
        device = choose_device(self.name, self._device)
        if self._offload != "none" and device == "cpu":
            raise BadConfig(
                f"{self.name}: `offload: {self._offload}` needs a GPU and there is none; set `offload: none`"
            )
        loaded = kind.from_pretrained(
            str(self._weights),
            dtype=choose_precision(self._dtype, device),
            local_files_only=isinstance(self._weights, Path),
        )
        loaded.set_progress_bar_config(disable=True)
        match self._offload:
            case "none":
                loaded.to(device)
            case "model":
                loaded.enable_model_cpu_offload(device=device)
            case "sequential":
                loaded.enable_sequential_cpu_offload(device=device)
        return loaded

    def _check_hub(self, model: str) -> str:
        from huggingface_hub import constants, try_to_load_from_cache

        kept = try_to_load_from_cache(model, "model_index.json")
        if isinstance(kept, str):
            _check_kind(self.name, Path(kept).parent, self._pipeline)
            return ""
        if constants.HF_HUB_OFFLINE:
            raise BadConfig(
                f"{self.name}: {model} is not on this machine and HF_HUB_OFFLINE forbids the download; unset it, or "
                "give `model` the folder of a copy"
            )
        return f"{model} is not on this machine yet; the first picture downloads it"


def _read_size(name: str, size: str) -> tuple[int, int]:
    width, height = (int(side) for side in size.split("x"))
    if width % SIDE_STEP_PX or height % SIDE_STEP_PX:
        near = "x".join(str(max(1, round(side / SIDE_STEP_PX)) * SIDE_STEP_PX) for side in (width, height))
        raise BadConfig(f"{name}: the size {size} is not in multiples of {SIDE_STEP_PX} pixels; set {near}")
    return width, height


def _check_kind(name: str, folder: Path, pipeline: PipelineKind) -> None:
    """Raise BadConfig unless `folder` holds the pipeline that was asked for."""
    index = folder / "model_index.json"
    try:
        kind = json.loads(index.read_text(encoding="utf-8")).get("_class_name")
    except (OSError, ValueError, AttributeError) as exc:
        raise BadConfig(
            f"{name}: {folder} holds no model in diffusers' form (model_index.json: {type(exc).__name__}); give the "
            "folder that `save_pretrained` or `hf download` wrote"
        ) from exc
    if kind != CLASSES[pipeline]:
        fitting = {held: slug for slug, held in CLASSES.items()}.get(str(kind))
        remedy = f"set `pipeline: {fitting}`" if fitting else f"give the folder of a {CLASSES[pipeline]}"
        raise BadConfig(f"{name}: {folder} holds a {kind}, not a {CLASSES[pipeline]}; {remedy}")
