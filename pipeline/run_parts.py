"""What a run works with, and who in it does what."""

from dataclasses import dataclass
from pathlib import Path

from endpoints.config import Roles
from pipeline.benchmark_gate import BenchmarkRow
from pipeline.config import PipelineConfig
from pipeline.few_shot_library import FewShotLibrary
from pipeline.grounding import Grounders
from pipeline.ocr import TextReader
from pipeline.photo_matching import PhotoParts
from pipeline.refinement import Refiners
from pipeline.run_folder import RunFolder
from pipeline.taxonomy import Taxonomy
from storage.blobs import BlobStore
from storage.db import Database
from storage.release_files import Release

HASHED_SPACE = "hash-"


@dataclass(frozen=True)
class RunParts:
    """What a run works with."""

    config: PipelineConfig
    taxonomy: Taxonomy
    library: FewShotLibrary
    roles: Roles
    db: Database
    blobs: BlobStore
    folder: RunFolder
    dedup_folder: Path | None
    """Where risk vectors are kept over runs; None compares within the run only."""
    overlap: int = 2
    """People who review each scenario."""
    releases: tuple[Release, ...] = ()
    """Nothing new may repeat what they hold."""
    benchmarks: tuple[BenchmarkRow, ...] = ()
    """Public benchmarks; nothing new may repeat what they ask or show."""
    read_image: TextReader | None = None
    """Reads writing in pictures; None leaves it out, and the records say so."""


def needed_roles(config: PipelineConfig) -> tuple[str, ...]:
    """Return the roles that a run of `config` calls."""
    roles = ["generator", "critic", "rewriter", "embedding", *config.mining.targets]
    if config.refinement.text_only_probe:
        roles.append("text_only_probe")
    if config.twin or config.grounding.pictures in ("synthetic", "mixed"):
        roles.append("image")
    if config.twin or config.grounding.pictures != "none":
        roles.append("validator")
    return tuple(dict.fromkeys(roles))  # a target may be one of the others too


def pick_refiners(parts: RunParts) -> Refiners:
    """Return who looks for leaks and mends them."""
    roles, embeddings = parts.roles, parts.roles.embedding
    return Refiners(
        critic=roles.chat("critic"),
        rewriter=roles.chat("rewriter"),
        probe=roles.chat("text_only_probe") if parts.config.refinement.text_only_probe else None,
        # Hashed words tell nothing about meaning; the words themselves are compared anyway.
        embeddings=None if embeddings.name.startswith(HASHED_SPACE) else embeddings,
        read_image=parts.read_image,
    )


def pick_grounders(parts: RunParts) -> Grounders | None:
    """Return who draws pictures of scenarios; None when none are drawn."""
    return None if parts.config.grounding.pictures in ("none", "photos") else pick_drawers(parts)


def pick_drawers(parts: RunParts) -> Grounders:
    """Return who draws pictures and looks at them."""
    roles = parts.roles
    return Grounders(
        writer=roles.chat("rewriter"),
        images=roles.image,
        validator=roles.chat("validator"),
        read_image=parts.read_image,
    )


def pick_photo_parts(parts: RunParts) -> PhotoParts | None:
    """Return what photos are matched with; None when the run takes none."""
    if parts.config.grounding.pictures not in ("photos", "mixed"):
        return None
    return PhotoParts(
        config=parts.config,
        validator=parts.roles.chat("validator"),
        embeddings=parts.roles.embedding,
        db=parts.db,
        blobs=parts.blobs,
        read_image=parts.read_image,
    )
