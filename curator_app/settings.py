"""Settings of the app: environment variables that begin with `CURATOR_`, each with a default that works."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from curator_app.errors import SettingsInvalid


class Settings(BaseSettings):
    """How this installation runs. `docs/settings.md` lists every field."""

    model_config = SettingsConfigDict(env_prefix="CURATOR_", frozen=True, extra="ignore")

    home: Path = Path("curator-data")
    """Folder of the workspace: database, images, releases."""
    database_url: str = ""
    """`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; empty: `curator.db` in the home folder."""
    blobs: str = ""
    """Folder or `s3://BUCKET/PREFIX` of the images; empty: `blobs` in the home folder."""
    overlap: int = Field(default=2, ge=1, le=20)
    """How many different people review each scenario."""
    claim_ttl_s: int = Field(default=900, ge=30, le=86_400)
    """Seconds that a claimed item is held without a sign of life."""
    session_days: float = Field(default=14, gt=0, le=365)
    """Days until a browser has to sign in again."""
    cookie_secure: Literal["auto", "always", "never"] = "auto"
    """Whether cookies are sent over https only; `auto`: when the request came over https."""

    public_url: str = Field(default="http://127.0.0.1:7860", pattern=r"^https?://[^\s/]+(/[^\s]*)?$")
    """How people reach the server; printed in front of sign-in links."""

    ray_address: str = Field(default="", pattern=r"^(https?://[^\s/]+/?)?$")
    """Dashboard of the Ray cluster that jobs run on, `http://HOST:8265`; empty: they are processes of this machine."""

    model_folders: str = ""
    """Folders, as in `PATH`, of models that may be trained from the app, beside those in the home folder."""

    reward_folders: str = ""
    """Folders, as in `PATH`, of Python files that a training from the app may run as its reward."""

    reward_servers: str = ""
    """Addresses of reward servers that a training from the app may ask, with spaces between them."""

    label_studio_url: str = ""
    """Address of the Label Studio server that `curator labelstudio` keeps in step with."""
    label_studio_token: SecretStr = SecretStr("")
    """A personal access token of it, or a legacy one; never printed."""

    @property
    def blobs_url(self) -> str:
        """Where the images are."""
        return self.blobs or str(self.home / "blobs")

    @property
    def releases_folder(self) -> Path:
        """Where frozen releases are written."""
        return self.home / "releases"

    @property
    def sqlite_file(self) -> Path | None:
        """The database file of the default installation; None when `database_url` is set."""
        return None if self.database_url else self.home / "curator.db"

    @property
    def effective_database_url(self) -> str:
        """The database URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.home / 'curator.db'}"


_NO_ADDRESS = "string_pattern_mismatch"
"""What pydantic says of a field with a pattern: of ours the addresses, and no others."""


def load_settings(*, home: Path | None = None) -> Settings:
    """Return the settings of the environment; `home` from a command line wins over `CURATOR_HOME`.

    Raises:
        SettingsInvalid: a variable holds a value that cannot be used.
    """
    try:
        settings = Settings() if home is None else Settings(home=home)
    except ValidationError as exc:
        lines = [
            f"CURATOR_{str(error['loc'][0]).upper()}={error['input']!r} cannot be used: "
            + ("give an address such as http://HOST:PORT" if error["type"] == _NO_ADDRESS else error["msg"])
            for error in exc.errors()
        ]
        raise SettingsInvalid("\n".join(lines)) from exc
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})
