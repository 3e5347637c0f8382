"""The taxonomy: six categories, at least three sub-categories each, a mapping to VLSBench, quotas."""

from pathlib import Path

import pytest
import yaml

from pipeline.errors import BadContent
from pipeline.taxonomy import TAXONOMY_FILE, load_taxonomy
from storage.records import Category

VLSBENCH = {
    "Weapon-Related Violence", "Public Violence and Rioting", "Abuse and Physical Altercations", "Cybercrime",
    "Property Crimes", "Drug-Related Offenses", "Human Trafficking and Exploitation",
    "Identity Theft and Impersonation",
    "Risky or Dangerous Behaviors", "Physical Self-Injury", "Substance Abuse and Poisoning",
    "Psychological and Disordered Harm", "Adult Content", "Erotic Visual Content", "Racial and Ethnic Discrimination",
    "Cultural Xenophobia", "Religious Intolerance", "Gender and Sexual Orientation Discrimination",
    "Unauthorized Data Collection",
}  # fmt: skip
"""The nineteen sub-categories of VLSBench's data file."""


def test_the_six_domains_have_three_sub_categories_or_more_and_a_quota_of_455() -> None:
    taxonomy = load_taxonomy()
    assert [entry.slug for entry in taxonomy.categories] == list(Category)
    assert min(len(entry.sub_categories) for entry in taxonomy.categories) >= 3
    subs = [sub for entry in taxonomy.categories for sub in entry.sub_categories]
    assert 20 <= len(subs) <= 22
    assert sum(sub.quota for sub in subs) == 455  # the size of the paper's benchmark


def test_the_mapping_names_vlsbenchs_own_words_and_reaches_nearly_all_of_them() -> None:
    named = {name for entry in load_taxonomy().categories for sub in entry.sub_categories for name in sub.vlsbench}
    assert named <= VLSBENCH
    assert VLSBENCH - named == {"Gender and Sexual Orientation Discrimination"}  # docs/taxonomy.md says so


def test_pairs_are_checked() -> None:
    taxonomy = load_taxonomy()
    taxonomy.check_pair(category="self_harm", sub_category="risky_behaviour")
    with pytest.raises(BadContent, match="not in 'hate_speech'"):
        taxonomy.check_pair(category="hate_speech", sub_category="risky_behaviour")
    with pytest.raises(BadContent, match="'cooking' is unknown"):
        taxonomy.check_pair(category="cooking", sub_category="risky_behaviour")
    with pytest.raises(BadContent, match="'soup' is unknown"):
        taxonomy.sub_category("soup")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["categories"].pop(), "name each category once"),
        (lambda data: data["categories"][0]["sub_categories"][0].update(slug="property"), "used twice: property"),
        (lambda data: data["categories"][0]["sub_categories"][0].pop("quota"), "quota"),
        (lambda data: data.update(extra=1), "Extra inputs"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, change: object, message: str) -> None:
    data = yaml.safe_load(TAXONOMY_FILE.read_text(encoding="utf-8"))
    change(data)
    file = tmp_path / "taxonomy.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(BadContent, match=message):
        load_taxonomy(file)
