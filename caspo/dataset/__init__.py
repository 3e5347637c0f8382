"""Training data for verl, SFT, DPO and the reward model, from releases, judge runs and two public data sets. No torch.

* `config`       what to make of which sources
* `sources`      prompts of releases, BeaverTails-V and SPA-VL, one after the other
* `gate`         keeps benchmarks out
* `sampling`     seeded choices, quotas, balance
* `scored`       answers of judge runs with their scores, read from the runs' files
* `answer_sets`  SFT answers, preference pairs, reward-model pairs and scores
* `rows`         the Parquet files
* `prepare`      all of it, into one folder
* `report`       what the folder holds, in the shape of the paper's table 8
"""
