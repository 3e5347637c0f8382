r"""What verl's SFT trainer needs of us: prompts in both forms, rows that it can batch, and metrics that are kept.

    VERL_USE_EXTERNAL_MODULES=caspo.verl_plugin.supervised torchrun -m verl.trainer.sft_trainer \
        data.custom_cls.path=pkg://caspo.verl_plugin.supervised data.custom_cls.name=PromptedAnswers \
        +data.prompt=standard

The trainer, its loss, its checkpoints are verl's. Importing this mends verl's faults and puts a logger in the place of
verl's file logger, which empties its file when a run is resumed.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import verl.utils.tracking
from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset

from caspo.errors import DataRefused, OptionsInvalid
from caspo.metrics_file import MetricsFile
from caspo.torchrun import end_with_torchrun
from caspo.verl_plugin.fixes import check_verl, mend_verl

FORMS = ("standard", "constitution", "both")

end_with_torchrun()
check_verl()
mend_verl()


class PromptedAnswers(MultiTurnSFTDataset):  # type: ignore[misc]
    """verl's dataset, with the constitution of a row as system turn where `data.prompt` asks for it.

    With `both`, rows come twice: all of them with the question alone, then all under the constitution.
    """

    def __init__(self, parquet_files: Any, tokenizer: Any, config: Any, processor: Any = None, **named: Any) -> None:
        self.form = str(config.get("prompt", "standard"))
        if self.form not in FORMS:
            raise OptionsInvalid(f"data.prompt={self.form}: it is one of {', '.join(FORMS)}")
        super().__init__(parquet_files, tokenizer, config, processor=processor, **named)
        if self.form != "standard":
            self.constitutions = self._read_constitutions()

    def _read_constitutions(self) -> list[str]:
        """Return each row's, in order."""
        if "constitution" not in self.dataframe.columns:
            raise DataRefused("the SFT file has no column `constitution`: make the training data anew")
        found = [str(text or "") for text in self.dataframe["constitution"].fillna("")]
        if "" in found:
            raise DataRefused(f"row {found.index('')} of the SFT file has no constitution: set data.prompt=standard")
        return found

    def __len__(self) -> int:
        return len(self.messages) * (2 if self.form == "both" else 1)

    def __getitem__(self, item: int) -> dict[str, Any]:
        rows = len(self.messages)
        self._guided = self.form == "constitution" or item >= rows
        self._row = item % rows
        found: dict[str, Any] = super().__getitem__(self._row)
        # verl's collator asks every row for what the first one has.
        return {"multi_modal_inputs": {}, **found}

    def _build_messages(self, example: dict[str, Any]) -> list[dict[str, Any]]:
        example["images"] = [] if example.get("images") is None else example["images"]
        messages: list[dict[str, Any]] = super()._build_messages(example)
        if self._guided:
            told = [{"type": "text", "text": self.constitutions[self._row]}]
            messages.insert(0, {"role": "system", "content": told})
        return messages


class KeptMetrics:
    """In place of verl's `FileLogger`: the same path, only ever added to."""

    def __init__(self, project_name: str, experiment_name: str) -> None:
        self._file = MetricsFile(Path(os.environ["VERL_FILE_LOGGER_PATH"]).parent)

    def log(self, data: Mapping[str, Any], step: int) -> None:
        """Add a step's metrics."""
        self._file.add(step, data)

    def finish(self) -> None:
        """Nothing is left open."""


verl.utils.tracking.FileLogger = KeptMetrics
