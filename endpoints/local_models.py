"""Models that run in this process: whether their libraries are there, where the weights are, device and precision."""

import importlib.util
import re
from pathlib import Path
from typing import Any, Literal

from endpoints.errors import BadConfig, EndpointError

Precision = Literal["float32", "bfloat16", "float16"]
INSTALL = "install it with `pip install 'ood-mmsafe-curator[{extra}]'` (in a checkout: `make setup-models`)"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_SHOWN_CHARACTERS = 300


def require_libraries(what: str, *modules: str, extra: str = "models") -> None:
    """Check that `modules`, which the extra `extra` brings, can be imported, without importing them.

    Raises:
        BadConfig: One is missing; the message begins with `what` and says how to install it.
    """
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        names = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'}"
        raise BadConfig(f"{what}: {names} not installed; {INSTALL.format(extra=extra)}")


def find_weights(what: str, model: str) -> Path | str:
    """Return the folder that `model` names, or `model` itself when it can be a name on the hub.

    Raises:
        BadConfig: It is neither.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if _HUB_NAME.fullmatch(model) and not folder.exists():
        return model
    found = "is a file" if folder.exists() else "does not exist"
    raise BadConfig(
        f"{what}: the model {model!r} {found}; give a folder that holds the model, or a name on the hub (owner/name)"
    )


def shown_name(model: str) -> str:
    """Return the model's name for records and reports: of a folder its last part, so that no path gets into them."""
    return Path(model).name if model.startswith(("/", "~", ".")) or "\\" in model else model


def choose_device(what: str, device: str) -> str:
    """Return the device to use: for `auto` the first accelerator, else the CPU. Imports torch.

    Raises:
        BadConfig: The device that was asked for is not there.
    """
    import torch

    if device == "cpu":
        return device
    there = {
        "cuda": torch.cuda.is_available(),
        "xpu": hasattr(torch, "xpu") and torch.xpu.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if device == "auto":
        return next((kind for kind, usable in there.items() if usable), "cpu")
    kind, _, number = device.partition(":")
    if not there[kind] or (kind == "cuda" and int(number or 0) >= torch.cuda.device_count()):
        usable = ", ".join([name for name, found in there.items() if found] + ["cpu"])
        raise BadConfig(f"{what}: the device {device!r} is not there; torch can use {usable} here. Set `device`")
    return device


def choose_precision(precision: Literal["auto"] | Precision, device: str) -> Any:
    """Return torch's dtype; for `auto` bfloat16 on CUDA and XPU, else float32. Imports torch."""
    import torch

    if precision == "auto":
        precision = "bfloat16" if device.startswith(("cuda", "xpu")) else "float32"
    return getattr(torch, precision)


def is_out_of_memory(exc: BaseException) -> bool:
    """Whether a device, or this machine, had too little memory."""
    said = str(exc).lower()
    return isinstance(exc, MemoryError) or "out of memory" in said or "can't allocate memory" in said


def explain_load(what: str, model: str, exc: Exception, *, too_large: str) -> EndpointError:
    """Return the error for weights that could not be loaded; `too_large` is the remedy for too little memory."""
    if isinstance(exc, EndpointError):
        return exc
    if is_out_of_memory(exc):
        return BadConfig(f"{what}: too little memory to load {model}; {too_large}")
    names = {kind.__name__ for kind in type(exc).__mro__} | {type(exc.__cause__).__name__}
    if "GatedRepoError" in names or "gated repo" in str(exc):
        return BadConfig(
            f"{what}: {model} is gated; accept its licence on its page at the hub, then sign in here with "
            "`hf auth login` or the environment variable HF_TOKEN"
        )
    told = " ".join(str(exc).split())[:_SHOWN_CHARACTERS]
    return BadConfig(
        f"{what}: {model} cannot be loaded ({type(exc).__name__}: {told}); give `model` a folder that holds the whole "
        "model, or a name on the hub, and for the first download a connection without HF_HUB_OFFLINE"
    )
