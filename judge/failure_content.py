"""A closed study of failures as its report reads it: from what was frozen, which is plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from judge.errors import StudyInvalid

FORMAT = "ood-mmsafe-failures/1"
NO_FAILURE = "no_failure"
"""Stands among the labels in every figure, though it is none: somebody says that the answer does not fail."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """What one person said of one answer."""

    spans: Mapping[str, Span | None]
    """Label (`NO_FAILURE` included) -> where in the answer, in characters, or None."""
    broken_link: int | None
    """Link of the causal chain, from 0; None: none in particular."""


@dataclass(frozen=True, slots=True)
class FailedAnswer:
    """One answer that the judge scored as failed."""

    item_id: str
    category: str
    characters: int
    links: int
    """How long the causal chain is."""
    given: tuple[Given, ...]
    """One for each person who answered."""

    def votes(self, code: str) -> int:
        """Return how many people gave the label."""
        return sum(code in each.spans for each in self.given)

    def has(self, code: str) -> bool:
        """Whether more than half of those who answered gave the label."""
        return 2 * self.votes(code) > len(self.given)


@dataclass(frozen=True, slots=True)
class FailureStudy:
    """A closed study of failures."""

    about: Mapping[str, Any]
    """Name, release, run, model, mode, taxonomy, seed and times, as they were frozen."""
    people: int
    taxonomy: Mapping[str, Any]
    answers: tuple[FailedAnswer, ...]
    population: Mapping[str, Any]

    @property
    def labelled(self) -> tuple[FailedAnswer, ...]:
        """The answers of which anybody said anything."""
        return tuple(answer for answer in self.answers if answer.given)


def read_failures(content: Mapping[str, Any]) -> FailureStudy:
    """Return the study that was frozen.

    Raises:
        StudyInvalid: the content is of another format or lacks something.
    """
    found = content.get("format")
    if found != FORMAT:
        raise StudyInvalid(f"the study's content has the format {found!r}, not {FORMAT!r}; another version froze it")
    try:
        return FailureStudy(
            about=content["study"],
            people=content["annotators"],
            taxonomy=content["taxonomy"],
            answers=tuple(_read_answer(case) for case in content["answers"]),
            population=content["population"],
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise StudyInvalid(f"the study's content cannot be read ({exc!r}); another version froze it") from exc


def _read_answer(case: Mapping[str, Any]) -> FailedAnswer:
    return FailedAnswer(
        item_id=case["item_id"],
        category=case["category"],
        characters=case["characters"],
        links=len(case["links"]),
        given=tuple(_read_given(each) for each in case["labelled"]),
    )


def _read_given(each: Mapping[str, Any]) -> Given:
    spans: dict[str, Span | None] = {
        label["code"]: None if label["start"] is None else (int(label["start"]), int(label["end"]))
        for label in each["labels"]
    }
    if each["no_failure"]:
        spans[NO_FAILURE] = None
    return Given(spans, each["broken_link"])
