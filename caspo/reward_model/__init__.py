"""A reward model for large policies: any vision-language model of transformers with a scalar head, trained with Eq. 7.

* `config`          what a training may be told; no torch
* `rows`            pairs and scores of a folder of training data, with their pictures
* `conversations`   a query, its pictures and an answer as the model's own processor makes them
* `model`           the model, its files and their hashes
* `training`        training, with accelerate: one process or many
* `evaluation`      agreement with the judge, calibration, pull of length, use of the picture
* `server`          the model over HTTP; `caspo.verl_rewards` asks it

The small one of the wind tunnel is `caspo.local.reward_model`.
"""
