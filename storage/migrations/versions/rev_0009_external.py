"""What is pushed to another annotation tool, and pulled from it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "external_projects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("marker", sa.String(length=32), nullable=False),
        sa.Column("remote_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("study", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("watermark", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_projects")),
        sa.UniqueConstraint("source", "marker", name=op.f("uq_external_projects")),
    )
    op.create_table(
        "external_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("seen", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["external_projects.id"], name=op.f("fk_external_tasks_project_id_external_projects")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_external_tasks_task_id_tasks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_tasks")),
        sa.UniqueConstraint("project_id", "remote_id", name=op.f("uq_external_tasks")),
    )
    op.create_index(op.f("ix_external_tasks_task_id"), "external_tasks", ["task_id"], unique=False)
    op.create_table(
        "external_revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("remote_task", sa.Integer(), nullable=False),
        sa.Column("annotation", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.String(), nullable=False),
        sa.Column("result_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("claimed", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("ground_truth", sa.Boolean(), nullable=False),
        sa.Column("prefilled", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["external_projects.id"], name=op.f("fk_external_revisions_project_id_external_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_revisions")),
        sa.UniqueConstraint(
            "project_id", "annotation", "updated_at", "result_sha256", "state",
            name=op.f("uq_external_revisions"),
        ),
    )  # fmt: skip
    op.create_table(
        "external_annotations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("remote_task", sa.Integer(), nullable=False),
        sa.Column("annotation", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("use", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["external_projects.id"], name=op.f("fk_external_annotations_project_id_external_projects")
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["external_revisions.id"],
            name=op.f("fk_external_annotations_revision_id_external_revisions"),
        ),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_external_annotations_review_id_reviews")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_annotations")),
        sa.UniqueConstraint("project_id", "annotation", name=op.f("uq_external_annotations")),
    )
    op.create_index(op.f("ix_external_annotations_remote_task"), "external_annotations", ["remote_task"], unique=False)
