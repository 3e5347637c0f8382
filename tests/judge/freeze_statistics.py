"""Writes frozen_statistics.json: what other libraries make of random tables. Tests read the file, never run this.

Not a dependency of the project. In an environment of its own (irrCAC pins old versions, hence --no-deps):

    pip install numpy==2.2.6 pandas==2.2.3 scipy==1.15.3 statsmodels==0.15.0 scikit-learn==1.9.1 krippendorff==0.9.0
    pip install numba tqdm attrs nltk gdown
    pip install --no-deps irrCAC==0.4.4 ppi-python==0.2.3 crowd-kit==1.4.2
    python tests/judge/freeze_statistics.py

The tables are kept in the file as text, one row of characters for each rater and `.` where there is no rating, so that
they do not hang on a generator of random numbers.
"""

import importlib.metadata
import json
import sys
import types
from math import inf, isfinite, nan
from pathlib import Path

import numpy as np

TABLES, CASES = 200, 40


def draw_tables() -> list[np.ndarray]:
    """Return random tables of 2 to 5 raters, 8 to 30 items and scores 0 to 2, up to a third missing."""
    rng = np.random.default_rng(20260310)
    tables: list[np.ndarray] = []
    while len(tables) < TABLES:
        raters, items = int(rng.integers(2, 6)), int(rng.integers(8, 31))
        shares = rng.dirichlet([1.5, 1.0, 1.5])
        truth = rng.choice(3, p=shares, size=items)
        copied = rng.uniform(0.1, 0.95, size=(raters, 1))
        guess = rng.choice(3, p=shares, size=(raters, items))
        table = np.where(rng.random((raters, items)) < copied, truth, guess).astype(float)
        table[rng.random((raters, items)) < rng.uniform(0, 0.33)] = nan
        pair = table[:2, ~np.isnan(table[:2]).any(axis=0)]
        if pair.shape[1] > 2 and len(np.unique(pair)) > 1 and len(np.unique(table[~np.isnan(table)])) > 1:
            tables.append(table)
    return tables


def measure(table: np.ndarray) -> dict[str, float]:
    """Return every coefficient of one table, each from a library that has it."""
    import krippendorff
    import pandas as pd
    from irrCAC.raw import CAC
    from sklearn.metrics import cohen_kappa_score
    from statsmodels.stats.inter_rater import cohens_kappa

    pair = table[:2, ~np.isnan(table[:2]).any(axis=0)].astype(int)
    cross = np.zeros((3, 3))
    np.add.at(cross, (pair[0], pair[1]), 1)
    frame = pd.DataFrame(table.T)

    def gwet(weights: str) -> CAC:
        return CAC(frame.copy(), weights=weights, categories=[0.0, 1.0, 2.0], digits=12)

    def alpha(level: str) -> float:
        return float(krippendorff.alpha(table, level_of_measurement=level))

    found = {
        "kappa": float(cohens_kappa(cross, return_results=True).kappa),
        "kappa_linear": float(cohens_kappa(cross, wt="linear", return_results=True).kappa),
        "kappa_quadratic": float(cohens_kappa(cross, wt="quadratic", return_results=True).kappa),
        "fleiss": float(gwet("identity").fleiss()["est"]["coefficient_value"]),
        "alpha_nominal": alpha("nominal"),
        "alpha_ordinal": alpha("ordinal"),
        "alpha_interval": alpha("interval"),
        "ac1": float(gwet("identity").gwet()["est"]["coefficient_value"]),
        "ac2_linear": float(gwet("linear").gwet()["est"]["coefficient_value"]),
        "ac2_quadratic": float(gwet("quadratic").gwet()["est"]["coefficient_value"]),
    }
    for name, weights in (("kappa", None), ("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")):
        second = cohen_kappa_score(pair[0], pair[1], weights=weights, labels=[0, 1, 2])
        assert abs(second - found[name]) < 1e-9, (name, second, found[name])
    other = CAC(frame.copy(), weights="quadratic", categories=[0.0, 1.0, 2.0], digits=12).krippendorff()
    assert abs(other["est"]["coefficient_value"] - found["alpha_interval"]) < 1e-9
    assert all(isfinite(number) for number in found.values()), found
    return {name: round(number, 10) for name, number in found.items()}


def fleiss_of_statsmodels(tables: list[np.ndarray]) -> None:
    """Check Fleiss' kappa of irrCAC against statsmodels, which knows no missing ratings, on the whole items."""
    import pandas as pd
    from irrCAC.raw import CAC
    from statsmodels.stats.inter_rater import fleiss_kappa

    for table in tables:
        whole = table[:, ~np.isnan(table).any(axis=0)]
        if whole.shape[1] > 2 and len(np.unique(whole)) > 1:
            counts = np.stack([(whole == score).sum(axis=0) for score in range(3)], axis=1)
            theirs = CAC(pd.DataFrame(whole.T), categories=[0.0, 1.0, 2.0], digits=12).fleiss()
            assert abs(theirs["est"]["coefficient_value"] - fleiss_kappa(counts)) < 1e-9


def crowd_kit(table: np.ndarray) -> list[int]:
    """Return crowd-kit's posterior after five rounds, item by item, in thousandths; zeros where nobody rated."""
    import pandas as pd
    from crowdkit.aggregation.classification.dawid_skene import DawidSkene

    rows = [
        (item, rater, int(score))
        for rater, row in enumerate(table)
        for item, score in enumerate(row)
        if not np.isnan(score)
    ]
    model = DawidSkene(n_iter=5, tol=-inf)  # with 0 it may stop early: its bound counts priors once per rating
    found = model.fit_predict_proba(pd.DataFrame(rows, columns=["task", "worker", "label"]))
    found = found.reindex(index=range(table.shape[1]), columns=range(3)).fillna(0.0)
    return [round(1000 * share) for share in found.to_numpy().ravel()]


def prediction_powered() -> list[dict[str, object]]:
    """Return random cases with the intervals of ppi-python."""
    from ppi_py import ppi_mean_ci, ppi_mean_pointestimate

    rng = np.random.default_rng(7)
    cases: list[dict[str, object]] = []
    while len(cases) < CASES:
        labelled, unlabelled = int(rng.integers(15, 60)), int(rng.integers(20, 120))
        shares, copied = rng.dirichlet([1.5, 1.0, 1.5]), rng.uniform(0, 1)
        human = rng.choice(3, p=shares, size=labelled + unlabelled)
        judge = np.where(rng.random(len(human)) < copied, human, rng.choice(3, p=shares, size=len(human)))
        if len(cases) % 5 == 0:
            judge = 2 - judge  # a judge who has it the wrong way round is not to be trusted at all
        alpha = float(rng.choice([0.05, 0.1, 0.2]))
        y, seen, unseen = human[:labelled].astype(float), judge[:labelled].astype(float), judge[labelled:].astype(float)
        if y.std() == 0:
            continue
        low, high = ppi_mean_ci(y, seen, unseen, alpha=alpha)
        cases.append({
            "human": encode(y), "judge": encode(seen), "unlabelled": encode(unseen), "alpha": alpha,
            "mean": float(np.squeeze(ppi_mean_pointestimate(y, seen, unseen))),
            "low": float(np.squeeze(low)), "high": float(np.squeeze(high)),
        })  # fmt: skip
    return cases


def encode(row: np.ndarray) -> str:
    """Return one character for each rating."""
    return "".join("." if np.isnan(score) else str(int(score)) for score in row)


def main() -> None:
    """Write the file."""
    for heavy in ("transformers", "torch"):  # crowd-kit imports them for texts and images, which are not used
        sys.modules.setdefault(heavy, types.ModuleType(heavy))
    tables = draw_tables()
    fleiss_of_statsmodels(tables)
    measured = [measure(table) for table in tables]
    names = ("irrCAC", "krippendorff", "statsmodels", "scikit-learn", "crowd-kit", "ppi-python", "numpy", "pandas")
    frozen = {
        "versions": {name: importlib.metadata.version(name) for name in names},
        "tables": [[encode(row) for row in table] for table in tables],
        "agreement": {name: [one[name] for one in measured] for name in measured[0]},
        "dawid_skene": [crowd_kit(table) for table in tables],
        "prediction_powered": prediction_powered(),
    }
    lines = [f"{json.dumps(key)}: {json.dumps(part, separators=(',', ':'))}" for key, part in frozen.items()]
    path = Path(__file__).parent / "frozen_statistics.json"
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
