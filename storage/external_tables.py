"""Tables of what was pushed to another annotation tool and pulled from it."""

import json
from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables import _text, _time


class ExternalProjectRow(SQLModel, table=True):
    """A project on another server that asks one kind of our tasks."""

    __tablename__ = "external_projects"
    __table_args__ = (UniqueConstraint("source", "marker", name="uq_external_projects"),)
    id: int | None = Field(default=None, primary_key=True)
    source: str
    """The server's address."""
    marker: str = Field(max_length=32)
    """Follows from the workspace and from what is asked; stands in the project's description, so that it is found
    again when the reply to its making was lost."""
    remote_id: int
    kind: str
    study: str = ""
    person: str = ""
    """Whose project it is; empty: everybody's."""
    config: str = _text()
    """The labeling config as it was pushed."""
    people: str = _text("{}")
    """E-mail -> account, where they differ, as JSON."""
    watermark: str = ""
    """The newest change that was pulled, by the server's clock."""
    created_at: datetime = _time()

    def name_person(self, claimed: str) -> str:
        """Return the name of the account that an e-mail stands for: the one that somebody said, else the same."""
        return str(json.loads(self.people).get(claimed, claimed))


class ExternalTaskRow(SQLModel, table=True):
    """Which task of the other server is which of ours. More than one when an import was doubled."""

    __tablename__ = "external_tasks"
    __table_args__ = (UniqueConstraint("project_id", "remote_id", name="uq_external_tasks"),)
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="external_projects.id")
    remote_id: int
    task_id: int | None = Field(default=None, foreign_key="tasks.id", index=True)
    """None: a task that we did not push."""
    content_sha256: str = Field(default="", max_length=64)
    data: str = _text("{}")
    """The texts that spans count in, as JSON."""
    state: str = "live"
    """`live`, or `deleted`: a tombstone."""
    seen: str = ""
    """When it last changed, by the server's clock, as far as its annotations were taken over; empty: never."""


class ExternalRevisionRow(SQLModel, table=True):
    """What an annotation was at one time. Append-only: the raw JSON is what was received."""

    __tablename__ = "external_revisions"
    __table_args__ = (
        UniqueConstraint(
            "project_id", "annotation", "updated_at", "result_sha256", "state", name="uq_external_revisions"
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="external_projects.id")
    remote_task: int
    annotation: int
    updated_at: str
    """By the server's clock, as it writes it."""
    result_sha256: str = Field(max_length=64)
    state: str
    """`submitted`, `skipped`, `deleted`, or `task_deleted`."""
    raw: str = _text()
    answers: str = _text("")
    """The answer as ours, JSON; empty: skipped, deleted or unreadable."""
    problem: str = _text("")
    """Why it cannot be read."""
    claimed: str = ""
    """The e-mail that the server names; anybody who may write there can write it."""
    seconds: float = 0.0
    ground_truth: bool = False
    prefilled: bool = False
    """It began as a prediction."""
    seen_at: datetime = _time()


class ExternalAnnotationRow(SQLModel, table=True):
    """An annotation's newest revision, and what came of it here."""

    __tablename__ = "external_annotations"
    __table_args__ = (UniqueConstraint("project_id", "annotation", name="uq_external_annotations"),)
    id: int | None = Field(default=None, primary_key=True)
    project_id: int = Field(foreign_key="external_projects.id")
    remote_task: int = Field(index=True)
    annotation: int
    revision_id: int = Field(foreign_key="external_revisions.id")
    use: str
    """What came of it; `storage.external.Use` lists it."""
    reason: str = _text("")
    review_id: int | None = Field(default=None, foreign_key="reviews.id")
    """The review that counts for it."""
