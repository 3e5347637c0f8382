"""The differences that adjudicators settle: which kinds there are, where each is settled, and how many wait."""

from dataclasses import dataclass

from curator_app.workspace import Workspace
from storage.accounts import Person
from storage.progress import count_held, count_waiting, total_progress
from storage.records import TaskKind


@dataclass(frozen=True)
class Difference:
    """A kind of difference, and the address of the screen that settles it."""

    kind: TaskKind
    title: str
    path: str
    text: str


DIFFERENCES = (
    Difference(TaskKind.ADJUDICATION, "Reviews", "/?kind=adjudication", "Reviewers differ, or ask for a revision."),
    Difference(TaskKind.LEAKAGE_ADJUDICATION, "Leakage checks", "/leakage?kind=leakage_adjudication",
               "No majority agrees whether to keep, rewrite or reject the query."),
    Difference(TaskKind.JUDGE_CONSENSUS, "Scores of answers", "/audit?kind=judge_consensus",
               "The annotators of a study scored an answer differently."),
)  # fmt: skip
"""One line for each kind. Its screen, its texts and its role stand in `static/review/kinds.js` and `api.claims`."""


@dataclass(frozen=True)
class Waiting:
    """How many differences of a kind there are."""

    difference: Difference
    yours: int
    """That this person holds, or may settle: they gave none of the answers, and have not skipped them."""
    settled: int
    of: int


def count_differences(workspace: Workspace, *, person: Person) -> list[Waiting]:
    """Return what waits, kind by kind. Counts only; who may not settle must not see even these."""
    found = []
    with workspace.db.read() as session:
        for difference in DIFFERENCES:
            total = total_progress(session=session, kind=difference.kind)
            yours = count_waiting(session=session, user_id=person.id, kind=difference.kind)
            yours += count_held(session=session, user_id=person.id, kind=difference.kind)
            found.append(Waiting(difference, yours=yours, settled=total.decided, of=total.tasks))
    return found
