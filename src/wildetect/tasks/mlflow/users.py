"""The task of the accounts of a shared server."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.asking import confirmed
from wildetect.tasks.streams import silence_is_meant
from wildetect.tasks.support import emit, say, say_hint, verb
from wildetect.wording import listed

if TYPE_CHECKING:
    from wildetect.server.access.accounts import Accounts

__all__ = ["users"]

PASSWORD_VARIABLE = "WILDETECT_USER_PASSWORD"  # noqa: S105 - the variable's name
ACTIONS = ("list", "add", "change", "remove")


@verb(
    help={
        "action": "list, add, change or remove",
        "name": "of the account",
        "role": "reader (looks and fetches) or editor (registers, promotes and logs, too)",
        "password": "with change: set a new password",
        "yes": "with remove: do not ask",
        "json": "with list: as a JSON document on stdout",
    },
    words=["action", "name"],
)
def users(
    context: Context,
    action: str = "list",
    name: str | None = None,
    role: str | None = None,
    password: bool = False,
    yes: bool = False,
    json: bool = False,
) -> None:
    """List, add, change or remove who may sign in.

    The one admin has the account in .env, and alone may delete what others made and look after accounts.
    A password is asked for at the terminal, or taken from WILDETECT_USER_PASSWORD; never from the command
    line.
    """
    del context
    from wildetect.errors import ConfigurationError
    from wildetect.server.access.accounts import ROLES
    from wildetect.settings import Project
    from wildetect.settings.problems import one_of
    from wildetect.wording import quoted
    from wildetect.workflows.people import accounts_of

    if name in ACTIONS and action not in ACTIONS:
        raise ConfigurationError(
            "mlflow.users takes ACTION NAME, in this order",
            hint=f"The other way round: {name} {quoted(action)}",
        )
    action = one_of("--action", action, ACTIONS)
    wanted = None if role is None else one_of("--role", role, ROLES)
    if action != "list" and not name:
        raise ConfigurationError("no account is named", hint=f"uv run invoke mlflow.users {action} NAME")
    accounts = accounts_of(Project.find())
    if action == "list":
        _list(accounts, json=json)
        return
    assert name is not None  # noqa: S101 - checked above
    if action == "add":
        accounts.add(name, _new_password(name), wanted or "reader")
        print(f"added {name} as {wanted or 'reader'}")
    elif action == "change":
        if wanted is None and not password:
            raise ConfigurationError(
                "nothing is to be changed", hint="Give --role reader, --role editor or --password."
            )
        accounts.change(name, role=wanted, password=_new_password(name) if password else None)
        done = [*(["a new password"] if password else []), *([f"the role {wanted}"] if wanted else [])]
        print(f"{name} has {listed(done)}")
        if password:
            say(f"Put it into .env as MLFLOW_TRACKING_PASSWORD, wherever tasks sign in as {name}.")
    elif confirmed(f"Remove the account {name}", yes=yes, command=f"mlflow.users remove {name}"):
        accounts.remove(name)
        print(f"removed {name}; what {name} registered and logged stays")


def _list(accounts: Accounts, *, json: bool) -> None:
    found = accounts.all()
    if json:
        emit({"users": [{"name": one.name, "role": one.role} for one in found]})
        return
    width = max((len(one.name) for one in found), default=0)
    for one in found:
        print(f"{one.name:<{width}}  {one.role}")
    if len(found) == 1:
        say_hint("Give others an account of their own: uv run invoke mlflow.users add NAME --role editor")


def _new_password(name: str) -> str:
    """Read from the environment, or asked for twice.

    Raises:
        ConfigurationError: There is neither a variable nor a terminal, or the two differ.
    """
    from wildetect.errors import ConfigurationError

    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"there is no terminal to ask at for the password of {name}",
            hint=f"Set the environment variable {PASSWORD_VARIABLE} for this one command.",
        )
    import getpass

    say("the password is not shown while you type it")
    with silence_is_meant():
        first, again = (getpass.getpass(text) for text in (f"Password of {name}: ", "Again: "))
    if again != first:
        raise ConfigurationError("the two passwords differ", hint="Give the command again.")
    return first
