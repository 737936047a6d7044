"""The project that is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from wildetect.checkup.finding import warnings_kept
from wildetect.errors import ConfigurationError
from wildetect.settings.address import TRACKING_URI
from wildetect.settings.project import Project, Variables, project_root

if TYPE_CHECKING:
    from wildetect.registry.probe import Probe
    from wildetect.server.process.plan import Plan
    from wildetect.server.process.state import ServerState
    from wildetect.settings.detection import DetectionSettings
    from wildetect.shims import Shim

__all__ = ["Subject"]


ANSWER_TIMEOUT = 2.0  # s


@dataclass(frozen=True)
class Subject:
    """A project, and what several checks want to know of it; each is found out once.

    Attributes:
        project: Its root and .env; an .env that cannot be read counts as empty.
        dotenv_error: Why it cannot be read.
        shims: The .bat files that the tasks declare.
        space: Bytes that must be free; None where the user named no number.
    """

    project: Project
    dotenv_error: ConfigurationError | ImportError | None = None
    shims: Sequence[Shim] = ()
    space: int | None = None

    @classmethod
    def find(cls, *, shims: Sequence[Shim], space: int | None = None) -> Subject:
        """The project that the current folder lies in, whatever is wrong with it."""
        root = project_root()
        try:
            return cls(Project(root, Variables.read(root / ".env")), None, shims, space)
        except (ConfigurationError, ImportError) as error:
            return cls(Project(root), error, shims, space)

    @cached_property
    def plan(self) -> Plan:
        """The server that would be started; with the defaults where its settings are wrong.

        Raises:
            ConfigurationError: Where the store or the tracking URI make no sense.
        """
        from wildetect.server.process.plan import plan_server
        from wildetect.settings import load_settings
        from wildetect.settings.mlflow import MlflowSettings

        with warnings_kept():
            try:
                settings = load_settings(MlflowSettings, self.project)
            except ConfigurationError:
                settings = MlflowSettings()
            return plan_server(self.project, settings)

    @cached_property
    def detection(self) -> DetectionSettings:
        """The settings of a detection run.

        Raises:
            ConfigurationError: Where they are wrong.
        """
        from wildetect.settings import load_settings
        from wildetect.settings.detection import DetectionSettings

        with warnings_kept():
            return load_settings(DetectionSettings, self.project)

    @cached_property
    def uri(self) -> str:
        """The server that the tasks talk to."""
        from wildetect.server.process.server import address_of_tasks

        return address_of_tasks(self.project).uri

    @cached_property
    def probe(self) -> Probe:
        """That server, ready to be asked."""
        from wildetect.registry.probe import Probe
        from wildetect.server.access.signin import credentials_of

        return Probe(self.uri, credentials_of(self.project), ANSWER_TIMEOUT)

    @cached_property
    def healthy(self) -> bool:
        """Whether something there says that it is well, as MLflow does."""
        from wildetect.server.process.status import left_behind

        if left_behind(self.own_server, self.project.variable(TRACKING_URI)):
            return False
        return self.uri.startswith(("http://", "https://")) and self.probe.healthy()

    @cached_property
    def answers(self) -> bool:
        """Whether an MLflow server answers there, and lets us in."""
        from wildetect.errors import ServerError

        if not self.healthy:
            return False
        try:
            self.probe.version()
        except ServerError:
            return False
        return True

    @cached_property
    def own_server(self) -> ServerState | None:
        """What server.json says of the project's own server."""
        from wildetect.server.process.plan import server_folder
        from wildetect.server.process.state import read_state

        return read_state(server_folder(self.project))
