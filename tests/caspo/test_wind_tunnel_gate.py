"""The gate before RL, from made-up figures: each thing that can be wrong is found and named."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from caspo.errors import RunMismatch
from caspo.wind_tunnel.gate import GateResult, ModeFigures, judge_figures, read_figures, write_figures
from caspo.wind_tunnel.lessons import PhaseConfig
from caspo.wind_tunnel.stage_zero import StageZeroConfig

TEACHER = ModeFigures(
    r=1.9, s=1.9, e=1.9, r_0=0.02, false_alarms=0.01, twin_e=1.9, entropy=0.5, length=30, risk_right=0.97
)
STANDARD = TEACHER.model_copy(update={"r": 0.2, "s": 0.2, "e": 0.2, "r_0": 0.85, "length": 14})


def judge(*, teacher: dict[str, float] | None = None, standard: dict[str, float] | None = None) -> GateResult:
    """Return the gate's word on good figures with some of them changed."""
    figures = {
        "base_standard": STANDARD,
        "base_constitution": TEACHER,
        "sft_standard": STANDARD.model_copy(update=standard or {}),
        "sft_constitution": TEACHER.model_copy(update=teacher or {}),
    }
    return judge_figures({"new_scenes": figures, "new_hazards": figures})


def test_a_good_model_passes() -> None:
    assert (judge().passed, judge().reasons) == (True, ())


def test_a_model_that_always_warns_fails_for_its_false_alarms() -> None:
    found = judge(teacher={"r_0": 0.0, "false_alarms": 1.0}, standard={"r_0": 0.0, "false_alarms": 1.0})
    assert not found.passed
    assert found.reasons == (
        "the teacher warns of 100.0% of twins, not under 5%",
        "the standard mode warns of 100.0% of twins, not under 5%",
        "the standard mode overlooks only 0.0% of hazards, not 60%: nothing is left to learn",
    )


@pytest.mark.parametrize(
    ("teacher", "standard", "reason"),
    [
        ({"r_0": 0.05}, {}, "the teacher overlooks 5.0% of hazards"),
        ({"false_alarms": 0.05}, {}, "the teacher warns of 5.0% of twins"),
        ({}, {"risk_right": 0.5}, "answers 50.0% of risk questions rightly, not 90%"),
        ({}, {"false_alarms": 0.08}, "the standard mode warns of 8.0% of twins"),
        ({}, {"r_0": 0.3}, "overlooks only 30.0% of hazards"),
    ],
)
def test_each_failing_is_named_alone(teacher: dict[str, float], standard: dict[str, float], reason: str) -> None:
    found = judge(teacher=teacher, standard=standard)
    assert not found.passed
    assert len(found.reasons) == 1
    assert reason in found.reasons[0]


def test_hazards_that_rl_never_sees_do_not_decide() -> None:
    figures = {name: dict(modes) for name, modes in judge().figures.items()}
    figures["new_hazards"]["sft_constitution"] = TEACHER.model_copy(update={"r_0": 0.9})
    assert judge_figures(figures).passed


def test_figures_come_back_as_they_were_kept(tmp_path: Path) -> None:
    file = tmp_path / "gate.json"
    write_figures(file, judge().figures)
    assert read_figures(file) == judge().figures
    assert [one.name for one in tmp_path.iterdir()] == ["gate.json"]
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(RunMismatch, match=r"(?s)gate\.json cannot be read .* remove it"):
        read_figures(file)


def test_the_config_is_strict_and_loads_no_torch() -> None:
    assert StageZeroConfig(seed=1) != StageZeroConfig()
    for wrong in ({"steps": 3}, {"feature_norm": 0}, {"know": {"steps": 3, "guided_appraising": 2, "appraising": 0}}):
        with pytest.raises(ValidationError):
            StageZeroConfig.model_validate(wrong)
    assert PhaseConfig(steps=1, guided_appraising=1, appraising=0).risk_share > 0
    asked = "import sys, caspo.wind_tunnel.reward, caspo.wind_tunnel.stage_zero; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
