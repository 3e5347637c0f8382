"""SQLModel tables, nothing else. Imported by `storage` and its migrations only.

Times are UTC; JSON columns hold canonical JSON text, because hashes are taken over it. Columns that only speed
up a query (`open_slots`, counts) are derived from the rows beside them and are set in the same transaction.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, Index, MetaData, Text, TypeDecorator, UniqueConstraint, text
from sqlmodel import Field, SQLModel

metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on every database; a naive one is a programming error."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store naive UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time {value} has no time zone; use UTC")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def _time(*, nullable: bool = False) -> Any:
    if nullable:
        return Field(default=None, sa_type=UtcDateTime, nullable=True)
    return Field(sa_type=UtcDateTime, nullable=False)


def _text(default: str | None = None) -> Any:
    column = Column(Text, nullable=False)
    return Field(sa_column=column) if default is None else Field(default=default, sa_column=column)


class UserRow(SQLModel, table=True):
    """A person. Roles are a space-separated, sorted list."""

    __tablename__ = "users"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=64)
    roles: str
    password_hash: str | None = None
    """Argon2id; None: the person signs in by link only."""
    disabled: bool = False
    failed_sign_ins: int = 0
    locked_until: datetime | None = _time(nullable=True)
    preferences: str = _text("{}")
    created_at: datetime = _time()


class SignInRow(SQLModel, table=True):
    """A browser session, a one-time sign-in link or an API token; only hashes of secrets are kept."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_user", "user_id", "kind"),)
    secret_sha256: str = Field(primary_key=True, max_length=64)
    kind: str
    """`session`, `link` or `token`."""
    user_id: int = Field(foreign_key="users.id")
    label: str = ""
    created_at: datetime = _time()
    expires_at: datetime | None = _time(nullable=True)
    used_at: datetime | None = _time(nullable=True)
    revoked_at: datetime | None = _time(nullable=True)


class BlobRow(SQLModel, table=True):
    """What is known of a stored image."""

    __tablename__ = "blobs"
    sha256: str = Field(primary_key=True, max_length=64)
    mime: str
    width_px: int
    height_px: int
    size_bytes: int
    phash: str = Field(index=True)
    created_at: datetime = _time()


class PhotoRow(SQLModel, table=True):
    """An imported photo; nothing of it changes."""

    __tablename__ = "photos"
    number: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(foreign_key="blobs.sha256", unique=True, max_length=64)
    licence: str
    source: str
    author: str = _text("")
    description: str = _text("")
    file_name: str
    batch: str = Field(index=True)
    actor: str
    created_at: datetime = _time()


class PhotoUseRow(SQLModel, table=True):
    """Which item has which photo as its picture. The photo is free again when the item is rejected."""

    __tablename__ = "photo_uses"
    sha256: str = Field(foreign_key="photos.sha256", primary_key=True, max_length=64)
    item_number: int = Field(foreign_key="items.number", primary_key=True, index=True)
    created_at: datetime = _time()


class PhotoCaptionRow(SQLModel, table=True):
    """What a model says a photo shows, so that no run asks again."""

    __tablename__ = "photo_captions"
    sha256: str = Field(foreign_key="photos.sha256", primary_key=True, max_length=64)
    model: str = Field(primary_key=True)
    prompt_sha256: str = Field(primary_key=True, max_length=64)
    text: str = _text()
    created_at: datetime = _time()


class ItemRow(SQLModel, table=True):
    """One scenario on its way. Only `storage.items.advance` changes `stage`."""

    __tablename__ = "items"
    __table_args__ = (Index("ix_items_stage", "stage", "category", "sub_category"),)
    number: int | None = Field(default=None, primary_key=True)
    """Counts up from 1; people see it as S-0001."""
    id: str = Field(unique=True, max_length=64)
    """The first scenario record's id, shortened."""
    stage: str
    category: str
    sub_category: str
    batch: str = Field(index=True)
    scenario_id: str
    grounding_id: str | None = None
    image_sha256: str | None = Field(default=None, index=True)
    round: int = 1
    split: str | None = None
    """Set by the first release; an item never changes its split."""
    created_at: datetime = _time()
    updated_at: datetime = _time()


class RecordRow(SQLModel, table=True):
    """Append-only. `body` is the record's canonical JSON."""

    __tablename__ = "records"
    __table_args__ = (
        UniqueConstraint("id", "item_number"),
        Index("ix_records_item", "item_number", "kind", "seq"),
    )
    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(max_length=64)
    item_number: int = Field(foreign_key="items.number")
    kind: str
    parent_id: str | None = None
    actor: str
    body: str = _text()
    created_at: datetime = _time()


class TaskRow(SQLModel, table=True):
    """A question put to `overlap` people about one item in one round."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("item_number", "kind", "round"),
        # What `claim_next` walks: only tasks that still want somebody.
        Index(
            "ix_tasks_open",
            "kind",
            "rank",
            "id",
            sqlite_where=text("status = 'open' AND open_slots > 0"),
            postgresql_where=text("status = 'open' AND open_slots > 0"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    item_number: int = Field(foreign_key="items.number")
    kind: str
    round: int
    """Round of review, from 1. In a study, which asks about released items: minus the number of the study's item."""
    overlap: int
    open_slots: int
    """overlap - submitted reviews - active claims."""
    submitted: int = 0
    status: str = "open"
    """`open`, `decided`, `adjudicating`, `withdrawn` (an adjudication whose cause was undone), or `closed`: its study
    is over, and what is still sent under a claim is kept as late."""
    rank: int
    """Lower comes first: priority in the high part, a shuffle that hides the author's order in the low part."""
    created_at: datetime = _time()


class ClaimRow(SQLModel, table=True):
    """A person's hold on a task, until it lapses."""

    __tablename__ = "claims"
    __table_args__ = (
        Index(
            "uq_claims_held",
            "user_id",
            "task_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index("ix_claims_expiry", "expires_at", sqlite_where=text("state = 'active'"),
              postgresql_where=text("state = 'active'")),
        Index("ix_claims_person", "user_id", "task_id", "state"),
    )  # fmt: skip
    id: str = Field(primary_key=True, max_length=32)
    task_id: int = Field(foreign_key="tasks.id")
    user_id: int = Field(foreign_key="users.id")
    holder: str = Field(default="", max_length=64)
    """Which browser tab or script of the person holds it."""
    state: str = "active"
    """`active`, `submitted`, `released`, `expired`, `skipped`, `undone` once its review was taken back, or `seen`:
    no claim, but a sign that the person has looked at the whole item and cannot be asked blind any more."""
    expires_at: datetime = _time()
    created_at: datetime = _time()


class ReviewRow(SQLModel, table=True):
    """Index of the submitted reviews; the record holds the answer."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        Index(
            "uq_reviews_once",
            "task_id",
            "user_id",
            unique=True,
            sqlite_where=text("status = 'submitted'"),
            postgresql_where=text("status = 'submitted'"),
        ),
        Index("ix_reviews_person", "user_id", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    record_id: str = Field(max_length=64)
    task_id: int = Field(foreign_key="tasks.id")
    item_number: int = Field(foreign_key="items.number")
    user_id: int = Field(foreign_key="users.id")
    claim_id: str = Field(foreign_key="claims.id")
    status: str = "submitted"
    """`submitted`, or `discarded` once undone."""
    verdict: str
    seconds: float
    idempotency_key: str = Field(max_length=64)
    request_sha256: str = Field(max_length=64)
    """Hash of the answers sent, so that a key used twice for different answers is refused."""
    created_at: datetime = _time()


class DraftRow(SQLModel, table=True):
    """What a person has filled in so far; replaced while they work, gone when they submit."""

    __tablename__ = "drafts"
    user_id: int = Field(foreign_key="users.id", primary_key=True)
    task_id: int = Field(foreign_key="tasks.id", primary_key=True)
    body: str = _text()
    updated_at: datetime = _time()


class FlagRow(SQLModel, table=True):
    """A person's call for a maintainer's eyes; it settles nothing."""

    __tablename__ = "flags"
    id: int | None = Field(default=None, primary_key=True)
    item_number: int = Field(foreign_key="items.number", index=True)
    user_id: int = Field(foreign_key="users.id")
    note: str = _text()
    created_at: datetime = _time()
    resolved_at: datetime | None = _time(nullable=True)


class DecisionRow(SQLModel, table=True):
    """Index of the decisions; the record holds the reasons."""

    __tablename__ = "decisions"
    id: int | None = Field(default=None, primary_key=True)
    record_id: str = Field(max_length=64)
    item_number: int = Field(foreign_key="items.number", index=True)
    task_id: int = Field(foreign_key="tasks.id")
    outcome: str
    created_at: datetime = _time()


class GuidelineRow(SQLModel, table=True):
    """A version of the guidelines for one kind of task; Markdown."""

    __tablename__ = "guidelines"
    __table_args__ = (UniqueConstraint("kind", "version"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    version: int
    markdown: str = _text()
    author: str
    created_at: datetime = _time()


class ConstitutionRow(SQLModel, table=True):
    """A version of the constitution of one category. Rows are never changed or removed."""

    __tablename__ = "constitutions"
    __table_args__ = (UniqueConstraint("category", "version"),)
    id: int | None = Field(default=None, primary_key=True)
    category: str
    version: int
    """Counts from 1 in each category."""
    text: str = _text()
    reason: str = _text()
    author: str
    created_at: datetime = _time()


class AuditRow(SQLModel, table=True):
    """One link of the chain. Rows are never changed or removed."""

    __tablename__ = "audit_events"
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = _time()
    actor: str
    tag: str = Field(index=True)
    """`source:subject:action`."""
    subject: str = Field(index=True)
    payload: str = _text()
    previous_sha256: str = Field(max_length=64)
    sha256: str = Field(max_length=64)


class ReleaseRow(SQLModel, table=True):
    """A frozen version; the folder holds the content."""

    __tablename__ = "releases"
    id: int | None = Field(default=None, primary_key=True)
    version: str = Field(unique=True)
    split: str
    notes: str = _text("")
    items: int
    digest: str = Field(max_length=64)
    folder: str
    """Relative to the workspace."""
    author: str
    created_at: datetime = _time()


class ReleaseItemRow(SQLModel, table=True):
    """Which items a release holds, in its order."""

    __tablename__ = "release_items"
    release_id: int = Field(foreign_key="releases.id", primary_key=True)
    item_number: int = Field(foreign_key="items.number", primary_key=True, index=True)
    position: int
    content_sha256: str = Field(max_length=64)


class JobRow(SQLModel, table=True):
    """A long job and the lease of the one process that works on it. `storage.jobs` changes it, nothing else."""

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("kind", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=32)
    name: str = Field(max_length=64)
    state: str
    """`queued`, `running`, `stopping`, `ended` or `failed`. One whose lease lapsed is shown as `interrupted`."""
    request: str = _text("{}")
    """What to do, as JSON."""
    actor: str
    """Who asked for it."""
    owner: str = ""
    """The process that holds the lease."""
    handle: str = _text("")
    """The process that was started for it last, as the executor that started it names it."""
    sitting: int = 0
    """How often a process has taken it up."""
    progress: str = _text("{}")
    message: str = _text("")
    """Why it ended early or failed; while it stops, who asked for that."""
    created_at: datetime = _time()
    started_at: datetime | None = _time(nullable=True)
    heartbeat_at: datetime | None = _time(nullable=True)
    expires_at: datetime | None = _time(nullable=True)
    ended_at: datetime | None = _time(nullable=True)


class StudyRow(SQLModel, table=True):
    """A human study of a judge run: which answers were drawn, how, and whether it is over."""

    __tablename__ = "studies"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True, max_length=64)
    kind: str = Field(default="judge", max_length=32, sa_column_kwargs={"server_default": "judge"})
    """`judge`: people score the answers. `failures`: they say how the answers fail."""
    release_version: str
    release_digest: str = Field(max_length=64)
    run: str
    """The judge run's name. Annotators do not see it, nor the model's."""
    model: str
    mode: str
    rubric_version: str
    """Of the judge's rubric; in a study of failures, of the failure taxonomy."""
    rubric_sha256: str = Field(max_length=64)
    seed: int
    stratify: str = ""
    """What the sample was stratified by, joined by commas; empty for a simple random sample."""
    annotators: int
    """How many different people score each answer."""
    author: str
    created_at: datetime = _time()
    closed_at: datetime | None = _time(nullable=True)
    closed_by: str = ""
    frozen_sha256: str | None = Field(default=None, max_length=64)
    """Of the text `frozen`, from which alone the report is made."""


class StudyTextRow(SQLModel, table=True):
    """A long text of a study: its `rubric`, or taxonomy; its `population`, what the judge gave; what was `frozen`."""

    __tablename__ = "study_texts"
    study_id: int = Field(foreign_key="studies.id", primary_key=True)
    kind: str = Field(primary_key=True)
    body: str = _text()


class StudyItemRow(SQLModel, table=True):
    """One answer of a study, as far as annotators may see it. Attention checks look the same."""

    __tablename__ = "study_items"
    id: int | None = Field(default=None, primary_key=True)
    study_id: int = Field(foreign_key="studies.id", index=True)
    item_number: int = Field(foreign_key="items.number", index=True)
    asked: str = _text()
    """The words that the model was asked with."""
    answer: str = _text()
    task_id: int | None = Field(default=None, foreign_key="tasks.id", unique=True)
    consensus_task_id: int | None = Field(default=None, foreign_key="tasks.id", unique=True)


class StudyKeyRow(SQLModel, table=True):
    """What annotators must not learn of an answer. No query that serves a claim reads this table."""

    __tablename__ = "study_keys"
    study_item_id: int = Field(foreign_key="study_items.id", primary_key=True)
    sample: int = 0
    """Which of the model's answers to the item."""
    stratum: str = ""
    weight: float = 1.0
    """1 / the chance of being drawn."""
    judged: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    """The panel's and each judge's scores, as JSON; None for an attention check."""
    known: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    """The known scores of an attention check, as JSON; None for an answer of the model."""
