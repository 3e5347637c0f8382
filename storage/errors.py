"""Errors of the storage package. Every message names the value and the remedy."""


class StorageError(Exception):
    """Anything that storage refuses or cannot do."""


class InvalidRecord(StorageError, ValueError):
    """A value that a person, a model or a file supplied does not fit its record."""


class NotFound(StorageError, LookupError):
    """The thing that was named does not exist."""


class Conflict(StorageError):
    """The request was right when it was formed, but the state has moved on."""


class ClaimLost(Conflict):
    """The claim has expired, was released, or belongs to somebody else."""


class TransitionRefused(Conflict):
    """The item cannot go from its stage to the one asked for."""


class Forbidden(StorageError, PermissionError):
    """The person's roles do not allow this."""


class ChainBroken(StorageError):
    """The audit chain does not verify; the message names the first bad event."""


class ImageRefused(StorageError, ValueError):
    """The bytes are not an image that may be stored; the message says why."""


class BenchmarkRefused(StorageError):
    """The files of a public data set cannot be read as what they are said to be."""


class ReleaseInvalid(StorageError):
    """A release folder differs from its manifest; `problems` lists every difference found."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class StorageFull(StorageError):
    """The disk under the database or the blobs is full. Nothing of the request was kept."""


class Busy(StorageError):
    """The database was held by another writer for too long, or does not answer; sending again is safe."""
