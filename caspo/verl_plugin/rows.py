"""TransferQueue's batches as lists of rows, and back: tensors of unlike length, and what is no tensor."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from tensordict import TensorDict
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from verl.utils.tensordict_utils import list_of_dict_to_tensordict


def read_rows(column: Any) -> list[Any]:
    """Return the rows of one field as `kv_batch_get` gives it."""
    if isinstance(column, Tensor):
        if not column.is_nested:
            return list(column.unbind())
        values, offsets = column.values(), column.offsets().tolist()
        if column.dim() == 3 and column._ragged_idx == 2:  # (rows, T): unbind() splits the wrong dimension
            return [values[:, start:end] for start, end in pairwise(offsets)]
        return [values[start:end] for start, end in pairwise(offsets)]
    return [getattr(row, "data", row) if not isinstance(row, dict | list) else row for row in column]


def write_rows(rows: Sequence[Mapping[str, Any]]) -> TensorDict:
    """Return rows as the fields that `kv_batch_put` takes."""
    return list_of_dict_to_tensordict([dict(row) for row in rows])


def pad_rows(rows: Sequence[Tensor]) -> Tensor:
    """Return (B, T), 0 behind each row's end."""
    return pad_sequence(list(rows), batch_first=True)


def number_rows(names: Sequence[str]) -> Tensor:
    """Return one integer for each name, the same for the same name."""
    known: dict[str, int] = {}
    return torch.tensor([known.setdefault(name, len(known)) for name in names])
