"""HazardWorld as far as people have released it for training: what RL and its reward may see comes from a release.

Stage 0 and the held-out scenes are the world's own. Everything is read from the release's rows; the database is not
asked.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from caspo.wind_tunnel.part import PartOfWorld
from caspo.wind_tunnel.world import ScenePair, Split, World
from curator_app.errors import AppError
from curator_app.wind_tunnel_world import convert_pair
from endpoints.seeds import derive_seed
from pipeline.errors import BadContent
from pipeline.hazard_world.scenes import ScenePair as HousePair
from pipeline.hazard_world.splits import SceneSplit, find_split
from pipeline.hazard_world.truth import read_truth
from storage.records import Split as ReleaseSplit
from storage.release_files import Release, read_release
from storage.release_rows import ReleasedItem


class TrainingRefused(AppError):
    """A release cannot be trained on; the message says why and what to do."""


class CuratedWorld(PartOfWorld):
    """A part of a world whose scenes of the split `train` are those of a release."""

    def __init__(self, world: World, release: Release, *, train: int, new: int) -> None:
        """Read the release's scenes.

        Raises:
            TrainingRefused: it is no release for training, or holds what must not be trained on.
        """
        super().__init__(world, train=train, new=new)
        self._digest = release.manifest.digest
        self._released = read_training_pairs(release)

    @property
    def name(self) -> str:
        """Name of the part, and which release it is trained on."""
        return f"{super().name}, trained on the release {self._digest[:16]}"

    def pairs(self, split: Split, *, count: int, seed: int) -> Sequence[ScenePair]:
        """Return `count` pairs of a split; of `train` the released ones, shuffled, and again when they are fewer."""
        if split != "train":
            return super().pairs(split, count=count, seed=seed)
        order: list[HousePair] = []
        while len(order) < count:
            block = list(self._released)
            random.Random(derive_seed(seed, "released pairs", len(order))).shuffle(block)
            order += block
        return [convert_pair(pair, number) for number, pair in enumerate(order[:count])]


def open_curated_world(world: World, folder: Path, digest: str, *, train: int, new: int) -> CuratedWorld:
    """Return the world of a release folder, which must have that digest; a partial of this can be pickled.

    Raises:
        ReleaseInvalid: the folder is damaged, or another release.
        TrainingRefused: see `CuratedWorld`.
    """
    return CuratedWorld(world, read_release(folder, digest=digest), train=train, new=new)


def read_training_pairs(release: Release) -> list[HousePair]:
    """Return the scenes of a release that may be trained on: those whose twin a person found harmless.

    Raises:
        TrainingRefused: the release is no training split, an item is of no world or kept for evaluation, or none is
            left.
    """
    version = release.manifest.version
    if release.manifest.split is not ReleaseSplit.TRAIN:
        raise TrainingRefused(
            f"release {version} is of the split {release.manifest.split.value}, which is never trained on; freeze one "
            "with --split train"
        )
    items = list(release.iterate_items(pictures=False))
    pairs = [(item, read_pair(item, version)) for item in items]
    kept = [item.label for item, pair in pairs if find_split(pair) is not SceneSplit.TRAIN]
    if kept:
        raise TrainingRefused(
            f"release {version} holds scenes that are kept for evaluation: {', '.join(kept[:5])}; release them as "
            "held-out or benchmark"
        )
    found = [pair for item, pair in pairs if item.has_twin]
    if not found:
        raise TrainingRefused(f"no item of release {version} has a twin that a person found harmless; look at some")
    return found


def read_pair(item: ReleasedItem, version: str) -> HousePair:
    """Return the scene and the twin that an item's ground truth describes.

    Raises:
        TrainingRefused: it has none of HazardWorld.
    """
    if item.world_truth is None:
        raise TrainingRefused(f"{item.label} of release {version} has no ground truth of a world; it is no toy item")
    try:
        return read_truth(item.world_truth)
    except BadContent as exc:
        raise TrainingRefused(f"{item.label} of release {version}: {exc}") from exc
