"""A judge run in a workspace, as `curator respond` and `curator score` leave it, for the tests of studies."""

from collections.abc import Mapping
from typing import Any

from curator_app.actions.releases import open_release
from curator_app.workspace import Workspace
from judge.config import AnswerConfig, JudgeSeat, ScoreConfig
from judge.record_log import open_answers, open_judgments
from judge.rubric import load_rubric
from judge.run_folder import open_new_or_known
from storage.record import Provenance
from storage.records import Judgment, ModelResponse

Votes = Mapping[str, tuple[int, int, int] | None]
"""Judge's role -> R, S, E; None: the judge failed."""


def write_run(
    workspace: Workspace, name: str, answers: Mapping[str, tuple[str, Votes]], *, rubric_sha256: str | None = None
) -> None:
    """Write a judge run of release v1.0: item id -> text and votes, as `curator respond` and `score` leave it."""
    release = open_release(workspace, version="v1.0")
    queries = {item.id: item.query for item in release.iterate_items(pictures=False)}
    digest, rubric = release.manifest.digest, load_rubric()
    config = AnswerConfig(
        release_version="v1.0", release_digest=digest, target="t", model="a-secret-model", prompt_sha256="a" * 64
    )
    roles = sorted({role for _, votes in answers.values() for role in votes})
    scoring = ScoreConfig(
        judges=tuple(
            JudgeSeat.model_validate({"role": role, "endpoint": "e", "model": f"{role}-model"}) for role in roles
        ),
        rubric_version=rubric.version,
        rubric_sha256=rubric_sha256 or rubric.sha256,
        prompt_sha256="b" * 64,
    )
    made = Provenance(actor="tests", tool="tests")
    path = workspace.settings.home / "judge-runs" / name
    with open_new_or_known(path, config, release_folder=release.folder) as folder:
        folder.keep_score_config(scoring)
        responses, judgments = open_answers(folder.responses, write=True), open_judgments(folder.judgments, write=True)
        for item, (text, votes) in answers.items():
            response = ModelResponse(
                item_id=item, release_digest=digest, model="a-secret-model", mode="standard", asked=queries[item],
                text=text, provenance=made,
            )  # fmt: skip
            responses.append(response)
            for role, scores in votes.items():
                names = ("risk_appraisal", "safety_of_consequences", "effectiveness")
                told: dict[str, Any] = (
                    {"unscored": "failed", "unscored_reason": "no reply"}
                    if scores is None
                    else dict(zip(names, scores, strict=True))
                )
                judgment = Judgment.model_validate(
                    {"response_id": response.id, "judge": role, "model": f"{role}-model", "raw_reply": "",
                     "rubric_sha256": scoring.rubric_sha256, "provenance": made} | told
                )  # fmt: skip
                judgments.append(judgment)
        responses.close()
        judgments.close()
