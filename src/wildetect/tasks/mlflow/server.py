"""The tasks of the MLflow server."""

from __future__ import annotations

from invoke.context import Context

from wildetect.tasks.mlflow.start import (
    SERVER_OPTIONS,
    open_browser,
    open_on_purpose,
    planned,
    positive,
    report,
    show_log,
    started_server,
)
from wildetect.tasks.streams import silence_is_meant
from wildetect.tasks.support import emit, say, say_hint, verb
from wildetect.wording import number_of

__all__ = ["logs", "restart", "serve", "status", "stop"]


@verb(
    help={**SERVER_OPTIONS, "detach": "return once the server answers; mlflow.stop ends it"},
    shim="launch_mlflow.bat",
)
def serve(
    context: Context,
    host: str | None = None,
    port: str | None = None,
    detach: bool = False,
    browser: bool = True,
    sign_in: bool = True,
    wait: str = "120",
    config: str | None = None,
) -> None:
    """Start the MLflow server and open its page.

    Prints one line with URL, pid and seconds. Without --detach it then shows the server's log until
    Ctrl+C, which ends the server. One that runs already is left alone.
    """
    del context
    from wildetect.server.process.interrupts import stop_signals

    with stop_signals() as wished:
        plan = planned(host, port, sign_in, config)
        seconds = positive("--wait", wait)
        if not open_on_purpose(plan):
            return
        started = started_server(plan, seconds, wished, keep=detach)
        if started is None:
            say("stopped")
            return
        report(started, plan)
        if browser and not started.already:
            open_browser(plan)
        if not detach and not started.already:
            show_log(plan.project, started.state, wished)


@verb(help={"timeout": "seconds to let it finish before it is ended by force (5)"}, shim="stop_mlflow.bat")
def stop(context: Context, timeout: str = "5") -> None:
    """End the MLflow server, whichever window started it."""
    del context
    from wildetect.server.process.server import stop as stop_server
    from wildetect.settings import Project

    stopped = stop_server(Project.find(), timeout=positive("--timeout", timeout))
    if stopped is None:
        print("no MLflow server of this project is running")
    else:
        where = stopped.url or "the MLflow server"
        print(
            f"stopped {where}: {number_of(stopped.processes, 'process', 'processes')} in "
            f"{stopped.seconds:.1f} s"
        )


@verb(help={**SERVER_OPTIONS, "timeout": "seconds to let the old one finish (5)"})
def restart(
    context: Context,
    host: str | None = None,
    port: str | None = None,
    browser: bool = True,
    sign_in: bool = True,
    wait: str = "120",
    timeout: str = "5",
    config: str | None = None,
) -> None:
    """End the MLflow server and start it again, in the background."""
    del context
    from wildetect.server.process.interrupts import stop_signals
    from wildetect.server.process.server import stop as stop_server

    with stop_signals() as wished:
        plan = planned(host, port, sign_in, config)
        seconds, grace = positive("--wait", wait), positive("--timeout", timeout)
        if not open_on_purpose(plan):
            return
        stop_server(plan.project, timeout=grace)
        started = started_server(plan, seconds, wished, keep=True)
        if started is not None:
            report(started, plan)
            if browser:
                open_browser(plan)


@verb(help={"json": "one JSON document on stdout"}, shim="mlflow_status.bat")
def status(context: Context, json: bool = False) -> None:
    """Say whether the MLflow server runs, and what it holds.

    The exit code is 0 where it runs and answers, and 3 where not.
    """
    del context
    from invoke.exceptions import Exit

    from wildetect.errors import ServerError
    from wildetect.server.process.status import as_document, as_lines, server_status
    from wildetect.settings import Project

    found = server_status(Project.find())
    if json:
        emit(as_document(found))
    else:
        print("\n".join(as_lines(found)))
    if not found.healthy:
        if found.hint:
            say_hint(found.hint)
        raise Exit(code=ServerError.exit_code)


@verb(
    help={
        "follow": "go on showing what comes, until Ctrl+C",
        "lines": "how many lines from the end (50)",
        "requests": "show the log of requests instead",
    },
    words=["lines"],
)
def logs(context: Context, follow: bool = False, lines: str = "50", requests: bool = False) -> None:
    """Show the end of the MLflow server's log."""
    del context
    from wildetect.server.process import logs as log_files
    from wildetect.server.process.interrupts import stop_signals
    from wildetect.server.process.plan import server_folder
    from wildetect.settings import Project

    log = server_folder(Project.find()) / (log_files.REQUESTS_LOG if requests else log_files.SERVER_LOG)
    count = int(positive("--lines", lines))
    with stop_signals() as wished:
        for line in log_files.last_lines(log, count):
            print(line)
        if not log.exists():
            say(f"there is no log {log} yet")
        if follow:
            with silence_is_meant():
                for line in log_files.follow(log, ended=wished.is_set):
                    print(line, flush=True)
