"""A census in MLflow's experiment "census"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wildetect.tasks.support import say

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.settings import Project

__all__ = ["log_census"]


def log_census(project: Project, document: dict[str, Any], folder: Path) -> None:
    """Log the census; it must not fail because there is no server, or it went away meanwhile."""
    from wildetect.census.output.document import write_census_file
    from wildetect.census.output.outputs import census_record
    from wildetect.errors import ServerError
    from wildetect.registry.runs import finish_run, start_run
    from wildetect.tasks.server_access import connect_for

    if document["mlflow"]:
        return
    try:
        connection = connect_for(project)
        name = f"{document['campaign']['id']}: {document['counts']['animals']} animals"
        run_id = start_run(connection, "census", name)
        document["mlflow"] = {"uri": connection.uri, "run_id": run_id}
        write_census_file(folder, document)
        finish_run(connection, run_id, census_record(document, folder))
    except ServerError as error:
        say(f"warning: the results are written, but the census is not logged: {error.message}. {error.hint}")
