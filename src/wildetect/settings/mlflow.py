"""configs/mlflow.yaml: the MLflow server of this workspace."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from wildetect.settings.keys import SectionKeys

__all__ = ["MlflowSettings"]


def _word(value: Any) -> Any:
    """YAML reads on and off without quotes as true and false."""
    return ("on" if value else "off") if isinstance(value, bool) else value


SignIn = Annotated[
    Literal["auto", "on", "off"],
    BeforeValidator(_word, json_schema_input_type=Literal["auto", "on", "off"] | bool),
]


class MlflowSettings(SectionKeys):
    """Where the server listens and where it keeps its data."""

    section: ClassVar[str] = "mlflow"
    file: ClassVar[str] = "configs/mlflow.yaml"

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on; 0.0.0.0 shares it")
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        examples=[5000],
        description="null: that of MLFLOW_TRACKING_URI, else 5000",
    )
    backend_store_uri: str | None = Field(None, description="null: SQLite in runs/mlflow/mlflow.db")
    artifacts_destination: str | None = Field(None, description="null: the folder runs/mlflow/artifacts")
    workers: int = Field(1, ge=1, le=64, description="server processes")
    open_browser: bool = Field(True, description="open the page once the server answers")
    sign_in: SignIn = Field("auto", description="ask for a password; auto: where the server is shared")
