"""The quick run of the wind tunnel: a real training, minutes long, that must do what it is for."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: run `make setup-models`")

from curator_app.actions.wind_tunnel import TunnelRequest, run

pytestmark = [pytest.mark.models, pytest.mark.timeout(3000)]


def test_a_quick_run_lowers_r_0_and_raises_r_a_on_held_out_scenes(tmp_path: Path) -> None:
    # Of 96 scenes the gate passes four failures at most; another CPU draws other answers, and may miss it by one.
    end = run(TunnelRequest(tmp_path, quick=True, force=True), observer=lambda progress: None)
    arms = {arm["name"]: arm for arm in end.report["arms"]}
    after = arms["recommended"]["pooled"]["new_scenes"]
    teacher = arms["teacher"]["pooled"]["new_scenes"]
    assert teacher["r_0"][0] < 0.15 and teacher["false_alarms"][0] < 0.15, "stage 0 is far from its gate"
    assert end.taught.held, end.taught.words
    assert after["false_alarms"][0] < 0.5
    curves = arms["recommended"]["curves"]
    assert len(curves["kl"]) == end.report["config"]["scale"]["steps"]
    assert "decides no claim" in end.page.read_text(encoding="utf-8")
