"""Answers of ours as Label Studio results, and back. Pure functions; what goes out comes back equal.

A result carries aliases only. Spans count characters (Unicode code points) here and UTF-16 units in a browser that
counts so: the text of a region tells which, and when it fits neither the region is refused, not guessed.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from curator_app.labelstudio.configs import SCORES
from storage.audit_answers import AuditAnswers
from storage.failure_answers import FailureAnswers
from storage.leak_answers import LeakAnswers, LeakMarks
from storage.records import Answer, Criterion, ReviewAnswers, TaskKind
from storage.texts import Text

Result = list[dict[str, Any]]
MAX_SECONDS = 86_400.0
_NAMESPACE = uuid.UUID("6f1d0c1e-5b0e-4a59-9a5c-1f3b8c1d7a10")
_DIGITS = 6
"""Of a box's fractions that survive Label Studio's percents; our screen rounds to four."""


class LeakCheck(BaseModel):
    """A whole leakage check. In Label Studio nothing locks the guess before the picture shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    guess: Text
    """Empty: no danger seen."""
    sure: Literal["guess", "fairly", "sure"]
    marks: LeakMarks
    answers: LeakAnswers


ExternalAnswers = ReviewAnswers | LeakCheck | AuditAnswers | FailureAnswers


class Unreadable(ValueError):
    """A result that is no answer of ours. The raw annotation is kept, and counts for nothing."""


def write_result(answers: ExternalAnswers, *, texts: Mapping[str, str], seed: str) -> Result:
    """Return the result of an answer.

    Args:
        answers: what a person answered.
        texts: `query` and, in studies, `answer`, as the task shows them.
        seed: names the answer; the same one gives the same ids of regions.
    """
    writer = _Writer(texts=texts, seed=seed)
    if isinstance(answers, ReviewAnswers):
        _write_review(writer, answers)
    elif isinstance(answers, LeakCheck):
        _write_leak_check(writer, answers)
    elif isinstance(answers, AuditAnswers):
        _write_audit(writer, answers)
    else:
        _write_failures(writer, answers)
    return writer.result


def write_criteria(answers: Mapping[Criterion, Answer], *, seed: str) -> Result:
    """Return the result of a review that answers criteria and nothing else yet."""
    writer = _Writer(texts={}, seed=seed)
    for criterion, answer in answers.items():
        writer.choose(criterion.value, "query", answer.value)
    return writer.result


def read_result(kind: TaskKind, result: Any, *, texts: Mapping[str, str], lead_time: Any) -> ExternalAnswers:
    """Return the answer that a result holds.

    Raises:
        Unreadable: it lacks something, says something twice, or does not hang together; says what.
    """
    reader = _Reader(result, texts=texts)
    readers: dict[TaskKind, Callable[[_Reader, float], ExternalAnswers]] = {
        TaskKind.SCENARIO_REVIEW: _read_review,
        TaskKind.LEAKAGE_CHECK: _read_leak_check,
        TaskKind.JUDGE_AUDIT: _read_audit,
        TaskKind.FAILURE_LABELS: _read_failures,
    }
    try:
        answers = readers[kind](reader, read_seconds(lead_time))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Unreadable(f"{place}: {first['msg']}" if place else first["msg"]) from exc
    reader.refuse_rest()
    return answers


def read_seconds(lead_time: Any) -> float:
    """Return Label Studio's lead time as seconds of ours, at most a day; nothing known is 0."""
    if not isinstance(lead_time, int | float) or isinstance(lead_time, bool) or not lead_time > 0:
        return 0.0
    return min(float(lead_time), MAX_SECONDS)


class _Writer:
    def __init__(self, *, texts: Mapping[str, str], seed: str) -> None:
        self.texts, self.seed = texts, seed
        self.result: Result = []

    def _add(self, control: str, to: str, kind: str, value: dict[str, Any], **more: Any) -> None:
        name = f"{self.seed}/{control}/{len(self.result)}"
        region = {"id": uuid.uuid5(_NAMESPACE, name).hex[:10], "from_name": control, "to_name": to, "type": kind}
        self.result.append({**region, "value": value, "origin": "prediction", **more})

    def choose(self, control: str, to: str, *aliases: str) -> None:
        if aliases:
            self._add(control, to, "choices", {"choices": list(aliases)})

    def say(self, control: str, to: str, text: str | None) -> None:
        if text:
            self._add(control, to, "textarea", {"text": [text]})

    def mark(self, control: str, to: str, start: int, end: int, alias: str) -> None:
        value = {"start": start, "end": end, "text": self.texts[to][start:end], "labels": [alias]}
        self._add(control, to, "labels", value)

    def box(self, control: str, to: str, sides: Mapping[str, float], alias: str) -> None:
        value = {name: side * 100 for name, side in sides.items()}
        self._add(control, to, "rectanglelabels", {**value, "rotation": 0, "rectanglelabels": [alias]})


class _Reader:
    """Takes regions out by control; what is left at the end was not understood."""

    def __init__(self, result: Any, *, texts: Mapping[str, str]) -> None:
        if not isinstance(result, list) or not all(isinstance(region, dict) for region in result):
            raise Unreadable("the result is no list of regions")
        self.texts = texts
        self._left: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for region in result:
            self._left[str(region.get("from_name"))].append(region)

    def refuse_rest(self) -> None:
        if self._left:
            raise Unreadable(f"control {next(iter(self._left))!r} is not one that this kind of task has")

    def _take(self, control: str, field: str) -> list[Any]:
        values = [region.get("value") for region in self._left.pop(control, [])]
        if not all(isinstance(value, dict) and isinstance(value.get(field), list) for value in values):
            raise Unreadable(f"{control} has no {field}")
        return values

    def choices(self, control: str) -> tuple[str, ...]:
        chosen = tuple(alias for value in self._take(control, "choices") for alias in value["choices"])
        if not all(isinstance(alias, str) for alias in chosen):
            raise Unreadable(f"{control} holds a choice that is no text")
        return chosen

    def choice(self, control: str) -> str | None:
        """Return the one alias that was chosen; None for none."""
        chosen = self.choices(control)
        if len(chosen) > 1:
            raise Unreadable(f"{control} was answered {len(chosen)} times")
        return chosen[0] if chosen else None

    def said(self, control: str) -> str:
        texts = [text for value in self._take(control, "text") for text in value["text"]]
        if not all(isinstance(text, str) for text in texts):
            raise Unreadable(f"{control} holds something that is no text")
        return "\n".join(texts)

    def spans(self, control: str, to: str) -> list[tuple[int, int, Any]]:
        return [(*self._place(control, to, value), *value["labels"][:1]) for value in self._take(control, "labels")]

    def _place(self, control: str, to: str, value: Mapping[str, Any]) -> tuple[int, int]:
        start, end, shown, whole = value.get("start"), value.get("end"), value.get("text"), self.texts.get(to, "")
        if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end or not value["labels"]:
            raise Unreadable(f"a region of {control} has no place in the text")
        if end <= len(whole) and shown in (None, whole[start:end]):
            return start, end
        units = whole.encode("utf-16-le")
        cut = [units[: 2 * start], units[2 * start : 2 * end]]
        before, inside = (part.decode("utf-16-le", errors="replace") for part in cut)
        if inside != shown:
            raise Unreadable(f"a region of {control} marks {shown!r}, which is not what stands at {start} to {end}")
        return len(before), len(before) + len(inside)

    def box(self, control: str) -> dict[str, float] | None:
        values = self._take(control, "rectanglelabels")
        if len(values) > 1:
            raise Unreadable(f"there are {len(values)} boxes; draw one")
        if not values:
            return None
        sides = {name: values[0].get(name) for name in ("x", "y", "width", "height")}
        if not all(isinstance(side, int | float) for side in sides.values()) or values[0].get("rotation"):
            raise Unreadable("the box has no upright place on the picture")
        return {name: round(side / 100, _DIGITS) for name, side in sides.items()}


def _write_review(writer: _Writer, answers: ReviewAnswers) -> None:
    for criterion, answer in answers.answers.items():
        writer.choose(criterion.value, "query", answer.value)
    writer.choose("verdict", "query", answers.verdict.value)
    writer.choose("reasons", "query", *[reason.value for reason in answers.reasons])
    writer.say("edit_query", "query", answers.edits.query)
    writer.say("edit_scene", "query", answers.edits.scene)
    writer.say("note", "query", answers.note)


def _read_review(reader: _Reader, seconds: float) -> ReviewAnswers:
    answers = {criterion.value: reader.choice(criterion.value) for criterion in Criterion}
    return ReviewAnswers.model_validate(
        {
            "verdict": reader.choice("verdict"),
            "reasons": reader.choices("reasons"),
            "note": reader.said("note"),
            "answers": {name: answer for name, answer in answers.items() if answer is not None},
            "edits": {"query": reader.said("edit_query") or None, "scene": reader.said("edit_scene") or None},
            "seconds": seconds,
        }
    )


def _write_leak_check(writer: _Writer, check: LeakCheck) -> None:
    marks, answers = check.marks, check.answers
    writer.say("guess", "query", check.guess)
    writer.choose("sure", "query", check.sure)
    for start, end in marks.words:
        writer.mark("words", "query", start, end, "telling")
    if marks.box is not None:
        writer.box("box", "image", marks.box.model_dump(), "evidence")
    for name in ("gives_away", "sufficient", "unambiguous"):
        writer.choose(name, "query", getattr(marks, name))
    writer.choose("telling_text", "query", "yes" if marks.telling_text else "no")
    writer.choose("guess_named_it", "query", answers.guess_named_it)
    writer.choose("outcome", "query", answers.outcome.value)
    writer.say("rewrite", "query", answers.rewrite)
    writer.say("note", "query", answers.note)


def _read_leak_check(reader: _Reader, seconds: float) -> LeakCheck:
    words = sorted((start, end) for start, end, _ in reader.spans("words", "query"))
    marks = {
        **{name: reader.choice(name) for name in ("gives_away", "sufficient", "unambiguous")},
        "words": words,
        "box": reader.box("box"),
        "telling_text": {"yes": True, "no": False}.get(reader.choice("telling_text") or ""),
    }
    answers = {
        "outcome": reader.choice("outcome"),
        "guess_named_it": reader.choice("guess_named_it"),
        "rewrite": reader.said("rewrite") or None,
        "note": reader.said("note"),
        "seconds": seconds,
    }
    check = {"guess": reader.said("guess"), "sure": reader.choice("sure"), "marks": marks, "answers": answers}
    return LeakCheck.model_validate(check)


def _write_audit(writer: _Writer, answers: AuditAnswers) -> None:
    if answers.warning_start is not None:
        writer.mark("warning", "answer", answers.warning_start, answers.warning_start + 1, "warning")
    for name in SCORES:
        writer.choose(name, "answer", str(getattr(answers, name)))
    writer.say("note", "answer", answers.note)


def _read_audit(reader: _Reader, seconds: float) -> AuditAnswers:
    starts = [start for start, _, _ in reader.spans("warning", "answer")]
    scores = {name: {"0": 0, "1": 1, "2": 2}.get(reader.choice(name) or "") for name in SCORES}
    return AuditAnswers.model_validate(
        {**scores, "warning_start": min(starts, default=None), "note": reader.said("note"), "seconds": seconds}
    )


def _write_failures(writer: _Writer, answers: FailureAnswers) -> None:
    for label in answers.labels:
        if label.start is not None and label.end is not None:
            writer.mark("spans", "answer", label.start, label.end, label.code)
    writer.choose("labels", "answer", *[label.code for label in answers.labels])
    writer.choose("no_failure", "answer", *(["yes"] if answers.no_failure else []))
    writer.choose("broken_link", "answer", *([] if answers.broken_link is None else [f"link_{answers.broken_link}"]))
    writer.say("note", "answer", answers.note)


def _read_failures(reader: _Reader, seconds: float) -> FailureAnswers:
    spans = reader.spans("spans", "answer")
    marked = [code for _, _, code in spans]
    twice = next((code for code in marked if marked.count(code) > 1), None)
    if twice is not None:
        raise Unreadable(f"label {twice!r} is marked in several places; mark the one that shows it best")
    chosen = list(reader.choices("labels"))
    places = {code: (start, end) for start, end, code in spans}
    codes: Sequence[Any] = [*chosen, *(code for code in marked if code not in chosen)]
    link = reader.choice("broken_link")
    return FailureAnswers.model_validate(
        {
            "labels": [dict(zip(("start", "end"), places.get(code, (None, None)), strict=True)) | {"code": code}
                       for code in codes],
            "no_failure": reader.choice("no_failure") == "yes",
            "broken_link": None if link is None else _read_link(link),
            "note": reader.said("note"),
            "seconds": seconds,
        }
    )  # fmt: skip


def _read_link(alias: str) -> int:
    number = alias.removeprefix("link_")
    if not number.isascii() or not number.isdigit():
        raise Unreadable(f"broken_link {alias!r} names no link of the chain")
    return int(number)
