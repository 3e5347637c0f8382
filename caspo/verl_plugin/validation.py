"""Whether verl takes overrides, asked of its own config classes: `python -m caspo.verl_plugin.validation STAGE < SETS`.

STAGE is `train` or `sft`. Reads a JSON list of lists of overrides, writes a JSON list with the complaint about each,
null where there is none. Composes verl's own files with Hydra, as `main_ppo` and `sft_trainer` do, and starts nothing.
"""

import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import verl.trainer.config
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.utils.config import omega_conf_to_dataclass, validate_config

from caspo.errors import CaspoError
from caspo.verl_plugin.options import parse_options
from caspo.verl_plugin.trainer import check_config

_PARTS = (
    "algorithm", "actor_rollout_ref.actor", "actor_rollout_ref.rollout",
    "actor_rollout_ref.ref.fsdp_config",
)  # fmt: skip
"""Those with classes of verl's that need no model and can be made: in 0.9.1 not `reward`'s, and `ref` has none."""
_SFT_PARTS = ("engine", "optim", "checkpoint")
_FILES = {"train": "ppo_trainer", "sft": "sft_trainer_engine"}


def compose_config(overrides: Sequence[str], stage: str = "train") -> DictConfig:
    """Return verl's config with the overrides, as its program gets it.

    Raises:
        HydraException: One of them is none, or names what verl has not.
    """
    folder = Path(verl.trainer.config.__file__).parent
    with initialize_config_dir(config_dir=str(folder), version_base=None):
        return compose(_FILES[stage], overrides=[one for one in overrides if not one.startswith("hydra.")])


def find_complaint(overrides: Sequence[str], stage: str = "train") -> str | None:
    """Return what verl, or the plugin, has against the overrides; None: nothing."""
    try:
        config = compose_config(overrides, stage)
        OmegaConf.resolve(config)
        if stage == "train":
            validate_config(config, need_reference_policy(config), need_critic(config))
        for name in _PARTS if stage == "train" else _SFT_PARTS:
            omega_conf_to_dataclass(OmegaConf.select(config, name))
        if stage == "train":
            check_config(config, parse_options(config.get("caspo")))
    except (HydraException, OmegaConfBaseException, CaspoError, ValueError, TypeError, AssertionError) as exc:
        return f"{type(exc).__name__}: {exc}"
    return None


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # verl prints that it is content
        complaints = [find_complaint(overrides, sys.argv[1]) for overrides in json.load(sys.stdin)]
    json.dump(complaints, sys.stdout)
