"""What training data is made of, and how: one YAML file, strictly read. Defaults are the paper's where it has one."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from caspo.config_file import read_fields, say_first
from caspo.errors import DataRefused
from caspo.presets import PresetName, get_preset
from storage.images import MAX_HAMMING_BITS
from storage.record import Frozen
from storage.records import Category
from storage.texts import Line

PublicName = Literal["beavertails-v", "spa-vl"]

PAPER_SHARES: Mapping[Category, float] = MappingProxyType(
    {
        Category.VIOLENT: 38.02,
        Category.ILLEGAL: 23.09,
        Category.HATE: 11.92,
        Category.SEXUAL: 9.28,
        Category.PRIVACY: 9.10,
        Category.SELF_HARM: 8.58,
    }
)
"""Per cent of the paper's 6,583 training prompts (table 8)."""


class ReleaseSource(Frozen):
    """A release of the split train, or of held_out: its items then go into `val.parquet` and nowhere else."""

    path: Path
    items: int | None = Field(default=None, ge=1)
    """At most so many of its items, twins aside; None: all."""
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Its share of `size`, beside the weights of the other sources."""


class PublicSource(ReleaseSource):
    """Files of a public data set, as its makers publish them."""

    kind: PublicName
    pictures: Path | None = None
    """Folder of the pictures; None: beside the files."""
    version: Line | None = None
    """Which state of the data set this is; None: what we know of it, which is little."""
    licence: Line | None = None
    """None: the licence that its card names."""
    categories: Mapping[str, Category] = Field(default_factory=dict)
    """Its own category -> ours; goes before our mapping (docs/training-data.md)."""
    prompts: bool = True
    """Whether its questions are prompts of RL; its pairs are taken either way."""


class SftChoice(Frozen):
    """Which judged answers SFT learns from."""

    min_score: float = Field(default=5.0, ge=0, le=6)
    """Least R + S + E."""
    per_prompt: int = Field(default=2, ge=1)
    most: int | None = Field(default=None, ge=1)
    """At most so many answers, spread evenly over models and lengths; None: no model and length has more than
    `evenness` times the median of all."""
    evenness: float = Field(default=2.0, ge=1)


class PreferenceChoice(Frozen):
    """Which pairs DPO learns from."""

    min_gap: float = Field(default=2.0, gt=0)
    """Least difference of the scores; pairs of a data set that gives none are taken as they are."""
    per_prompt: int = Field(default=1, ge=1)
    most: int | None = Field(default=None, ge=1)
    length_skew: float | None = Field(default=1.0, ge=1)
    """At most so many pairs whose better answer is the longer one to one where it is the shorter, and the reverse;
    None: lengths are not balanced."""


class RewardChoice(Frozen):
    """How judged answers become the two parts of the reward model's loss (Eq. 7, appendix B.1)."""

    margin: float = Field(default=4.0, ge=0, le=6)
    """Pairs whose R + S + E differ by more are for Bradley-Terry."""
    pair_probability: float = Field(default=0.85, ge=0, le=1)
    """... with this probability; what is in no pair is for regression."""
    most: int | None = Field(default=None, ge=1)
    """As in SFT."""
    evenness: float = Field(default=2.0, ge=1)
    length_skew: float | None = Field(default=2.0, ge=1)
    """As in preferences; answers of pairs that go for it are for regression."""


class DatasetConfig(Frozen):
    """One preparation of training data."""

    seed: int = Field(default=0, ge=0)
    releases: tuple[ReleaseSource, ...] = ()
    judge_runs: tuple[Path, ...] = ()
    """Folders of judge runs on these releases."""
    public: tuple[PublicSource, ...] = ()
    preset: PresetName = "recommended"
    """Gives `twin_share`."""
    twin_share: float | None = Field(default=None, ge=0, lt=1)
    """Share of harmless twins among the prompts; None: the preset's."""
    size: int | None = Field(default=None, ge=1)
    """Prompts in all, twins aside, over the sources by weight; None: whatever the sources give."""
    category_shares: Mapping[Category, float] | Literal["paper"] | None = None
    """Weights of the categories within each source; `paper`: table 8. Needs `size` or `items`."""
    on_match: Literal["refuse", "drop"] = "refuse"
    """What becomes of a prompt that matches a benchmark."""
    picture_bits: int = Field(default=MAX_HAMMING_BITS, ge=0, le=32)
    """Perceptual hashes that differ in at most so many bits are one picture."""
    query_threshold: float = Field(default=0.85, gt=0, lt=1)
    """Cosine from which two queries are near-duplicates."""
    sft: SftChoice = SftChoice()
    preferences: PreferenceChoice = PreferenceChoice()
    reward: RewardChoice = RewardChoice()

    @model_validator(mode="after")
    def _check(self) -> "DatasetConfig":
        if not self.releases and not self.public:
            raise ValueError("no source is given; name a release or a public data set")
        sized = self.size or any(source.items for source in (*self.releases, *self.public))
        if self.category_shares and not sized:
            raise ValueError("category_shares choose nothing while all is taken; give size, or items of a source")
        return self

    @property
    def twins(self) -> float:
        """The share of twins that is asked for."""
        return get_preset(self.preset).twin_share if self.twin_share is None else self.twin_share

    @property
    def shares(self) -> Mapping[Category, float] | None:
        """The categories' weights; None: as found."""
        return PAPER_SHARES if self.category_shares == "paper" else self.category_shares or None

    def describe_choices(self) -> dict[str, Any]:
        """Return all that was chosen, as JSON values and without paths, which differ from machine to machine."""
        told = self.model_dump(mode="json", exclude={"releases", "judge_runs", "public"})
        return told | {"twin_share": self.twins, "category_shares": self.shares and dict(self.shares)}


def read_config(path: Path, **given: Any) -> DatasetConfig:
    """Return the config of a YAML file, with the values that were given on the command line in place of the file's.

    Raises:
        DataRefused: it cannot be read or used; the message names the field.
    """
    return make_config(read_fields(path, docs="docs/training-data.md", refused=DataRefused) | given)


def make_config(values: Mapping[str, Any]) -> DatasetConfig:
    """Return a checked config.

    Raises:
        DataRefused: a value cannot be used; the message names the field.
    """
    try:
        return DatasetConfig.model_validate(values)
    except ValidationError as exc:
        raise DataRefused(say_first(exc)) from exc
