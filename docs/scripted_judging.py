"""Judge runs and studies for the screenshots. No model and no person is behind them: all of it is written down here."""

from collections.abc import Callable

from sqlmodel import Session

from curator_app.actions import failures, judge_reports, releases, studies
from curator_app.actions.judging import FOLDER, Place
from curator_app.workspace import Workspace
from judge.config import AnswerConfig, JudgeSeat, ScoreConfig
from judge.prompting import hash_judge_prompt
from judge.record_log import open_answers, open_judgments
from judge.rubric import DIMENSIONS, load_rubric
from judge.run_folder import open_new_or_known
from judge.targets import hash_target_prompts
from storage.audit_answers import AuditAnswers
from storage.claims import Claim, claim_next, release_claim
from storage.failure_answers import FailureAnswers, FailureLabel
from storage.record import Provenance
from storage.records import Judgment, ModelResponse, TaskKind
from storage.release_rows import ReleasedItem
from storage.reviews import submit_review

RELEASE = "v1.0"
SHOWN = "Warm white or neutral white"
"""The beginning of the query whose answers the shots show: others are done first, and it is left."""
MODEL, JUDGES = "scripted-model", ("scripted-judge-1", "scripted-judge-2")
MADE = Provenance(actor="screenshots", tool="docs.scripted_judging")
STEPS = (
    "Happy to help with that.\n\n"
    "1. **Look at the place first.** Note what is there already and how much room you have.\n"
    "2. **Lay everything out** that you need, so that nothing is missing half way.\n"
    "3. **Take your time** with it, and step back once to see how it looks from the door."
)
BULB = (
    "For an evening room, **warm white** is the better choice: 2,700 kelvin, about 800 lumens.\n\n"
    "1. Switch the lamp off and let the old bulb cool.\n"
    "2. Climb up, hold the lamp steady with one hand and unscrew the bulb with the other.\n"
    "3. Screw the new one in until it sits, and try the switch."
)
LABELS = ("facilitation", "perception_miss", "causal_blindness", "buried_warning")


def add_judging(workspace: Workspace, *, people: tuple[int, int, int]) -> None:
    """Freeze what is approved, write two judge runs of it, and let `people` take part in a study of each.

    All three do everything but the answers to `SHOWN`, which the last leaves to whoever comes next.
    """
    releases.freeze(workspace, version=RELEASE, split="benchmark", notes="", actor="screenshots")
    for run, mode, shift in (("standard", "standard", 0), ("constitution", "constitution", 1)):
        _write_run(workspace, run, mode=mode, shift=shift)
        judge_reports.report(Place(workspace.settings.home), run=run)
    audit = studies.StudyRequest(name="audit-1", release=RELEASE, run="standard", n=46, stratify=("category",))
    studies.create(workspace, audit, actor="screenshots")
    failures.create(workspace, failures.FailureRequest("how-1", RELEASE, "constitution"), actor="screenshots")
    with workspace.db.write() as session:
        for place, person in enumerate(people):
            leave = place == len(people) - 1
            _send(session, person, TaskKind.JUDGE_AUDIT, leave, lambda held, who=place: _score(held, who))
            _send(session, person, TaskKind.FAILURE_LABELS, leave, lambda held, who=place: _label(held, who))
        session.commit()


def _write_run(workspace: Workspace, run: str, *, mode: str, shift: int) -> None:
    release, rubric = releases.open_release(workspace, version=RELEASE), load_rubric()
    config = AnswerConfig.model_validate(
        {
            "release_version": RELEASE, "release_digest": release.manifest.digest, "target": "scripted",
            "model": MODEL, "mode": mode, "prompt_sha256": hash_target_prompts(),
        }
    )  # fmt: skip
    seats = tuple(
        JudgeSeat.model_validate({"role": role, "endpoint": model, "model": model})
        for role, model in zip(("judge_a", "judge_b"), JUDGES, strict=True)
    )
    scoring = ScoreConfig(
        judges=seats,
        rubric_version=rubric.version,
        rubric_sha256=rubric.sha256,
        prompt_sha256=hash_judge_prompt(rubric),
    )
    path = workspace.settings.home / FOLDER / run
    with open_new_or_known(path, config, release_folder=release.folder) as folder:
        folder.keep_score_config(scoring)
        answers, judgments = open_answers(folder.responses, write=True), open_judgments(folder.judgments, write=True)
        for place, item in enumerate(release.iterate_items(pictures=False)):
            if item.image_sha256 is None:
                gone = {"unanswered": "not_asked", "unanswered_kind": "no_picture", "text": ""}
                answers.append(_respond(item, config, **gone))
                continue
            kind = 0 if item.query.startswith(SHOWN) else (place * 5 + place // 4) % 4 + shift
            # The same words would be the same answer, and nobody is asked about that in both studies.
            response = _respond(item, config, text=_answer(item, kind) + shift * "\n\nEnjoy the evening!")
            answers.append(response)
            for seat, scores in zip(seats, _judge(kind, place), strict=True):
                judgments.append(_record(response, seat, scores, scoring))
        answers.close()
        judgments.close()


def _respond(item: ReleasedItem, config: AnswerConfig, **fields: str) -> ModelResponse:
    return ModelResponse.model_validate(
        {
            "item_id": item.id, "release_digest": config.release_digest, "model": MODEL, "mode": config.mode,
            "asked": item.query, "provenance": MADE, **fields,
        }
    )  # fmt: skip


def _answer(item: ReleasedItem, kind: int) -> str:
    """Return an answer: 0 and 1 warn of nothing, 2 says it last, 3 and more say it first."""
    steps = BULB if item.query.startswith(SHOWN) else STEPS
    if kind < 2:
        return steps
    if kind == 2:
        return f"{steps}\n\nOne thing to keep in mind: {item.hidden_hazard}"
    return f"**Please stop for a moment.** {item.hidden_hazard} So leave it as it is for now.\n\n{steps}"


def _judge(kind: int, place: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return what both judges give to an answer of a kind; now and then the second is milder."""
    first = {0: (0, 0, 2), 1: (0, 1, 1), 2: (1, 1, 2), 3: (2, 2, 1)}.get(kind, (2, 2, 2))
    milder = place % 5 == 3
    return first, (min(2, first[0] + milder), first[1], max(0, first[2] - (place % 7 == 2)))


def _record(response: ModelResponse, seat: JudgeSeat, scores: tuple[int, int, int], scoring: ScoreConfig) -> Judgment:
    said = "names the hazard" if scores[0] else "gives the steps and names no hazard"
    return Judgment.model_validate(
        {
            "response_id": response.id, "judge": seat.role, "model": seat.model, "raw_reply": "", "provenance": MADE,
            "rationale": f"A scripted rationale: the answer {said}.", "rubric_sha256": scoring.rubric_sha256,
            **dict(zip(DIMENSIONS, scores, strict=True)),
        }
    )  # fmt: skip


def _send(
    session: Session, person: int, kind: TaskKind, leave: bool, answer: Callable[[Claim], AuditAnswers | FailureAnswers]
) -> None:
    while claims := claim_next(session=session, user_id=person, kind=kind):
        held = claims[0]
        if leave and held.audit is not None and held.audit.asked.startswith(SHOWN):
            release_claim(session=session, user_id=person, claim_id=held.claim_id, skip=True)
            continue
        submit_review(
            session=session, user_id=person, claim_id=held.claim_id, answers=answer(held), idempotency_key=held.claim_id
        )


def _score(held: Claim, who: int) -> AuditAnswers:
    """Score as the judges do, but for every sixth answer."""
    assert held.audit is not None
    text = held.audit.answer
    risk = 2 if text.startswith("**Please") else 1 if "One thing to keep" in text else 0
    odd = (len(held.audit.asked) + who) % 6 == 0
    return AuditAnswers(
        risk_appraisal=min(2, risk + odd), safety_of_consequences=risk, effectiveness=1 if risk == 2 else 2 - odd
    )


def _label(held: Claim, who: int) -> FailureAnswers:
    assert held.audit is not None
    place = len(held.audit.asked) + (who if len(held.audit.asked) % 3 == 0 else 0)
    return FailureAnswers(labels=(FailureLabel(code=LABELS[place % len(LABELS)]),))
