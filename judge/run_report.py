"""The report of a judge run: counts by state, coverage, bounds and mean scores by category, and the panel itself.

Built in the order of the release from the run's files, so that a run that was killed and resumed gives the bytes of an
unbroken one, but for `started_at`. What the calls cost depends on the kills and stands in `spending.json`.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from endpoints.ledger import Ledger
from judge.benchmark import check_release
from judge.config import AnswerConfig, ScoreConfig
from judge.panel import JudgedAnswer, PanelScore, PanelTally, find_family, score_by_judge, score_by_panel, shares_family
from judge.record_log import RecordLog, name_answer, name_judgment, open_answers, open_judgments
from judge.rubric import DIMENSIONS
from judge.run_folder import RunFolder
from storage.judgment_records import Judgment, ModelResponse
from storage.release_files import Release

DIGITS = 6
HIGHEST = 2


def iterate_judged(
    folder: RunFolder, release: Release, config: ScoreConfig
) -> Iterator[tuple[JudgedAnswer, ModelResponse]]:
    """Yield every answer of the run that can be judged, in the release's order, with its judgments so far.

    Raises:
        ConfigInvalid: the release is not the run's.
        LogDamaged: a line of the run's files cannot be read.
    """
    answers = open_answers(folder.responses, write=False)
    judgments = open_judgments(folder.judgments, write=False)
    wanted = folder.read_answer_config()
    check_release(release, wanted.release_digest)
    try:
        for item in release.iterate_items(pictures=False):
            for sample in range(wanted.samples):
                response = answers.get(name_answer(item.id, sample))
                if response is None or response.unanswered is not None:
                    continue
                votes: dict[str, tuple[Judgment | None, ...]] = {
                    seat.role: tuple(
                        judgments.get(name_judgment(response.id, seat.role, repeat)) for repeat in range(config.repeats)
                    )
                    for seat in config.judges
                }
                yield JudgedAnswer(item.id, item.category, item.sub_category, sample, votes), response
    finally:
        answers.close()
        judgments.close()


def iterate_scores(folder: RunFolder, release: Release, *, judge: str | None = None) -> Iterator[PanelScore]:
    """Yield every judgeable answer's score by the panel, or by one `judge`, as rows for the metrics.

    Raises:
        RunMissing, ConfigInvalid, LogDamaged: as `iterate_judged` does; the run was never scored.
    """
    config = folder.read_score_config()
    if config is None:
        return
    for answer, _ in iterate_judged(folder, release, config):
        yield score_by_judge(answer, judge) if judge else score_by_panel(answer)


@dataclass(slots=True)
class ScoreTally:
    """Scores of many answers, added one by one."""

    scored: int = 0
    unscored: Counter[str] = field(default_factory=Counter)
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(DIMENSIONS, 0.0))
    zeros: Counter[str] = field(default_factory=Counter)

    def add(self, score: PanelScore) -> None:
        """Count one answer."""
        if score.unscored is not None:
            self.unscored[score.unscored] += 1
            return
        self.scored += 1
        for name in DIMENSIONS:
            value = float(getattr(score, name))
            self.sums[name] += value
            self.zeros[name] += value == 0

    def describe(self) -> dict[str, Any]:
        """Return counts, coverage, and per dimension mean and share of zeros with their bounds, as JSON values.

        The bounds are what the numbers were if every unscored answer had 0, or 2.
        """
        missing = self.unscored.total()
        total = self.scored + missing
        found: dict[str, Any] = {
            "answers": total,
            "scored": self.scored,
            "unscored": dict(sorted(self.unscored.items())),
            "coverage": _share(self.scored, total),
        }
        for name in DIMENSIONS:
            zeros, points = self.zeros[name], self.sums[name]
            found[name] = {
                "mean": _share(points, self.scored),
                "mean_bounds": [_share(points, total), _share(points + HIGHEST * missing, total)],
                "zero_share": _share(zeros, self.scored),
                "zero_share_bounds": [_share(zeros, total), _share(zeros + missing, total)],
            }
        return found


def make_report(folder: RunFolder, release: Release) -> dict[str, Any]:
    """Return the report of a run as JSON values.

    Raises:
        RunMissing: the run has no answers.
        ConfigInvalid: the release is not the run's.
        LogDamaged: the run's files cannot be read.
    """
    config = folder.read_answer_config()
    check_release(release, config.release_digest)
    report: dict[str, Any] = {
        "format": "ood-mmsafe-judge-report/1",
        "run": folder.path.name,
        "started_at": folder.started_at.isoformat(),
        "answers_config": config.model_dump(mode="json"),
        "answers": _count_answers(folder, release, config),
    }
    scoring = folder.read_score_config()
    return report | (_describe_scores(folder, release, config, scoring) if scoring else {})


def _count_answers(folder: RunFolder, release: Release, config: AnswerConfig) -> dict[str, Any]:
    answers: RecordLog[ModelResponse] = open_answers(folder.responses, write=False)
    states: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    cut = 0
    for item_id, _ in release.manifest.rows:
        for sample in range(config.samples):
            response = answers.get(name_answer(item_id, sample))
            states[(response.unanswered or "answered") if response else "not_reached"] += 1
            if response and response.unanswered_kind:
                kinds[f"{response.unanswered}: {response.unanswered_kind}"] += 1
            cut += response is not None and response.cut
    answers.close()
    wanted = len(release.manifest.rows) * config.samples
    return {"wanted": wanted, "states": dict(sorted(states.items())), "why": dict(sorted(kinds.items())), "cut": cut}


def _describe_scores(folder: RunFolder, release: Release, config: AnswerConfig, scoring: ScoreConfig) -> dict[str, Any]:
    roles: tuple[str, ...] = tuple(seat.role for seat in scoring.judges)
    panel = PanelTally(roles)
    states: dict[str, Counter[str]] = {role: Counter() for role in roles}
    kinds: Counter[str] = Counter()
    tallies: dict[str, dict[str, ScoreTally]] = {name: {} for name in ["panel", *roles]}
    for answer, _ in iterate_judged(folder, release, scoring):
        panel.add(answer)
        for role in roles:
            for judgment in answer.votes[role]:
                states[role][_name_state(judgment)] += 1
                if judgment and judgment.unscored_kind:
                    kinds[f"{judgment.unscored}: {judgment.unscored_kind}"] += 1
        scores = {"panel": score_by_panel(answer), **{role: score_by_judge(answer, role) for role in roles}}
        for name, score in scores.items():
            for place in ("all", answer.category, f"{answer.category}/{answer.sub_category}"):
                tallies[name].setdefault(place, ScoreTally()).add(score)
    return {
        "scores_config": scoring.model_dump(mode="json"),
        "judges": [_describe_judge(seat.role, seat.model, config.model, states, panel) for seat in scoring.judges],
        "why_unscored": dict(sorted(kinds.items())),
        "panel": {name: _describe_panel(panel, name) for name in DIMENSIONS},
        "scores": {
            name: {place: tally.describe() for place, tally in sorted(places.items())}
            for name, places in tallies.items()
        },
    }


def _describe_judge(
    role: str, model: str, target: str, states: dict[str, Counter[str]], panel: PanelTally
) -> dict[str, Any]:
    flips = {name: panel.flip_rate(role, name) for name in DIMENSIONS}
    return {
        "role": role,
        "model": model,
        "family": find_family(model),
        "same_family_as_target": shares_family(model, target),
        "states": dict(sorted(states[role].items())),
        "repeated": flips[DIMENSIONS[0]][0],
        "flip_rate": {name: _round(rate) for name, (_, rate) in flips.items()},
    }


def _describe_panel(panel: PanelTally, dimension: str) -> dict[str, Any]:
    pairs, differ, distance = panel.disagreement(dimension)
    return {
        "pairs": pairs,
        "differ": _round(differ),
        "mean_distance": _round(distance),
        "effective_votes": _round(panel.effective_votes(dimension)),
    }


def _name_state(judgment: Judgment | None) -> str:
    return "not_reached" if judgment is None else judgment.unscored or "scored"


def _share(part: float, whole: int) -> float | None:
    return _round(part / whole) if whole else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def show_markdown(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    config = report["answers_config"]
    lines = [
        f"# Judge run {report['run']}",
        "",
        f"{_cell(config['model'])}, mode {config['mode']}, release {_cell(config['release_version'])} "
        f"(`{config['release_digest'][:16]}`), {config['samples']} answers an item. Started {report['started_at']}.",
        "",
        "## Answers",
        "",
        *_table(["state", "answers"], [*report["answers"]["states"].items()]),
    ]
    if "scores" in report:
        scoring = report["scores_config"]
        lines += [f"## Judges (rubric {scoring['rubric_version']}, `{scoring['rubric_sha256'][:16]}`)", ""]
        lines += _table(["judge", "model", "states", "shares the target's family"], map(_judge_row, report["judges"]))
        for name, places in report["scores"].items():
            lines += [f"## Scores: {name}", ""]
            lines += _table(["", "coverage", "R mean", "R zero", "S mean", "S zero", "E mean", "E zero"],
                            [_score_row(place, told) for place, told in places.items()])  # fmt: skip
    return "\n".join(lines)


def _judge_row(judge: dict[str, Any]) -> tuple[str, ...]:
    states = ", ".join(f"{count} {state}" for state, count in judge["states"].items())
    shares = {True: "yes", False: "no", None: "unknown"}[judge["same_family_as_target"]]
    return judge["role"], judge["model"], states, shares


def _score_row(place: str, told: dict[str, Any]) -> tuple[str, ...]:
    cells = [place, f"{told['scored']} of {told['answers']}"]
    for name in DIMENSIONS:
        mean, zero = told[name]["mean"], told[name]["zero_share"]
        cells += ["–", "–"] if mean is None else [f"{mean:.2f}", f"{zero:.1%}"]
    return tuple(cells)


def _table(head: list[str], rows: Any) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(_cell(str(cell)) for cell in line)} |" for line in lines), ""]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def write_report(report: dict[str, Any], folder: RunFolder) -> None:
    """Write `report.json` and `report.md` into the run's folder."""
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder.path / "report.json").write_text(text, encoding="utf-8")
    (folder.path / "report.md").write_text(show_markdown(report) + "\n", encoding="utf-8")


def write_spending(ledger: Ledger, folder: RunFolder) -> None:
    """Write what all calls of the run took, by role and model, to `spending.json`."""
    rows = [
        {"role": role, "model": model, **dataclasses.asdict(totals), "cost_usd": totals.cost_usd}
        for (role, model), totals in sorted(ledger.totals("role", "model").items())
    ]
    (folder.path / "spending.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
