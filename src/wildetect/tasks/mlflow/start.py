"""What the tasks that start a server share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wildetect.tasks.asking import confirmed
from wildetect.tasks.meant import with_typed
from wildetect.tasks.streams import silence_is_meant
from wildetect.tasks.support import say, say_hint, show_in_browser

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from wildetect.server.process.plan import Plan
    from wildetect.server.process.server import Started
    from wildetect.server.process.state import ServerState
    from wildetect.settings import Project

__all__ = [
    "CONFIG_OPTION",
    "SERVER_OPTIONS",
    "open_browser",
    "open_on_purpose",
    "planned",
    "positive",
    "report",
    "show_log",
    "started_server",
]

CONFIG_OPTION = "another settings file than configs/mlflow.yaml"
SERVER_OPTIONS = {
    "host": "address to listen on; 0.0.0.0 shares the server on the network, with sign-in",
    "port": "port; without it that of MLFLOW_TRACKING_URI, else 5000",
    "browser": "do not open the page in the browser",
    "sign_in": "share without a password: anyone on the network can change models then",
    "wait": "seconds until the server must answer (120)",
    "config": CONFIG_OPTION,
}
PROGRESS_EVERY = 5.0  # s, where lines cannot be overwritten


def planned(host: str | None, port: str | None, sign_in: bool, config: str | None) -> Plan:
    """What the command line and all settings together ask for."""
    from wildetect.server.process.plan import plan_server
    from wildetect.settings import Option, Project, load_settings
    from wildetect.settings.mlflow import MlflowSettings
    from wildetect.settings.problems import Key
    from wildetect.settings.project import given_path

    project = Project.find()
    options: dict[Key, Option] = {
        ("host",): Option("--host", host),
        ("port",): Option("--port", port),
        ("sign_in",): Option("--no-sign-in", None if sign_in else "off"),
    }
    file = given_path(config)
    return plan_server(project, load_settings(MlflowSettings, project, file=file, options=options))


def open_on_purpose(plan: Plan) -> bool:
    """Ask before a server is shared with everybody on the network; True for any other.

    Raises:
        ConfigurationError: There is nobody to ask.
    """
    from wildetect.errors import ConfigurationError

    if plan.sign_in or not plan.shared_urls:
        return True
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "a server without sign-in is open to everybody on the network, and there is no terminal to ask "
            "whether that is meant",
            hint="Share it with sign-in (leave out --no-sign-in; sign_in: auto in configs/mlflow.yaml), or "
            "start it at a terminal.",
        )
    question = (
        f"Everybody who reaches {plan.shared_urls[0]} can read, replace and delete models. Share it open"
    )
    return confirmed(question, yes=False, command="mlflow.serve", word="open")


def started_server(plan: Plan, wait: float, wished: threading.Event, *, keep: bool) -> Started | None:
    """Start the server with a progress line; None where Ctrl+C came in the foreground."""
    from wildetect.server.process.interrupts import Cancelled
    from wildetect.server.process.server import start

    progress, clear = _progress_line()
    try:
        return start(plan, wait=wait, progress=progress, cancelled=wished.is_set)
    except Cancelled:
        if keep:  # a script that goes on with the server must not go on
            raise KeyboardInterrupt from None
        return None
    finally:
        clear()


def _progress_line() -> tuple[Callable[[float], None], Callable[[], None]]:
    """Tell that a start goes on: one line overwritten on a terminal, now and then a line elsewhere."""
    terminal = sys.stderr.isatty()
    shown = -PROGRESS_EVERY

    def progress(seconds: float) -> None:
        nonlocal shown
        if terminal:
            sys.stderr.write(f"\rstarting the MLflow server ... {seconds:.0f} s ")
            sys.stderr.flush()
            shown = seconds
        elif seconds - shown >= PROGRESS_EVERY:
            say(f"starting the MLflow server ... {seconds:.0f} s")
            shown = seconds

    def clear() -> None:
        if terminal and shown >= 0:
            sys.stderr.write("\r" + " " * 50 + "\r")
            sys.stderr.flush()

    return progress, clear


def report(started: Started, plan: Plan) -> None:
    """Print the one line of a start, and tell how others reach the server."""
    state = started.state
    if started.already:
        print(f"MLflow server is already running at {state.url} (pid {state.pid})", flush=True)
        if state.url != plan.url or state.sign_in != plan.sign_in or state.host != plan.host:
            say_hint(
                with_typed("It keeps its settings; to give it the new ones: uv run invoke mlflow.restart")
            )
        return
    print(f"MLflow server at {state.url} (pid {state.pid}, {state.seconds:.1f} s)", flush=True)
    if plan.shared_urls:
        say("others on the network: " + "  ".join(plan.shared_urls))
    if plan.sign_in:
        say("sign in with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD as they stand in .env")


def open_browser(plan: Plan) -> None:
    """Open the page, where it is wished and somebody can see it."""
    if plan.open_browser:
        from wildetect.server.process.page import MODELS_PAGE

        show_in_browser(plan.url + MODELS_PAGE)


def show_log(project: Project, state: ServerState, wished: threading.Event) -> None:
    """Show the log until Ctrl+C, or until the server ends."""
    from wildetect.server.process.foreground import end_of, server_log

    say("Ctrl+C ends the server.")
    with silence_is_meant():
        for line in server_log(project, state, wished.is_set):
            say(line)
    end_of(project, state, wished=wished.is_set())
    say("stopped")  # Ctrl+C is how a server in the foreground ends: with 0


def positive(flag: str, text: str) -> float:
    """The number that an option gives.

    Raises:
        ConfigurationError: Where it is none, or not above 0.
    """
    from wildetect.errors import ConfigurationError

    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 < value < 1e6:  # noqa: PLR2004 - some days
        raise ConfigurationError(
            f"{flag} {text}: not a number above 0", hint=f"Write a number, such as {flag} 60."
        )
    return value
