"""What a training of a reward model may be told, and that reading it loads no torch."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from caspo.errors import OptionsInvalid
from caspo.reward_model.config import read_config

GIVEN = {"data": "d", "model": "m", "to": "t"}


def test_options_take_the_place_of_the_files(tmp_path: Path) -> None:
    file = tmp_path / "train.yaml"
    file.write_text("data: there\nmodel: m\nto: t\nsteps: 7\n")
    found = read_config(file, {"steps": 9})
    assert (found.data, found.steps, found.gap) == (Path("there"), 9, 4.0)
    assert not {"data", "to", "model"} & set(found.describe())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": "d"}, "model is not given; name it in the file or by --model; to is not given"),
        (GIVEN | {"gaps": 3}, r"gaps=3: there is no such option; known are data, model, to"),
        (GIVEN | {"learning_rate": 3}, r"learning_rate='3': input should be less than 1"),
    ],
)
def test_a_wrong_option_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionsInvalid, match=said):
        read_config(None, given)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("- data")
    with pytest.raises(OptionsInvalid, match=r"train\.yaml holds no fields; see docs/reward-model\.md"):
        read_config(tmp_path / "train.yaml", {})
    with pytest.raises(OptionsInvalid, match=r"none\.yaml cannot be read"):
        read_config(tmp_path / "none.yaml", {})


def test_config_and_verl_reward_load_neither_torch_nor_verl() -> None:
    asked = (
        "import sys, caspo.reward_model.config, caspo.verl_rewards, curator_app.commands.reward_model\n"
        "sys.exit(bool({'torch', 'verl', 'transformers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
