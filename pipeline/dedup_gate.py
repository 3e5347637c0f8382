"""Deduplication within a stream: windows of scenarios, in the order of the plan, against all that came before.

Within a window the scenario with the better scores is kept; against earlier windows, which have moved on, the
earlier one is. Matches with an item of another run count unless that item was rejected. What a release holds always
counts, also when it was written by hand or comes from another workspace's run: nothing new may repeat a benchmark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import col, select

from endpoints.embeddings import EmbeddingEndpoint
from pipeline.dedup import DuplicateIndex, Match, add_release, find_clusters, is_row_of, make_verdict, name_space
from pipeline.errors import ConfigInvalid
from storage.db import Database
from storage.records import FilterVerdict, Provenance, Scenario
from storage.release_files import Release
from storage.stages import Stage
from storage.tables import ItemRow


@dataclass(frozen=True, slots=True)
class Screened:
    """A scenario that passed the filters. `points` is the sum of its scores."""

    item_id: str
    scenario: Scenario
    points: float


class DedupGate:
    """Says of each window which scenarios are kept. Mutates the index folder. Use from one thread at a time."""

    def __init__(
        self,
        *,
        embeddings: EmbeddingEndpoint,
        threshold: float,
        folder: Path | None,
        db: Database,
        now: datetime,
        releases: Sequence[Release] = (),
    ) -> None:
        """Open the index, and put into it what `releases` hold and it does not know yet.

        Raises:
            ConfigInvalid: the threshold is 1; near-duplicates need one below.
            BadIndex: the folder is damaged.
            ReleaseInvalid: a data file of a release is missing or damaged.
        """
        if threshold >= 1:
            raise ConfigInvalid(f"`dedup_threshold` is {threshold}; give a cosine above 0 and below 1")
        # One folder for each space and size: vectors of different models must not be compared.
        place = None if folder is None else folder / name_space(embeddings)
        self._index = DuplicateIndex(dim=embeddings.dim, space=embeddings.name, threshold=threshold, folder=place)
        self._embeddings = embeddings
        self._db = db
        self._now = now
        self._mine: set[str] = set()
        self._kept_instead: dict[str, str] = {}
        for release in releases:
            add_release(release, index=self._index, embeddings=embeddings)

    def judge(self, window: Sequence[Screened]) -> dict[str, FilterVerdict]:
        """Return a verdict for each scenario that has a near-duplicate; those without one are not in the answer."""
        if not window:
            return {}
        ids = [screened.item_id for screened in window]
        self._mine.update(ids)
        vectors = self._embeddings.embed([screened.scenario.hidden_hazard for screened in window])
        found = self._index.add(ids, vectors)
        rejected = self._find_rejected({match.other_id for match in found} - self._mine)
        matches = [
            Match(match.id, self._kept_instead.get(match.other_id, match.other_id), match.similarity)
            for match in found
            if match.other_id not in rejected and not is_row_of(match.other_id, match.id)
        ]
        clusters = find_clusters(
            matches,
            quality={screened.item_id: screened.points for screened in window},
            kept={match.other_id for match in matches} - set(ids),
        )
        scenarios: Mapping[str, Scenario] = {screened.item_id: screened.scenario for screened in window}
        made_by = Provenance(actor=self._embeddings.name, tool="pipeline.dedup", created_at=self._now)
        verdicts = {}
        for cluster in clusters:
            for member in cluster.members:
                if member not in scenarios:
                    continue
                verdicts[member] = make_verdict(
                    cluster=cluster,
                    member=member,
                    threshold=self._index.threshold,
                    provenance=made_by,
                    parent_id=scenarios[member].id,
                )
                if member in cluster.dropped:
                    self._kept_instead[member] = cluster.representative
        return verdicts

    def _find_rejected(self, ids: set[str]) -> set[str]:
        if not ids:
            return set()
        with self._db.read() as session:
            query = select(ItemRow.id).where(col(ItemRow.id).in_(ids), ItemRow.stage == Stage.REJECTED.value)
            return set(session.exec(query))
