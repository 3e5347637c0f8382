"""Reads other people's benchmarks, each from its real files, into one record; what is theirs stays apart from ours."""
