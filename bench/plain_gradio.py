"""The baseline of `bench.review_latency`: the same flow from plain Gradio components, as one would first write it.

It uses the same database and the same storage functions; only the screen differs: gr.Image, gr.Markdown and
gr.Button with their default queue, and a few lines of script that turn keys into clicks.

    python -m bench.plain_gradio --home FOLDER --port PORT
"""

import argparse
import itertools
import uuid
from pathlib import Path
from typing import Any

import gradio as gr
from sqlmodel import select

from curator_app.settings import Settings
from curator_app.workspace import Workspace, create_workspace
from storage.records import ReviewAnswers, TaskKind
from storage.reviews import claim_next, submit_review
from storage.tables import UserRow

KEYS = """<script>
document.addEventListener('keydown', (event) => {
  const id = {a: 'approve', e: 'revise', r: 'reject'}[event.key];
  if (id && !event.target.matches('input, textarea')) document.getElementById(id).click();
});
</script>"""


class Flow:
    """Claims and decisions for sessions that are given people in turn."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        with workspace.db.read() as session:
            self._people = itertools.cycle(session.exec(select(UserRow.id).order_by(UserRow.id)).all())

    def start(self) -> tuple[int, str, str, str]:
        """Return (person, claim, query, picture file) for a new session."""
        person = next(self._people)
        assert person is not None
        return person, *self._claim(person)

    def decide(self, verdict: str, person: int, claim_id: str) -> tuple[str, str, str]:
        """Store a decision; return (claim, query, picture file) of the next item."""
        answers = ReviewAnswers(verdict=verdict, reasons=() if verdict == "approve" else ("leakage",))
        with self._workspace.db.write() as session:
            submit_review(
                session=session, user_id=person, claim_id=claim_id, answers=answers, idempotency_key=uuid.uuid4().hex
            )
            session.commit()
        return self._claim(person)

    def _claim(self, person: int) -> tuple[str, str, str]:
        with self._workspace.db.write() as session:
            claim = claim_next(session=session, user_id=person, kind=TaskKind.SCENARIO_REVIEW, holder=uuid.uuid4().hex)[
                0
            ]
            session.commit()
        assert claim.grounding is not None and claim.grounding.image is not None
        image = claim.grounding.image
        path = self._workspace.blobs.local_path(image.sha256, image.mime)
        return claim.claim_id, f"## {claim.scenario.query}", str(path)


def build_plain(flow: Flow) -> gr.Blocks:
    """Return the plain app."""
    with gr.Blocks() as demo:
        person, claim = gr.State(), gr.State()
        query = gr.Markdown(elem_id="query")
        picture = gr.Image(elem_id="picture", interactive=False)
        demo.load(flow.start, None, [person, claim, query, picture], api_name="start")
        with gr.Row():
            for verdict in ("approve", "revise", "reject"):
                button = gr.Button(verdict.title(), elem_id=verdict)

                def decide(person: int, claim: str, verdict: str = verdict) -> Any:
                    return flow.decide(verdict, person, claim)

                button.click(decide, [person, claim], [claim, query, picture], api_name=verdict)
    return demo


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    workspace = create_workspace(Settings(home=options.home))
    demo = build_plain(Flow(workspace))
    demo.launch(server_port=options.port, allowed_paths=[str(options.home)], head=KEYS, quiet=True)


if __name__ == "__main__":
    main()
