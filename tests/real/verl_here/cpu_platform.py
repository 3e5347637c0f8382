"""A platform for verl that is this CPU, so that its real programs run in tests; nobody should train so."""

import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed
from verl.plugin.platform.platform_base import PlatformBase
from verl.plugin.platform.platform_manager import PlatformRegistry


class CpuModule(types.ModuleType):
    """What verl asks of `torch.cuda`, answered for a CPU."""

    NOTHING = frozenset(
        {"empty_cache", "ipc_collect", "reset_peak_memory_stats", "set_device", "manual_seed", "manual_seed_all"}
    )
    NO_BYTES = frozenset({"max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved"})

    def __getattr__(self, name: str) -> Any:
        if hasattr(torch.cpu, name):
            return getattr(torch.cpu, name)
        if name in self.NOTHING:
            return lambda *_, **__: None
        if name in self.NO_BYTES:
            return lambda *_, **__: 0
        others = {
            "mem_get_info": lambda *_: (0, 0),
            "get_device_name": lambda *_: "CPU",
            "get_rng_state": lambda *_: torch.get_rng_state(),
            "set_rng_state": lambda state, *_: torch.set_rng_state(state),
        }
        if name not in others:
            raise AttributeError(name)
        return others[name]


@PlatformRegistry.register(platform="cpu")
class CpuPlatform(PlatformBase):  # type: ignore[misc]
    """Ray counts this CPU as one GPU (`ray_init.num_gpus=1`)."""

    device_name = vendor_name = "cpu"
    device_module = CpuModule("verl_cpu_device")

    def is_available(self) -> bool:
        return True

    def is_platform_available(self, use_smi_check: bool = False) -> bool:
        return False

    def current_device(self) -> str:
        return "cpu"

    def device_count(self) -> int:
        return 1

    def set_device(self, device_index: int) -> None:
        pass

    def synchronize(self, device_index: int | None = None) -> None:
        pass

    def manual_seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    manual_seed_all = manual_seed

    def set_allocator_settings(self, settings: str) -> None:
        pass

    def empty_cache(self) -> None:
        pass

    def get_device_capability(self, device_index: int = 0) -> tuple[None, None]:
        return None, None

    def communication_backend_name(self) -> str:
        return "gloo"

    def visible_devices_envvar(self) -> str:
        return "CPU_VISIBLE_DEVICES"

    @contextmanager
    def nvtx_range(self, msg: str) -> Iterator[None]:
        yield

    def profiler_start(self) -> None:
        pass

    profiler_stop = profiler_start

    def ray_resource_name(self) -> str:
        return "GPU"

    def ray_resource_options(self, num_gpus: float) -> dict[str, float]:
        return {"num_gpus": num_gpus}

    def ray_noset_envvars(self) -> list[str]:
        return []

    def is_ipc_supported(self) -> bool:
        return False

    def cudart(self) -> None:
        return None


def _accept_one_backend() -> None:
    """verl names a backend for the CPU and one for the device: here twice the same, which torch refuses."""
    start = torch.distributed.init_process_group

    def init_process_group(backend: str | None = None, *args: Any, **named: Any) -> Any:
        return start("cpu:gloo" if backend == "cpu:gloo,cpu:gloo" else backend, *args, **named)

    torch.distributed.init_process_group = init_process_group


_accept_one_backend()
torch.Tensor.pin_memory = lambda self, *_, **__: self  # verl pins the reference policy's weights; that needs a GPU
