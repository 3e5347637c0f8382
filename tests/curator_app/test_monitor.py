"""`curator caspo monitor` and the part of a page that shows the same: what they say, of what, and when again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_html import HOSTILE, Attributes
from standalone_pages import Tags
from typer.testing import CliRunner, Result

from curator_app.actions import monitor_page
from curator_app.actions.curves import draw_panel
from curator_app.actions.monitor_page import find_alarms, render_monitor
from curator_app.actions.training_monitor import watch
from curator_app.cli import app


def write_run(folder: Path, *, kl: float = 0.05, steps: int = 20, looks: bool = True) -> Path:
    """A run on verl whose divergence rises to `kl`."""
    lines = []
    for step in range(1, steps + 1):
        data = {
            "caspo/reward_mean": 3.0,
            "actor/entropy": 1.5,
            "actor/kl_loss": kl * step / steps,
            "caspo/capped": 0.02,
        }
        data |= {"caspo/signal_mean": -0.1, "caspo/signal_p01": -1.0, "caspo/signal_p99": 0.5, "caspo/signal_std": 0.4}
        if looks and step % 10 == 0:
            data |= {"caspo/held_out_r": step / 20, "caspo/held_out_reward": 2.0, "caspo/held_out_false_alarms": 0.01}
        lines.append(json.dumps({"step": step, "data": data}) + "\n")
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints" / "metrics.jsonl").write_text("".join(lines))
    return folder


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    monitor_page._followers.clear()
    yield
    monitor_page._followers.clear()


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["caspo", "monitor", *map(str, words)])


# --- the command


def test_a_healthy_run_ends_with_code_0_and_an_alarmed_one_with_3(tmp_path: Path) -> None:
    done = run(write_run(tmp_path / "good"))
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "0 alarms.")
    assert "Step 20" in done.output and "Held-out R_A" in done.output
    done = run(write_run(tmp_path / "bad", kl=1.0))
    assert done.exit_code == 3
    assert "ALARM The policy runs away from where it began (kl_runaway)" in done.output
    assert "0.775 nats a token at step 20; more than 0.1 since step" in done.output


def test_json_is_one_line_that_holds_all(tmp_path: Path) -> None:
    done = run(write_run(tmp_path, kl=1.0), "--json")
    told = json.loads(done.output)
    assert done.exit_code == 3
    assert [alarm["kind"] for alarm in told["alarms"]] == ["kl_runaway"]
    assert told["series"]["held_out_r"] == [[10, 0.5], [20, 1.0]]


def test_a_folder_without_a_log_is_no_error_and_one_that_is_not_there_is(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.exit_code, "holds no log of a training" in done.output) == (0, True)
    done = run(tmp_path / "gone")
    assert done.exit_code == 1
    assert "gone is not there; name the folder of a training" in str(done.exception)


def test_it_follows_a_run_and_speaks_when_a_step_was_made(tmp_path: Path) -> None:
    write_run(tmp_path, steps=2)
    turns = iter(
        [lambda: None, lambda: write_run(tmp_path, steps=3), lambda: None, lambda: write_run(tmp_path, steps=4)]
    )
    seen = []
    for series, shown in watch(tmp_path, as_json=False, follow=True, wait=lambda seconds: next(turns)()):
        seen.append((series.last_step, shown.splitlines()[0]))
        if series.last_step == 4:
            break
    assert seen == [(2, "Step 2"), (3, "Step 3"), (4, "Step 4")]


def test_interrupted_it_ends_as_the_run_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("curator_app.actions.training_monitor.watch.__kwdefaults__", {"wait": interrupt})
    assert run(write_run(tmp_path / "good"), "--follow").exit_code == 0
    assert run(write_run(tmp_path / "bad", kl=1.0), "--follow").exit_code == 3


# --- the part of a page


def test_one_run_shows_alarms_curves_and_figures(tmp_path: Path) -> None:
    html = render_monitor([write_run(tmp_path, kl=1.0)])
    tags = Tags(html)
    assert "The policy runs away from where it began" in tags.text and "since step" in tags.text
    assert "Raise beta (changes: {beta: 0.05})" in tags.text
    assert tags.text.count("alarm") >= 1 and "No alarm." not in tags.text
    titles = (
        "Reward",
        "Entropy",
        "KL from the start",
        "Cut off at the cap",
        "False alarms",
        "Mean of r",
        "Spread of r",
    )
    for title in titles:
        assert title in tags.text
    assert html.count("<svg") == len(titles) + 1  # and held-out R_A
    assert "Held-out R<sub>A</sub>" not in html and '<span class="cu-math">R<sub>A</sub></span>' in html
    assert "nan" not in html.lower().replace("nats", "")
    assert [alarm.kind for alarm in find_alarms(tmp_path)] == ["kl_runaway"]


def test_the_band_of_r_lies_between_its_percentiles(tmp_path: Path) -> None:
    html = render_monitor([write_run(tmp_path, steps=12)])
    (panel,) = [part for part in html.split("<section")[2:] if "<h3>Mean of r" in part]
    # 1.5 nats from percentile 1 to 99: the band reaches from the top to the bottom, the line lies at 0.6 of 1.5
    assert 'class="cu-curve-band" data-series="1" d="M0.00 0.00L' in panel and "L0.00 100.00Z" in panel
    assert 'class="cu-curve" data-series="1" d="M0.00 40.00L' in panel


def test_several_are_compared_by_name(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / name, kl=kl) for name, kl in (("a", 0.05), ("b", 1.0))]
    text = Tags(render_monitor(folders, names=[HOSTILE, "second"])).text
    assert "second: The policy runs away" in text
    assert f"{HOSTILE}, step 20" in text and "second, step 20" in text
    html = render_monitor(folders, names=[HOSTILE, "second"])
    assert not {"script", "img", "iframe"} & set(Attributes(html).tags)
    assert (
        html.count('<path class="cu-curve" data-series="2"') == html.count('<path class="cu-curve" data-series="1"') > 8
    )


def test_more_than_six_are_not_drawn(tmp_path: Path) -> None:
    text = Tags(render_monitor([write_run(tmp_path / str(number)) for number in range(8)])).text
    assert "2 further runs are not shown: 6 at a time." in text
    assert "5, step 20" in text and "6, step 20" not in text


def test_a_run_that_has_logged_nothing_says_so(tmp_path: Path) -> None:
    text = Tags(render_monitor([tmp_path])).text
    assert "nothing has been logged yet" in text and "No alarm." not in text
    text = Tags(render_monitor([tmp_path, write_run(tmp_path / "run")], names=["first", "second"])).text
    assert "first: " in text and "nothing has been logged yet" in text and "second, step 20" in text
    assert "No held-out R, S, E" not in text


def test_of_a_single_step_nothing_is_said_twice(tmp_path: Path) -> None:
    one, two = (render_monitor([write_run(tmp_path / f"{n}", steps=n, looks=False)]) for n in (1, 2))
    assert ">step 1<" in one and ">first<" not in one and "<svg" not in one and "from the second step on" in one
    assert ">step 2<" in two and ">first<" in two and "<svg" in two and "from the second step on" not in two


def test_what_cannot_be_watched_is_said(tmp_path: Path) -> None:
    assert "Nothing held out was looked at" in Tags(render_monitor([write_run(tmp_path, looks=False)])).text


def test_a_second_look_reads_what_is_new(tmp_path: Path) -> None:
    folder = write_run(tmp_path, steps=3)
    assert "step 3" in render_monitor([folder])
    first = monitor_page._followers[folder]
    write_run(tmp_path, steps=5)
    assert "step 5" in render_monitor([folder])
    assert monitor_page._followers[folder] is first
    for number in range(40):
        render_monitor([tmp_path / f"none-{number}"])
    assert len(monitor_page._followers) == 32 and folder not in monitor_page._followers


def test_points_stand_at_their_steps() -> None:
    panel = draw_panel([("a", 1, [(0, 1.0, 1.0, 1.0), (5, 2.0, 2.0, 2.0), (20, 4.0, 3.0, 4.0)])], "T", "u")
    assert panel.lines[0].path == "M0.00 75.00L25.00 50.00L100.00 0.00"
    assert panel.lines[0].band == "M0.00 75.00L25.00 50.00L100.00 0.00L100.00 25.00L25.00 50.00L0.00 75.00Z"
    assert (panel.first, panel.steps, panel.low, panel.high) == (0, 20, "0", "4")
    below = draw_panel([("a", 1, [(3, -1.0, -1.0, -1.0)])], "T", "u")
    assert (below.lines[0].path, below.low, below.high) == ("M0.00 100.00L3.00 100.00", "-1", "0")
