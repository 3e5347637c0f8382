"""Watches a training from its log files alone: series, alarms, tables. No torch, no verl, no database.

* `series` what is watched, under one name each, whoever logged it
* `reading` a run's files, read on from where they were read last
* `alarms` what goes wrong, with its figures, why it matters and what to change
* `text` all of it as a table
"""
