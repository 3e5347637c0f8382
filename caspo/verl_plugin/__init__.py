"""CASPO on verl: a trainer that verl finds by name, `trainer.v1.trainer_mode=caspo`. Only this package imports verl.

* `options`     what `+caspo.lam=0.3` and the like may say; no torch, no verl
* `prompts`     the same prompt with the constitution before it, in token ids and positions; no verl
* `advantage`   a step's advantages and metrics, by `caspo.objective`; no verl
* `fixes`       three faults of verl 0.9.1 mended while it runs, as long as they are there
* `rows`        TransferQueue's batches as lists of rows
* `scoring`     log-probabilities of sampled answers under the constitution
* `rewards`     verl's reward manager with the pictures of the prompt; for `caspo.verl_rewards`
* `unrewarded`  answers without a reward, and when they end a run; no verl
* `trainer`     the trainer; importing it registers it
"""
