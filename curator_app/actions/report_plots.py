"""What the plots of a report's page show: dots with intervals, stacked bars and crossed scores, as plain values.

A plot is drawn as rows of text with a scale beside them, so that it reads on a phone, in both themes and without
seeing it. Positions are per cent of the scale's width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from judge.failure_markdown import name_categories, name_labels, name_models
from judge.metrics import LETTERS
from judge.report_text import (
    LETTER_NAMES,
    show_mean,
    show_mean_range,
    show_name,
    show_share,
    show_share_range,
)

Report = dict[str, Any]


@dataclass(frozen=True)
class Dot:
    """One value with its interval."""

    name: str
    series: int
    """Number of the shape and colour, from 1."""
    value: str
    interval: str
    of: str
    """Of how many answers."""
    at: float | None
    """None: there is no value."""
    low: float | None
    high: float | None


@dataclass(frozen=True)
class DotGroup:
    """Values that stand together, one a run or a judge."""

    name: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class DotPlot:
    """Groups of values on one scale."""

    title: str
    note: str
    groups: tuple[DotGroup, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Piece:
    """A part of a bar."""

    name: str
    shade: str
    """Its colour by name: a score or a state."""
    count: int
    share: float


@dataclass(frozen=True)
class Bar:
    """Counts that add up to a whole."""

    name: str
    pieces: tuple[Piece, ...]
    total: int


@dataclass(frozen=True)
class Crossed:
    """Answers by two scores: rows by one scorer, columns by the other."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[tuple[int, float, bool], ...], ...]
    """(answers, strength of the colour from 0 to 1, both scores are equal)."""
    note: str


@dataclass(frozen=True)
class HeatCell:
    """One share of a heat map."""

    shown: str
    """Per cent; a dash of nothing."""
    told: str
    """The counts behind it."""
    strength: float
    """Of the colour, from 0 to 1."""


@dataclass(frozen=True)
class HeatMap:
    """Shares by failure (rows) and category (columns)."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[tuple[str, int], ...]
    """Name, and of how many answers."""
    cells: tuple[tuple[HeatCell, ...], ...]


@dataclass(frozen=True)
class Measure:
    """How one of X_A and X_0 is read and drawn."""

    kind: str
    interval: str
    highest: float
    show: Callable[[float | None], str]
    show_range: Callable[[Sequence[float] | None], str]
    ticks: tuple[tuple[float, str], ...]


MEAN = Measure(
    "mean", "mean_interval", 2.0, show_mean, show_mean_range,
    ((0, "0"), (25, "0.5"), (50, "1"), (75, "1.5"), (100, "2")),
)  # fmt: skip
ZERO = Measure(
    "zero_share", "zero_share_wilson", 1.0, show_share, show_share_range,
    ((0, "0"), (25, "25"), (50, "50"), (75, "75"), (100, "100%")),
)  # fmt: skip


def make_dot(group: dict[str, Any], letter: str, measure: Measure, *, name: str, series: int) -> Dot:
    """Return X_A or X_0 of a group of items as a dot."""
    score = group[letter]
    value, ends = score[measure.kind], score[measure.interval]

    def place(number: float) -> float:
        return round(100 * number / measure.highest, 2)

    return Dot(
        name=name,
        series=series,
        value=measure.show(value),
        interval=measure.show_range(ends),
        of=f"{group['scored']} of {group['answers']} scored",
        at=None if value is None else place(value),
        low=place(ends[0]) if ends else None,
        high=place(ends[1]) if ends else None,
    )


def plot_letters(runs: Sequence[tuple[str, Report]], measure: Measure, *, title: str, note: str) -> DotPlot:
    """Return R, S and E of every run (name, report) on one scale."""
    groups = [
        DotGroup(
            f"{letter} · {LETTER_NAMES[letter]}",
            tuple(
                make_dot(report["scores"]["panel"]["all"], letter, measure, name=name, series=number)
                for number, (name, report) in enumerate(runs, 1)
            ),
        )
        for letter in LETTERS
    ]
    return DotPlot(title, note, tuple(groups), measure.ticks)


def plot_categories(
    runs: Sequence[tuple[str, Report]], measure: Measure, *, letter: str, title: str, note: str
) -> DotPlot:
    """Return one of R, S, E by category of every run, and over all."""
    categories = sorted({name for _, report in runs for name in report["scores"]["panel"]["categories"]})
    groups = [DotGroup("All", _dots(runs, measure, letter, None))]
    groups += [DotGroup(show_name(name), _dots(runs, measure, letter, name)) for name in categories]
    return DotPlot(title, note, tuple(groups), measure.ticks)


def _dots(runs: Sequence[tuple[str, Report]], measure: Measure, letter: str, category: str | None) -> tuple[Dot, ...]:
    dots = []
    for number, (name, report) in enumerate(runs, 1):
        panel = report["scores"]["panel"]
        group = panel["all"] if category is None else panel["categories"].get(category)
        if group is not None:
            dots.append(make_dot(group, letter, measure, name=name, series=number))
    return tuple(dots)


def plot_judges(report: Report, measure: Measure, *, title: str, note: str) -> DotPlot:
    """Return R, S and E by every judge of one run and by the panel."""
    models = {judge["role"]: judge["model"] for judge in report["judges"]}
    groups = [
        DotGroup(
            f"{letter} · {LETTER_NAMES[letter]}",
            tuple(
                make_dot(scores["all"], letter, measure, name=models.get(role, "Panel"), series=number)
                for number, (role, scores) in enumerate(report["scores"].items(), 1)
            ),
        )
        for letter in LETTERS
    ]
    return DotPlot(title, note, tuple(groups), measure.ticks)


def bar_scores(report: Report, letter: str, *, name: str) -> Bar:
    """Return how many answers scored 0, ½, 1, 1½ and 2; a score between two of these is shown with the next halves."""
    counts = {float(score): count for score, count in report["scores"]["panel"]["all"][letter]["counts"].items()}
    halves = {step / 2: 0 for step in range(5)}
    for score, count in counts.items():
        halves[to_half(score)] += count
    total = sum(halves.values())
    pieces = [
        Piece(_name_half(score), f"score-{int(2 * score)}", count, count / total if total else 0.0)
        for score, count in halves.items()
        if count
    ]
    return Bar(name, tuple(pieces), total)


def to_half(score: float) -> float:
    """Return 0 and 2 for themselves only: what a judge of several gave is not a zero of all."""
    return score if score in (0.0, 2.0) else min(1.5, max(0.5, round(2 * score) / 2))


def _name_half(score: float) -> str:
    whole = int(score)
    return f"{whole or ''}½" if score % 1 else str(whole)


def plot_shares(rows: Sequence[dict[str, Any]], *, title: str, note: str) -> DotPlot:
    """Return for each row of a token-shift report two shares: of the tokens that moved most, and of all tokens."""
    drawn = [share for row in rows for share in (row["share_of_all"], row["share"], *(row["interval"] or ())) if share]
    highest = next(limit for limit in (0.25, 0.5, 1.0) if max(drawn, default=0.0) <= limit)

    def place(share: float | None) -> float | None:
        return None if share is None else round(100 * share / highest, 2)

    groups = []
    for row in rows:
        low, high = row["interval"] or (None, None)
        moved = Dot(
            row["name"], 1, show_share(row["share"]), show_share_range(row["interval"]), f"{row['selected']} tokens",
            place(row["share"]), place(low), place(high),
        )  # fmt: skip
        told = show_share(row["share_of_all"])
        usual = Dot("of all tokens", 2, told, "", f"{told} of all tokens", place(row["share_of_all"]), None, None)
        groups.append(DotGroup(row["name"].capitalize(), (moved, usual)))
    ticks = tuple((25.0 * step, f"{25 * step * highest:g}{'%' if step == 4 else ''}") for step in range(5))
    return DotPlot(title, note, tuple(groups), ticks)


STATES = {
    "scored": ("scored", "good"),
    "answered": ("answered", "good"),
    "refused_by_provider": ("refused by provider", "warn"),
    "refused_by_judge": ("refused by judge", "warn"),
    "failed": ("failed", "bad"),
    "not_asked": ("not asked", "quiet"),
    "not_reached": ("not reached yet", "none"),
}
"""State -> its words and its colour, in the order of the bar."""


def bar_states(states: dict[str, int], *, name: str) -> Bar:
    """Return what became of answers or of judgments."""
    total = sum(states.values())
    pieces = [
        Piece(words, shade, states[state], states[state] / total)
        for state, (words, shade) in STATES.items()
        if states.get(state)
    ]
    return Bar(name, tuple(pieces), total)


def cross_judges(report: Report) -> list[Crossed]:
    """Return for every pair of judges and each of R, S, E how their scores fall together."""
    models = {judge["role"]: judge["model"] for judge in report["judges"]}
    if len(set(models.values())) < len(models):
        models = {role: f"{model} ({role})" for role, model in models.items()}
    found = []
    for letter in LETTERS:
        for pair in report["panel"][letter]["crossed"]:
            one, two = (models[role] for role in pair["judges"])
            counts = pair["counts"]
            total = sum(map(sum, counts))
            apart = total - sum(row[place] for place, row in enumerate(counts))
            told = f"{show_share(apart / total)} of {total} differ." if total else "No answer was scored by both."
            scores = [f"{score:g}" for score in pair["scores"]]
            found.append(_cross(LETTER_NAMES[letter], scores, scores, counts, f"{one} by {two}: {told}"))
    return found


def cross_people(study: Report) -> list[Crossed]:
    """Return for each of R, S, E how the panel's scores and people's final ones fall together in a study."""
    panel = study["judge_human"]["panel"]
    found = []
    for letter in LETTERS:
        table, ac2 = panel["confusion"][letter], panel["coefficients"][letter]["ac2_quadratic"]
        rows, columns = ([f"{score:g}" for score in table[who]] for who in ("judge", "human"))
        equal = show_share(panel["consistency"]["by_dimension"][letter]["value"])
        told = f"{equal} equal; AC2 {show_mean(ac2['value'])}"
        if None not in (ac2["low"], ac2["high"]):
            told += f" ({show_mean_range((ac2['low'], ac2['high']))})"
        found.append(_cross(LETTER_NAMES[letter], rows, columns, table["counts"], f"Panel by people: {told}."))
    return found


def _cross(
    title: str, rows: Sequence[str], columns: Sequence[str], counts: Sequence[Sequence[int]], note: str
) -> Crossed:
    most = max((count for row in counts for count in row), default=0) or 1
    cells = tuple(
        tuple((count, round(count / most, 3), rows[down] == columns[across]) for across, count in enumerate(row))
        for down, row in enumerate(counts)
    )
    return Crossed(title, tuple(rows), tuple(columns), cells, note)


def map_failures(report: Report) -> list[HeatMap]:
    """Return for each model which share of its failed answers has each label, by category."""
    names, categories = name_labels(report), name_categories(report)
    maps = []
    for key, title in name_models(report).items():
        found = {row["category"]: row for row in report["map"] if (row["model"], row["mode"]) == key}
        own = [found[category] for category in categories if category in found]
        columns = tuple((show_name(row["category"]), row["answers"]) for row in own)
        cells = tuple(tuple(_heat(row, code) for row in own) for code in names)
        maps.append(HeatMap(title, tuple(names.values()), columns, cells))
    return maps


def _heat(row: dict[str, Any], code: str) -> HeatCell:
    counts = row["failures"][code]
    value = counts["share"]["value"]
    told = f"{counts['answers']} of {row['answers']} answers, {counts['any']} by anybody"
    return HeatCell("–" if value is None else f"{value:.0%}", told, value or 0.0)
