"""The walk's people: scripts that claim, check, review and settle through the same functions as everybody.

They know which flaw was put into a proposal. Two of them differ about one scene, so that an adjudicator settles it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from curator_app.actions.walk_scenes import Candidate
from curator_app.workspace import Workspace
from storage import accounts
from storage.accounts import Role
from storage.claim_content import Claim
from storage.leak_answers import LeakAnswers, LeakMarks, LeakOutcome
from storage.leakage import lock_findings, lock_guess
from storage.records import Criterion, Reason, ReviewAnswers, TaskKind, Verdict
from storage.reviews import claim_next, submit_review
from storage.twins import find_twin, list_unseen, review_twin

ACTOR = "walk"
ADMIN = "admin"
CHECKERS, REVIEWERS, SETTLER = ("script-cleo", "script-dan"), ("script-ann", "script-ben"), "script-mia"
PEOPLE: Mapping[str, frozenset[Role]] = {
    ADMIN: frozenset({Role.ADMIN}),
    **dict.fromkeys((*REVIEWERS, *CHECKERS), frozenset({Role.ANNOTATOR})),
    SETTLER: frozenset({Role.ADJUDICATOR, Role.MAINTAINER}),
}
"""Whoever looks at the workspace afterwards signs in as the admin; the others are scripts and are called so."""
AT_ONCE = 20

Tell = Callable[[int], None]
"""How many have been answered."""


@dataclass(frozen=True)
class Script:
    """What the scripts know."""

    flaws: Mapping[str, str]
    """Item -> the flaw that was put into it."""
    contested: str
    """The item about which the reviewers differ."""


def write_script(candidates: list[Candidate]) -> Script:
    """Return what the scripts know of a plan's proposals."""
    sound = next(candidate for candidate in candidates if candidate.flaw == "none")
    return Script({candidate.item_id: candidate.flaw for candidate in candidates}, sound.item_id)


def check_leaks(workspace: Workspace, tell: Tell) -> None:
    """Let both checkers answer every leakage check that waits: guess, findings, outcome."""
    _answer_all(workspace, CHECKERS, TaskKind.LEAKAGE_CHECK, _check, tell)


def review_all(workspace: Workspace, script: Script, tell: Tell) -> None:
    """Let both reviewers answer every review that waits."""

    def review(workspace: Workspace, user: int, name: str, claim: Claim) -> None:
        differs = claim.item.id == script.contested and name == REVIEWERS[-1]
        seen = script.flaws.get(claim.item.id) != "unseen" and not differs
        _submit(workspace, user, claim, _write_review(seen=seen))

    _answer_all(workspace, REVIEWERS, TaskKind.SCENARIO_REVIEW, review, tell)


def settle_all(workspace: Workspace, tell: Tell) -> None:
    """Let the adjudicator approve what the reviewers differ about."""

    def settle(workspace: Workspace, user: int, _: str, claim: Claim) -> None:
        note = "The picture shows both things in one room."
        _submit(workspace, user, claim, ReviewAnswers(verdict=Verdict.APPROVE, note=note))

    _answer_all(workspace, (SETTLER,), TaskKind.ADJUDICATION, settle, tell)


def look_at_twins(workspace: Workspace, tell: Tell) -> None:
    """Let the adjudicator look at every twin that nobody has looked at."""
    with workspace.db.read() as session:
        waiting = [item.id for item in list_unseen(session=session)]
    for number, item_id in enumerate(waiting, 1):
        with workspace.db.write() as session:
            item = next(item for item in list_unseen(session=session) if item.id == item_id)
            standing = find_twin(session=session, item=item)
            assert standing is not None
            review_twin(
                session=session, item_id=item_id, twin_id=standing.twin.id, harmless=True, reviewer=SETTLER
            )  # fmt: skip
            session.commit()
        tell(number)


Answer = Callable[[Workspace, int, str, Claim], None]


def _answer_all(workspace: Workspace, names: tuple[str, ...], kind: TaskKind, answer: Answer, tell: Tell) -> None:
    with workspace.db.read() as session:
        ids = {account.person.name: account.person.id for account in accounts.list_accounts(session=session)}
    done = 0
    for name in names:
        while claims := _claim(workspace, ids[name], kind):
            for claim in claims:
                answer(workspace, ids[name], name, claim)
                done += 1
                tell(done)


def _claim(workspace: Workspace, user: int, kind: TaskKind) -> list[Claim]:
    with workspace.db.write() as session:
        claims = claim_next(session=session, user_id=user, kind=kind, count=AT_ONCE, holder=ACTOR)
        session.commit()
    return claims


def _check(workspace: Workspace, user: int, _: str, claim: Claim) -> None:
    marks = LeakMarks(gives_away="no", sufficient="yes", unambiguous="yes", telling_text=False)
    with workspace.db.write() as session:
        lock_guess(session=session, user_id=user, claim_id=claim.claim_id, text="")
        session.commit()
    with workspace.db.write() as session:
        lock_findings(session=session, user_id=user, claim_id=claim.claim_id, marks=marks)
        session.commit()
    _submit(workspace, user, claim, LeakAnswers(outcome=LeakOutcome.CLEAN, guess_named_it="no"))


def _submit(workspace: Workspace, user: int, claim: Claim, answers: ReviewAnswers | LeakAnswers) -> None:
    with workspace.db.write() as session:
        submit_review(
            session=session, user_id=user, claim_id=claim.claim_id, answers=answers, idempotency_key=claim.claim_id
        )
        session.commit()


def _write_review(*, seen: bool) -> ReviewAnswers:
    """Return the answers of somebody who sees the hazard in the picture, or does not."""
    answers = dict.fromkeys(Criterion, "yes")
    if seen:
        return ReviewAnswers.model_validate({"verdict": Verdict.APPROVE, "answers": answers})
    answers[Criterion.RISK_CLARITY] = "no"
    return ReviewAnswers.model_validate(
        {"verdict": Verdict.REJECT, "reasons": (Reason.HAZARD_NOT_VISIBLE,), "answers": answers}
    )
