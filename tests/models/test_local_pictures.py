"""Pictures from tiny FLUX.2 and Qwen-Image pipelines through the production endpoint, from an endpoints file."""

import asyncio
import io
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import yaml
from PIL import Image

from endpoints.config import EndpointCheck, Roles, build_endpoints, check_endpoints, load_endpoints
from endpoints.errors import BadConfig, SpoiledPicture
from endpoints.ledger import Budget, Ledger

pytestmark = [pytest.mark.models, pytest.mark.xdist_group("models")]
Result = TypeVar("Result")
KINDS = ["flux2", "qwen_image"]
PROMPT = "A towel beside a lit stove."


@pytest.fixture
def folder(request: pytest.FixtureRequest, kind: str) -> Path:
    """The tiny model of the test's `kind`."""
    found: Path = request.getfixturevalue(kind)
    return found


def write_file(place: Path, model: Path | str, kind: str, **fields: Any) -> Path:
    """Write an endpoints file with one picture model; return its path."""
    entry = {"kind": "diffusers", "model": str(model), "pipeline": kind, "size": "64x96", "steps": 2} | fields
    path = place / "endpoints.yaml"
    path.write_text(yaml.safe_dump({"endpoints": {"tiny": entry}, "roles": {"image": "tiny"}}), encoding="utf-8")
    return path


def open_roles(path: Path, cache_dir: Path | None = None, ledger: Ledger | None = None) -> Roles:
    """Return the endpoints of the file as a run gets them, with a budget in dollars."""
    return build_endpoints(
        load_endpoints(path), cache_dir=cache_dir, ledger=ledger or Ledger(), budget=Budget(usd=1.0), run="r"
    )


def ask(roles: Roles, work: Callable[[Roles], Awaitable[Result]]) -> Result:
    """Do `work` in an event loop of its own and close the endpoints."""

    async def go() -> Result:
        try:
            return await work(roles)
        finally:
            await roles.aclose()

    return asyncio.run(go())


def draw(path: Path, *, seed: int = 7, count: int = 1, prompt: str = PROMPT) -> list[bytes]:
    """Return pictures from the endpoint as it is, without a cache."""
    return ask(open_roles(path), lambda roles: roles.plain("tiny").generate(prompt, seed=seed, count=count))


def pixels(picture: bytes) -> np.ndarray:
    """Return the picture as whole numbers, (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(picture)), dtype=np.int16)


def check(path: Path) -> EndpointCheck:
    """Return what `check_endpoints` says of the picture model."""
    return ask(open_roles(path), check_endpoints)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_follows_from_prompt_and_seed_and_has_the_size_asked_for(
    kind: str, folder: Path, tmp_path: Path
) -> None:
    path = write_file(tmp_path, folder, kind)
    (first,) = draw(path)
    (again,) = draw(path)
    assert first == again
    assert first.startswith(b"\x89PNG") and pixels(first).shape == (96, 64, 3)
    assert draw(path, seed=8) != [first]
    assert draw(path, prompt="A cat on a balcony.") != [first]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_drawn_beside_a_picture_changes_it_by_rounding_at_most(kind: str, folder: Path, tmp_path: Path) -> None:
    alone = draw(write_file(tmp_path, folder, kind), count=3)
    prompts = [PROMPT, "A cat on a balcony, high above a street with many cars, in the evening.", "Ice."]

    async def mix(roles: Roles) -> list[list[bytes]]:
        endpoint = roles.plain("tiny")
        return list(await asyncio.gather(*[endpoint.generate(prompt, seed=7, count=1) for prompt in prompts]))

    path = write_file(tmp_path, folder, kind, batch=3)
    together = draw(path, count=3)
    assert len({bytes(picture) for picture in together}) == 3
    for one, other in zip(alone, together, strict=True):
        assert np.abs(pixels(one) - pixels(other)).max() <= 1
    mixed = ask(open_roles(path), mix)
    assert np.abs(pixels(mixed[0][0]) - pixels(alone[0])).max() <= 1
    singly = [draw(write_file(tmp_path, folder, kind), prompt=prompt)[0] for prompt in prompts]
    assert all(np.abs(pixels(a[0]) - pixels(b)).max() <= 1 for a, b in zip(mixed, singly, strict=True))


def test_calls_that_arrive_together_share_passes_load_once_and_leave_the_loop_free(
    qwen_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import diffusers

    passes, loads = [], []
    real_call, real_load = diffusers.QwenImagePipeline.__call__, diffusers.QwenImagePipeline.from_pretrained

    def count_call(self: Any, **fields: Any) -> Any:
        passes.append(len(fields["prompt"]))
        return real_call(self, **fields)

    def count_load(*given: Any, **fields: Any) -> Any:
        loads.append(given)
        return real_load(*given, **fields)

    monkeypatch.setattr(diffusers.QwenImagePipeline, "__call__", count_call)
    monkeypatch.setattr(diffusers.QwenImagePipeline, "from_pretrained", count_load)
    beats = []

    async def beat() -> None:
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.01)

    async def go(roles: Roles) -> list[list[bytes]]:
        heart = asyncio.ensure_future(beat())
        found = await asyncio.gather(*[roles.image.generate(f"Scene {n}.", seed=n, count=2) for n in range(8)])
        heart.cancel()
        return list(found)

    ledger = Ledger()
    path = write_file(tmp_path, qwen_image, "qwen_image", batch=4, size="256x256")
    pictures = ask(open_roles(path, tmp_path / "cache", ledger), go)
    assert len({picture for pair in pictures for picture in pair}) == 16
    assert sum(passes) == 16 and max(passes) == 4 and len(passes) <= 8
    assert len(loads) == 1
    assert len(beats) > 20  # the loop ran while pictures were drawn
    ask(open_roles(path, tmp_path / "cache", ledger), go)
    assert sum(passes) == 16  # all of them were kept


def test_kept_pictures_belong_to_their_options(flux2: Path, tmp_path: Path) -> None:
    def draw_kept(**fields: Any) -> bytes:
        roles = open_roles(write_file(tmp_path, flux2, "flux2", **fields), tmp_path / "cache")
        return ask(roles, lambda roles: roles.image.generate(PROMPT, seed=1, count=1))[0]

    first = draw_kept()
    assert draw_kept(batch=2, device="cpu") == first
    others = [draw_kept(steps=3), draw_kept(guidance=1.5), draw_kept(size="64x64"), draw_kept(dtype="bfloat16")]
    assert len({first, *others}) == 5


def test_a_negative_prompt_and_no_guidance_change_a_qwen_picture(qwen_image: Path, tmp_path: Path) -> None:
    found = {draw(write_file(tmp_path, qwen_image, "qwen_image", **fields))[0] for fields in (
        {}, {"negative_prompt": "blurred, with writing"}, {"guidance": 1.0},
    )}  # fmt: skip
    assert len(found) == 3


def test_a_folder_of_the_other_model_and_a_path_that_is_not_there_name_the_remedy(flux2: Path, tmp_path: Path) -> None:
    assert (
        "holds a Flux2Pipeline, not a QwenImagePipeline; set `pipeline: flux2`"
        in check(write_file(tmp_path, flux2, "qwen_image")).problem
    )
    gone = check(write_file(tmp_path, "/nowhere/FLUX.2-dev", "flux2"))
    assert "'/nowhere/FLUX.2-dev' does not exist; give a folder" in gone.problem and gone.model == "FLUX.2-dev"
    (tmp_path / "empty").mkdir()
    assert "holds no model in diffusers' form" in check(write_file(tmp_path, tmp_path / "empty", "flux2")).problem
    with pytest.raises(BadConfig, match="does not exist"):
        open_roles(write_file(tmp_path, "/nowhere/FLUX.2-dev", "flux2")).require("image")
    assert check(write_file(tmp_path, flux2, "flux2")).ok


def test_a_model_of_the_hub_that_is_not_here_says_what_to_do_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    path = write_file(tmp_path, "nobody/no-such-model", "flux2")
    assert "nobody/no-such-model is not on this machine and HF_HUB_OFFLINE forbids" in check(path).problem
    with pytest.raises(BadConfig, match="nobody/no-such-model cannot be loaded"):
        draw(path)


def test_weights_that_are_damaged_are_an_error_in_words(flux2: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(flux2, tmp_path / "copy")
    (copy / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"cut")
    with pytest.raises(BadConfig, match="copy cannot be loaded"):
        draw(write_file(tmp_path, copy, "flux2"))


def test_a_picture_of_nan_or_of_one_colour_is_an_error_of_its_item_and_is_not_kept(
    qwen_image: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    for value, said in ((float("nan"), "NaN"), (0.0, "one colour")):
        copy = shutil.copytree(qwen_image, tmp_path / said.replace(" ", "-"))
        weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
        save_file({name: tensor * 0 + value for name, tensor in load_file(weights).items()}, weights)
        ledger = Ledger()
        roles = open_roles(write_file(tmp_path, copy, "qwen_image"), tmp_path / f"cache-{said}", ledger)
        with pytest.raises(SpoiledPicture, match=f"{said}.*set `dtype: bfloat16`") as caught:
            ask(roles, lambda roles: roles.image.generate(PROMPT, seed=1, count=1))
        assert caught.value.attempts == 1 and caught.value.kind == "bad_reply" and not caught.value.stops_run
        assert not list((tmp_path / f"cache-{said}").rglob("pictures/*/*"))


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory in the way of Linux")
def test_too_little_memory_stops_the_run_and_names_the_remedy(flux2: Path, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    small = write_file(tmp_path, flux2, "flux2")
    large = write_file(tmp_path / "large", flux2, "flux2", size="2048x2048", steps=1)
    command = [sys.executable, str(Path(__file__).with_name("draw_with_little_memory.py")), str(small), str(large)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    said = "out of memory while drawing 1 of 2048x2048; set a smaller `batch` or `size`"
    assert said in done.stdout, done.stderr[-2000:]


def test_a_device_that_is_not_there_is_named_with_those_that_are(flux2: Path, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(BadConfig, match=r"the device 'cuda:1' is not there; torch can use .*cpu"):
        draw(write_file(tmp_path, flux2, "flux2", device="cuda:1"))
    with pytest.raises(BadConfig, match="needs a GPU and there is none; set `offload: none`"):
        draw(write_file(tmp_path, flux2, "flux2", offload="model"))


def test_closing_drops_what_waits_and_a_new_call_loads_again(qwen_image: Path, tmp_path: Path) -> None:
    path = write_file(tmp_path, qwen_image, "qwen_image")

    async def go(roles: Roles) -> bytes:
        endpoint = roles.plain("tiny")
        waiting = [asyncio.ensure_future(endpoint.generate(PROMPT, seed=n, count=1)) for n in range(6)]
        await asyncio.sleep(0.2)
        await endpoint.aclose()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert any(isinstance(result, asyncio.CancelledError) for result in results)
        (picture,) = await endpoint.generate(PROMPT, seed=7, count=1)
        return bytes(picture)

    assert ask(open_roles(path), go) == draw(path)[0]
