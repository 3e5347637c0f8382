"""The report of a judge run: the paper's metrics with intervals, coverage, bounds, the panel itself, the worst answers.

Built in the order of the release from the run's files, so that a run that was killed and resumed gives the bytes of an
unbroken one, but for `started_at`. What the calls cost depends on the kills and stands in `spending.json`.
"""

import dataclasses
import json
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np

from endpoints.ledger import Ledger
from judge.benchmark import check_release
from judge.comparisons import OverWarning, over_warning_rate
from judge.config import AnswerConfig, ScoreConfig
from judge.judged_answers import JudgedRun
from judge.metrics import LETTERS, AnswerColumns, GroupSummary, ItemScores, ScoreSummary, ScoreTable, summarize
from judge.panel import (
    JudgedAnswer,
    PanelTally,
    Vote,
    find_family,
    score_by_each,
    score_by_judge,
    score_by_panel,
    shares_family,
)
from judge.report_text import show_markdown
from judge.rubric import DIMENSIONS
from judge.run_folder import RunFolder
from judge.worst_answers import WorstAnswers, describe_worst
from storage.release_files import Release
from storage.release_rows import name_twin

FORMAT = "ood-mmsafe-judge-report/2"
DIGITS = 6
NAMES = dict(zip(LETTERS, DIMENSIONS, strict=True))


def iterate_scores(
    folder: RunFolder, release: Release, *, judge: str | None = None, twins: bool = False
) -> Iterator[ItemScores]:
    """Yield every judgeable answer's score by the panel, or by one `judge`, as rows for the metrics.

    With `twins` only answers to twins, else none of them. Nothing is yielded when the run was never scored.

    Raises:
        RunMissing, ConfigInvalid, LogDamaged: the run's files cannot be used, or the release is not the run's.
        KeyError: no such judge scores this run.
    """
    config = folder.read_score_config()
    if config is None:
        return
    answering = folder.read_answer_config()
    check_release(release, answering.release_digest)
    for answer in JudgedRun(folder, answering=answering, scoring=config).iterate(release, twins=twins):
        yield score_by_judge(answer, judge) if judge else score_by_panel(answer)


def make_report(folder: RunFolder, release: Release) -> dict[str, Any]:
    """Return the report of a run as JSON values; see `make_report_and_rows`."""
    return make_report_and_rows(folder, release)[0]


def make_report_and_rows(folder: RunFolder, release: Release) -> tuple[dict[str, Any], Collection[ItemScores]]:
    """Return the report of a run as JSON values, and the panel's score of every answer that can be judged.

    A run that was not scored yet has neither scores nor rows.

    Raises:
        RunMissing: the run has no answers.
        ConfigInvalid: the release is not the run's.
        LogDamaged: the run's files cannot be read.
    """
    config = folder.read_answer_config()
    check_release(release, config.release_digest)
    scoring = folder.read_score_config()
    run = JudgedRun(folder, answering=config, scoring=scoring)
    report: dict[str, Any] = {
        "format": FORMAT,
        "run": folder.path.name,
        "started_at": folder.started_at.isoformat(),
        "answers_config": config.model_dump(mode="json"),
        "answers": _count_answers(run, [item_id for item_id, _ in release.iterate_row_hashes()], config),
    }
    if config.twins:
        columns = release.iterate_columns("id", "twin_image_sha256")
        names = [name_twin(item_id) for item_id, twin in columns if twin is not None]
        report["twin_answers"] = _count_answers(run, names, config)
    if scoring is None:
        return report, []
    scores, rows = _describe_scores(run, release, config, scoring)
    return report | scores, rows


def _count_answers(run: JudgedRun, names: Sequence[str], config: AnswerConfig) -> dict[str, Any]:
    states: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    cut = 0
    for item_id in names:
        for sample in range(config.samples):
            found = run.get(item_id, sample)
            states[(found.unanswered or "answered") if found else "not_reached"] += 1
            if found and found.unanswered_kind:
                kinds[f"{found.unanswered}: {found.unanswered_kind}"] += 1
            cut += found is not None and found.cut
    wanted = len(names) * config.samples
    return {"wanted": wanted, "states": dict(sorted(states.items())), "why": dict(sorted(kinds.items())), "cut": cut}


def _describe_scores(
    run: JudgedRun, release: Release, config: AnswerConfig, scoring: ScoreConfig
) -> tuple[dict[str, Any], Collection[ItemScores]]:
    roles: tuple[str, ...] = tuple(seat.role for seat in scoring.judges)
    panel, worst = PanelTally(roles), WorstAnswers()
    states: dict[str, Counter[str]] = {role: Counter() for role in roles}
    kinds: Counter[str] = Counter()
    tables, judged = _tabulate(run, release, worst)
    for answer, each, times in judged:
        panel.add(answer, each, times=times)
        for role in roles:
            for vote in answer.votes[role]:
                states[role]["not_reached" if vote is None else vote.unscored or "scored"] += times
    for unscored, kind in run.iterate_failures():
        kinds[f"{unscored}: {kind}"] += 1
    told = {
        "scores_config": scoring.model_dump(mode="json"),
        "judges": [_describe_judge(seat.role, seat.model, config.model, states, panel) for seat in scoring.judges],
        "why_unscored": dict(sorted(kinds.items())),
        "panel": {letter: _describe_panel(panel, NAMES[letter]) for letter in LETTERS},
        "scores": {name: describe_summary(tables[name]) for name in ("panel", *roles)},
        "worst": describe_worst(worst, run, release, scoring),
    }
    if config.twins:
        twins = [score_by_panel(answer) for answer in run.iterate(release, twins=True)]
        told["over_warning"] = describe_over_warning(over_warning_rate(twins, originals=tables["panel"]))
    return told, tables["panel"]


_Kind = tuple[JudgedAnswer, dict[str, ItemScores], int]
"""The first answer with certain votes, every judge's score of it, and how many answers have those votes."""


def _tabulate(run: JudgedRun, release: Release, worst: WorstAnswers) -> tuple[dict[str, ScoreTable], list[_Kind]]:
    """Return the scores of all answers by the panel and by each judge, and the kinds of votes; fill `worst`.

    Answers with equal votes are scored once.
    """
    numbers: dict[tuple[Sequence[Vote | None], ...], int] = {}
    kinds: list[tuple[JudgedAnswer, dict[str, ItemScores]]] = []
    item_ids: list[str] = []
    places: dict[tuple[str, str], int] = {}
    kind_N, place_N, sample_N = array("q"), array("q"), array("q")
    for answer in run.iterate(release):
        votes = tuple(answer.votes.values())
        if (kind := numbers.get(votes)) is None:
            kind = numbers[votes] = len(kinds)
            each = score_by_each(answer)
            kinds.append((answer, {**each, "panel": score_by_panel(answer, each)}))
        item_ids.append(answer.item_id)
        kind_N.append(kind)
        place_N.append(places.setdefault((answer.category, answer.sub_category), len(places)))
        sample_N.append(answer.sample)
        worst.add(answer, kinds[kind][1]["panel"])
    columns = [np.array(column, dtype=np.int64) for column in (place_N, sample_N, kind_N)]
    answers = AnswerColumns(item_ids, list(places), columns[0], columns[1])
    names = ["panel", *(seat for seat in run.roles)]
    tables = {name: ScoreTable(answers, [scores[name] for _, scores in kinds], columns[2]) for name in names}
    times = np.bincount(columns[2], minlength=len(kinds)).tolist()
    return tables, [(*kind, count) for kind, count in zip(kinds, times, strict=True)]


def describe_over_warning(found: OverWarning) -> dict[str, Any]:
    """Return how often twins are warned of, as JSON values; what is undefined is null."""
    covered = found.coverage
    return {
        "answers": covered.answers,
        "scored": covered.scored,
        "refused_by_judge": covered.refused_by_judge,
        "failed": covered.failed,
        "rate": _number(found.rate),
        "rate_interval": _pair(*found.interval),
        "rate_bounds": _pair(*found.bounds),
        "pairs": found.pairs,
        "told_apart": _number(found.told_apart),
        "told_apart_interval": _pair(*found.told_apart_interval),
    }


def describe_summary(rows: Iterable[ItemScores]) -> dict[str, Any]:
    """Return the metrics of `rows` as JSON values: over all, by category and, within it, by sub-category."""
    found = summarize(rows)
    return {
        "all": describe_group(found.overall),
        "categories": {
            category: describe_group(group)
            | {"sub_categories": {name: describe_group(each) for name, each in found.by_sub_category[category].items()}}
            for category, group in found.by_category.items()
        },
    }


def describe_group(group: GroupSummary) -> dict[str, Any]:
    """Return the metrics of a group of items as JSON values; what is undefined is null and `reason` says why."""
    covered = group.coverage
    return {
        "items": group.items,
        "answers": covered.answers,
        "scored": covered.scored,
        "refused_by_judge": covered.refused_by_judge,
        "failed": covered.failed,
        "coverage": _number(covered.share),
        **{letter: _describe_score(group.scores[letter]) for letter in LETTERS},
    }


def _describe_score(score: ScoreSummary) -> dict[str, Any]:
    return {
        "mean": _number(score.mean.value),
        "mean_interval": _pair(score.mean.low, score.mean.high),
        "mean_bounds": _pair(*score.mean_bounds),
        "zero_share": _number(score.zero.value),
        "zero_share_interval": _pair(score.zero.low, score.zero.high),
        "zero_share_wilson": _pair(*score.zero_wilson),
        "zero_share_bounds": _pair(*score.zero_bounds),
        "counts": {f"{value:g}": count for value, count in score.counts.items()},
        "distribution": {f"{value:g}": _number(share) for value, share in score.distribution.items()},
        "reason": score.mean.reason or score.zero.reason,
    }


def _describe_judge(
    role: str, model: str, target: str, states: dict[str, Counter[str]], panel: PanelTally
) -> dict[str, Any]:
    flips = {letter: panel.flip_rate(role, name) for letter, name in NAMES.items()}
    return {
        "role": role,
        "model": model,
        "family": find_family(model),
        "same_family_as_target": shares_family(model, target),
        "states": dict(sorted(states[role].items())),
        "repeated": flips["R"][0],
        "flip_rate": {letter: _round(rate) for letter, (_, rate) in flips.items()},
    }


def _describe_panel(panel: PanelTally, dimension: str) -> dict[str, Any]:
    pairs, differ, distance = panel.disagreement(dimension)
    return {
        "pairs": pairs,
        "differ": _round(differ),
        "mean_distance": _round(distance),
        "effective_votes": _round(panel.effective_votes(dimension)),
        "crossed": [
            {"judges": [one, two], **dict(zip(("scores", "counts"), panel.cross(one, two, dimension), strict=True))}
            for one, two in combinations(panel.roles, 2)
        ],
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _number(value: float) -> float | None:
    return round(float(value), DIGITS) if isfinite(value) else None


def _pair(low: float, high: float) -> list[float] | None:
    return [round(float(low), DIGITS), round(float(high), DIGITS)] if isfinite(low) and isfinite(high) else None


def write_report(report: dict[str, Any], folder: RunFolder) -> None:
    """Write `report.json` and `report.md` into the run's folder."""
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder.path / "report.json").write_text(text, encoding="utf-8")
    (folder.path / "report.md").write_text(show_markdown(report) + "\n", encoding="utf-8")


def describe_spending(ledger: Ledger) -> list[dict[str, Any]]:
    """Return what all calls of a run took, by role and model, as JSON values; a cost that is not known is null."""
    return [
        {"role": role, "model": model, **dataclasses.asdict(totals), "cost_usd": totals.cost_usd}
        for (role, model), totals in sorted(ledger.totals("role", "model").items())
    ]


def write_spending(ledger: Ledger, folder: RunFolder) -> None:
    """Write what all calls of the run took to `spending.json`."""
    text = json.dumps(describe_spending(ledger), indent=1) + "\n"
    (folder.path / "spending.json").write_text(text, encoding="utf-8")
