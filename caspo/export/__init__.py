"""From a training on verl to a model that transformers loads: merged, compared, and described (docs/exporting.md).

* `checkpoints`  which steps of a run are saved whole; no torch
* `weights`      the shards put together again, without verl
* `comparison`   log-probabilities of the checkpoint and of the merged folder
* `provenance`   where the model comes from: run, data, releases, people
* `card`         the model card
* `exporting`    all of it, into a folder that appears whole or not at all

verl's own merger writes the weights, as a child process: nothing here imports verl.
"""
