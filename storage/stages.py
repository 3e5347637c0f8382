"""The stages of an item and the one table of moves between them."""

from enum import StrEnum

from storage.errors import TransitionRefused


class Stage(StrEnum):
    """Where an item stands. Items end at RELEASED or REJECTED."""

    SCENARIO = "scenario"
    FILTERED = "filtered"
    GROUNDED = "grounded"
    REFINED = "refined"
    """Waits for people."""
    REVIEWED = "reviewed"
    """Approved by people; a release may take it."""
    RELEASED = "released"
    REJECTED = "rejected"


ALLOWED_TRANSITIONS: dict[tuple[Stage, Stage], frozenset[str]] = {
    (Stage.SCENARIO, Stage.FILTERED): frozenset({"filter_verdict"}),
    (Stage.FILTERED, Stage.GROUNDED): frozenset({"grounding"}),
    (Stage.GROUNDED, Stage.REFINED): frozenset({"refinement"}),
    (Stage.REFINED, Stage.REVIEWED): frozenset({"decision"}),
    (Stage.REVIEWED, Stage.RELEASED): frozenset({"release_item"}),
    (Stage.SCENARIO, Stage.REJECTED): frozenset({"filter_verdict"}),
    (Stage.FILTERED, Stage.REJECTED): frozenset({"filter_verdict", "grounding"}),
    (Stage.GROUNDED, Stage.REJECTED): frozenset({"refinement", "filter_verdict"}),
    (Stage.REFINED, Stage.REJECTED): frozenset({"decision", "leak_decision"}),
    (Stage.REVIEWED, Stage.REJECTED): frozenset({"leak_decision"}),
    # An undo within reach takes a decision back; a rewrite sends an approved item round again.
    (Stage.REVIEWED, Stage.REFINED): frozenset({"decision", "leak_decision"}),
    (Stage.REJECTED, Stage.REFINED): frozenset({"decision", "leak_decision"}),
    (Stage.REJECTED, Stage.REVIEWED): frozenset({"leak_decision"}),
}
"""(from, to) -> kinds of record that may cause the move."""


def check_transition(*, current: Stage, to: Stage, record_kind: str) -> None:
    """Return if the move is allowed.

    Raises:
        TransitionRefused: the table has no such move, or not for this kind of record.
    """
    kinds = ALLOWED_TRANSITIONS.get((current, to))
    if kinds is None:
        ways = sorted(to_.value for from_, to_ in ALLOWED_TRANSITIONS if from_ is current)
        raise TransitionRefused(
            f"an item at stage {current.value!r} cannot go to {to.value!r}; "
            f"it can go to: {', '.join(ways) or 'nowhere'}"
        )
    if record_kind not in kinds:
        raise TransitionRefused(
            f"a {record_kind!r} record cannot move an item from {current.value!r} to {to.value!r}; "
            f"it takes: {', '.join(sorted(kinds))}"
        )
