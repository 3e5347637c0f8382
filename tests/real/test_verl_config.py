"""What of verl's config does not go with CASPO is refused, and its options come through Hydra as they were."""

import re
import shlex
from pathlib import Path

import pytest

pytestmark = pytest.mark.verl


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("algorithm.adv_estimator=gae", r"adv_estimator=gae: .* set grpo"),
        ("algorithm.norm_adv_by_std_in_grpo=False", r"norm_adv_by_std_in_grpo=False: .* set True"),
        ("algorithm.rollout_correction.bypass_mode=True", r"bypass_mode=True: .* set False"),
        ("+caspo.teacher=frozen_sft", r"frozen_sft without a reference policy: .*use_kl_loss=True"),
        ("actor_rollout_ref.rollout.n=1", r"rollout\.n=1: a group needs 2 answers"),
    ],
)
def test_a_config_of_verls_that_does_not_go_with_caspo_is_refused(override: str, said: str) -> None:
    from hydra import compose, initialize_config_module

    from caspo.errors import OptionsInvalid
    from caspo.verl_plugin.options import parse_options
    from caspo.verl_plugin.trainer import check_config

    fine = ["algorithm.adv_estimator=grpo", "actor_rollout_ref.rollout.n=2"]
    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose("ppo_trainer", overrides=fine)
        check_config(config, parse_options(config.get("caspo")))
        given = [one for one in fine if one.split("=")[0] != override.split("=")[0]]
        config = compose("ppo_trainer", overrides=[*given, override])
    with pytest.raises(OptionsInvalid, match=said):
        check_config(config, parse_options(config.get("caspo")))


def test_the_options_are_read_as_hydra_reads_them() -> None:
    from hydra import compose, initialize_config_module

    from caspo.presets import get_preset
    from caspo.verl_plugin.options import choose_options, parse_options, write_overrides

    wanted = choose_options(
        get_preset("recommended"), teacher="frozen_original", original_model="/models/before, =sft", clip=4.5
    )
    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose("ppo_trainer", overrides=write_overrides(wanted))
    assert parse_options(config.get("caspo")) == wanted


def test_the_command_of_the_page_is_one_that_verl_takes() -> None:
    from hydra import compose, initialize_config_module
    from verl.utils.config import omega_conf_to_dataclass

    from caspo.verl_plugin.options import parse_options
    from caspo.verl_plugin.trainer import check_config

    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
    (command,) = re.findall(r"python -m verl\.trainer\.main_ppo (.*?)\n\n", page, re.S)
    overrides = shlex.split(command.replace("\\\n", " "))
    batch = ["actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=1", "actor_rollout_ref.actor.ppo_mini_batch_size=8"]
    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose("ppo_trainer", overrides=[*overrides, *batch])
    options = parse_options(config.get("caspo"))
    check_config(config, options)
    assert (options.teacher, options.signal_floor, options.lam) == ("frozen_sft", 0.5, 0.3)
    actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
    assert (actor.kl_loss_coef, actor.loss_agg_mode) == (0.005, "seq-mean-token-mean")
