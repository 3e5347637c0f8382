"""Options of the plugin for verl: every one of a method reaches it over the command line, and a wrong one is named."""

import subprocess
import sys
from typing import Any

import pytest
import yaml

from caspo.errors import OptionsInvalid
from caspo.presets import PRESETS, Method
from caspo.verl_plugin.options import VerlOptions, choose_options, parse_options, write_overrides


def read_as_hydra(overrides: list[str]) -> dict[str, Any]:
    """What Hydra makes of `+caspo.name=value` for values without commas or brackets."""
    pairs = [override.removeprefix("+caspo.").split("=", 1) for override in overrides]
    return {name: yaml.safe_load(value) for name, value in pairs}


@pytest.mark.parametrize(
    "options",
    [
        choose_options(PRESETS["recommended"]),
        choose_options(PRESETS["paper"]),
        VerlOptions(teacher="frozen_original", original_model="/models/before sft", mode="token", lam=0.0, clip=5.0),
        VerlOptions(zero_outcome="token", scope="position", eps=1e-4, chunk_rows=64),
    ],
)
def test_options_survive_the_command_line(options: VerlOptions) -> None:
    assert parse_options(read_as_hydra(write_overrides(options))) == options


def test_a_preset_reaches_the_plugin_whole() -> None:
    found = choose_options(PRESETS["recommended"], chunk_rows=8)
    assert (found.teacher, found.signal_floor, found.lam, found.chunk_rows) == ("frozen_sft", 0.5, 1.0, 8)
    left_out = set(Method.model_fields) - set(VerlOptions.model_fields)
    assert left_out == {"beta", "twin_share"}


def test_without_options_it_is_the_papers_method() -> None:
    assert parse_options(None) == parse_options({}) == choose_options(PRESETS["paper"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lamda": 0.3}, r"caspo\.lamda=0\.3: there is no such option; known are mode, lam, teacher"),
        ({"beta": 0.01}, r"caspo\.beta=0\.01: .*actor_rollout_ref\.actor\.kl_loss_coef"),
        ({"twin_share": 0.4}, r"caspo\.twin_share=0\.4: .*when the training file is written"),
        ({"lam": -1}, r"caspo\.lam=-1: input should be greater than or equal to 0; write \+caspo\.lam=VALUE"),
        ({"teacher": "sft"}, r"caspo\.teacher='sft': .*'moving', 'frozen_sft' or 'frozen_original'"),
        (
            {"teacher": "frozen_original"},
            r"teacher=frozen_original with original_model=None: .*\+caspo\.original_model",
        ),
        ({"original_model": "/m"}, r"teacher=moving with original_model=/m: .* no other teacher does"),
        ({"lam": "much", "chunk_rows": 0}, r"caspo\.lam='much': .*; caspo\.chunk_rows=0: "),
    ],
)
def test_a_wrong_option_is_named_with_its_remedy(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionsInvalid, match=said):
        parse_options(given)


def test_a_value_in_place_of_options_is_refused() -> None:
    with pytest.raises(OptionsInvalid, match=r"caspo='hybrid': give options one by one"):
        parse_options("hybrid")  # type: ignore[arg-type]


def test_reading_options_loads_neither_torch_nor_verl() -> None:
    asked = "import sys, caspo.verl_plugin.options; sys.exit(bool({'torch', 'verl', 'ray'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
