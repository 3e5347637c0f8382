"""What a claim looks like to the one who holds it, and nothing that they must not see yet."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from curator_app.actions.leak_detectors import read_machine
from curator_app.api.markdown import render_answer, render_markdown
from judge.rubric import DIMENSIONS
from storage.claim_content import AuditCase, Claim, FinishedCheck
from storage.failure_taxonomy import parse_taxonomy
from storage.items import label
from storage.leak_answers import LeakMarks
from storage.records import LeakFindings, LeakGuess, ReviewAnswers, TaskKind


def to_iso(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe_claim(claim: Claim, titles: Mapping[str, str]) -> dict[str, Any]:
    """Return what the screen of the claim's kind shows of it."""
    body: dict[str, Any] = {
        "claim_id": claim.claim_id,
        "kind": claim.kind.value,
        "expires_at": to_iso(claim.expires_at),
        "draft": claim.draft,
    }
    if claim.audit is not None:
        describe = _describe_failures if claim.kind is TaskKind.FAILURE_LABELS else _describe_audit
        return body | describe(claim, claim.audit, titles)
    body |= {"round": claim.round, "others": _describe_others(claim)}
    if claim.kind is TaskKind.LEAKAGE_CHECK:
        return body | _describe_check(claim, titles)
    item = _describe_picture(claim, titles) | {"scene": claim.scenario.scene} | _describe_hazard(claim)
    if claim.kind is TaskKind.LEAKAGE_ADJUDICATION:
        others = [_describe_finished(check, chr(ord("A") + place)) for place, check in enumerate(claim.checks)]
        return body | {"step": 4, "item": item, "others": others, "machine": _describe_machine(claim)}
    return body | {"item": item}


def _describe_check(claim: Claim, titles: Mapping[str, str]) -> dict[str, Any]:
    """The query alone; once the guess is locked the picture; once the findings are, hazard and detectors."""
    guess, findings, scenario = claim.guess, claim.findings, claim.scenario
    if guess is None:
        item = {"id": claim.item.id, "label": label(claim.item.number or 0), "query": scenario.query}
        return {"step": 1, "item": item, "guess": None, "findings": None, "machine": None}
    body: dict[str, Any] = {
        "step": 2,
        "item": _describe_picture(claim, titles) | {"scene": None if _has_image(claim) else scenario.scene},
        "guess": _describe_guess(guess),
        "findings": None,
        "machine": None,
    }
    if findings is None:
        return body
    body["step"] = 3
    body["item"] |= _describe_hazard(claim)
    body["findings"] = _describe_marks(findings)
    body["machine"] = _describe_machine(claim)
    return body


def _describe_finished(check: FinishedCheck, letter: str) -> dict[str, Any]:
    """A whole check for whoever settles the difference, without who gave it."""
    said = check.review.model_dump(mode="json", include={"outcome", "rewrite", "guess_named_it", "note"})
    return {"who": letter, "guess": _describe_guess(check.guess), "findings": _describe_marks(check.findings)} | said


def _describe_guess(guess: LeakGuess) -> dict[str, Any]:
    return {"text": guess.text, "sure": guess.sure, "seconds": guess.seconds}


def _describe_marks(findings: LeakFindings) -> dict[str, Any]:
    return findings.model_dump(mode="json", include=set(LeakMarks.model_fields))


def _describe_machine(claim: Claim) -> dict[str, Any]:
    return asdict(read_machine(scenario=claim.scenario, refinements=claim.refinements))


def _describe_hazard(claim: Claim) -> dict[str, Any]:
    return {"hidden_hazard": claim.scenario.hidden_hazard, "causal_chain": list(claim.scenario.causal_chain)}


def _describe_audit(claim: Claim, audit: AuditCase, titles: Mapping[str, str]) -> dict[str, Any]:
    """What the judge was given: picture, question, hazard, answer, rubric; in a consensus also the others' scores."""
    shown = {*DIMENSIONS, "warning_start", "note"}
    others: list[dict[str, Any]] = []
    for place, review in enumerate(audit.others, start=1):
        mine = [review, *(answers for name, answers in audit.elsewhere if name == review.reviewer)]
        others += [
            {"who": _name_answer(f"Annotator {place}", which)} | answers.model_dump(mode="json", include=shown)
            for which, answers in enumerate(mine)
        ]
    rubric = {"version": audit.rubric_version, "markdown": audit.rubric, "html": render_markdown(audit.rubric)}
    return _describe_case(claim, audit, titles) | {"rubric": rubric, "others": others}


def _describe_failures(claim: Claim, audit: AuditCase, titles: Mapping[str, str]) -> dict[str, Any]:
    """Picture, question, hazard, causal chain, answer, and the ways in which it can fail. Nothing of the judge."""
    body = _describe_case(claim, audit, titles)
    body["item"] |= {"causal_chain": list(claim.scenario.causal_chain)}
    return body | {"taxonomy": _describe_taxonomy(audit.rubric)}


@lru_cache(maxsize=16)
def _describe_taxonomy(text: str) -> dict[str, Any]:
    taxonomy = parse_taxonomy(text)
    lines = []
    for group in dict.fromkeys(kind.group for kind in taxonomy.labels):
        lines.append(f"### {group}")
        lines += [f"**{kind.name}.** {kind.definition} *{kind.cue}*" for kind in taxonomy.labels if kind.group == group]
    return taxonomy.model_dump(mode="json") | {"html": render_markdown("\n\n".join(lines))}


def _describe_case(claim: Claim, audit: AuditCase, titles: Mapping[str, str]) -> dict[str, Any]:
    scenario = claim.scenario
    item = _describe_picture(claim, titles) | {
        "query": audit.asked,
        "scene": None if _has_image(claim) else scenario.scene,
        "hidden_hazard": scenario.hidden_hazard,
    }
    # Two answers about one item are two cases; nothing here tells which model's.
    case = hashlib.sha256(f"{audit.asked}\n{audit.answer}".encode()).hexdigest()[:12]
    return {"item": item, "round": case, "answer": audit.answer, "answer_html": render_answer(audit.answer)}


def _has_image(claim: Claim) -> bool:
    return claim.grounding is not None and claim.grounding.image is not None


def _describe_picture(claim: Claim, titles: Mapping[str, str]) -> dict[str, Any]:
    item, scenario, grounding = claim.item, claim.scenario, claim.grounding
    image = None
    if grounding is not None and grounding.image is not None:
        image = {
            "url": f"/media/{grounding.image.sha256}",
            "width": grounding.image.width_px,
            "height": grounding.image.height_px,
            "alt": grounding.alt,
        }
    return {
        "id": item.id,
        "label": label(item.number or 0),
        "category": _titled(scenario.category.value, titles),
        "sub_category": _titled(scenario.sub_category, titles),
        "query": scenario.query,
        "image": image,
    }


def _describe_others(claim: Claim) -> list[dict[str, Any]]:
    others: list[dict[str, Any]] = []
    for place, review in enumerate(claim.others, start=1):
        mine = [review, *(answers for name, answers in claim.elsewhere if name == review.reviewer)]
        others += [
            {"who": _name_answer(f"Reviewer {place}", which)} | describe_answer(answers)
            for which, answers in enumerate(mine)
        ]
    return others


def _name_answer(who: str, which: int) -> str:
    """Return whose answer it is; the first one stands, the others were given in Label Studio."""
    return f"{who}, in Label Studio" if which else who


def describe_answer(review: ReviewAnswers) -> dict[str, Any]:
    """Return what a review says, without who said it."""
    return {
        "verdict": review.verdict.value,
        "reasons": [reason.value for reason in review.reasons],
        "note": review.note,
        "answers": {criterion.value: answer.value for criterion, answer in review.answers.items()},
        "edits": {"query": review.edits.query, "scene": review.edits.scene},
    }


def _titled(slug: str, titles: Mapping[str, str]) -> dict[str, str]:
    """A slug that the taxonomy has dropped since is its own title."""
    return {"slug": slug, "title": titles.get(slug, slug)}
