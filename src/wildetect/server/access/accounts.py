"""The accounts of a shared server: who there is, and what each may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from wildetect.errors import ConfigurationError
from wildetect.registry.probe import Probe
from wildetect.server.access.guard import EDITOR
from wildetect.server.access.signin import SHORTEST_PASSWORD
from wildetect.wording import listed, quoted

__all__ = ["ROLES", "Account", "Accounts", "Role", "check_password"]

Role = Literal["reader", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
WORKSPACE = "default"
GRANTS = ("experiment", "run", "logged_model", "registered_model", "registered_model_version")
"""What an editor may change; deleting what others made stays with the admin."""
NAME = re.compile(r"[\w.@-]{1,64}")
USERS = "/api/2.0/mlflow/users"
OF_ROLE = "/api/3.0/mlflow/roles"


@dataclass(frozen=True)
class Account:
    """A person who may sign in."""

    name: str
    role: Role


def check_password(password: str) -> None:
    """Refuse a password that is easily guessed.

    Raises:
        ConfigurationError: It is too short.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise ConfigurationError(
            f"the password is shorter than {SHORTEST_PASSWORD} characters",
            hint="Take a longer one, such as four words in a row.",
        )


@dataclass(frozen=True)
class Accounts:
    """The accounts behind a server with sign-in.

    Attributes:
        server: Server with the credentials of its admin.
    """

    server: Probe

    def all(self) -> list[Account]:
        """Everybody who may sign in, by name.

        Raises:
            ServerError: The server has no sign-in, or refuses.
        """
        path = f"{USERS}/list"
        found = self._send("GET", path).get("users", [])
        with self.server.taking_apart(path):
            return sorted((_account(user) for user in found), key=lambda one: one.name)

    def add(self, name: str, password: str, role: Role) -> None:
        """Make an account.

        Raises:
            ConfigurationError: The name or password is not valid, or the name is taken.
            ServerError: The server has no sign-in, or refuses.
        """
        _check(name, role)
        check_password(password)
        if any(account.name == name for account in self.all()):
            raise ConfigurationError(
                f"there is an account {name} already",
                hint=f"Change what it may do: uv run invoke mlflow.users change {quoted(name)} --role {role}",
            )
        self._send("POST", f"{USERS}/create", {"username": name, "password": password})
        if role == "editor":
            self._assign(name)

    def change(self, name: str, *, role: Role | None = None, password: str | None = None) -> None:
        """Give an account another role or password; everybody may change their own password.

        Raises:
            ConfigurationError: There is no such account, or it is the admin's.
            ServerError: The server has no sign-in, or refuses.
        """
        own = self.server.credentials
        if password is not None:
            check_password(password)
            document = {"username": name, "password": password}
            if own is not None and own.username == name:
                document["current_password"] = own.password
            else:
                self._present(name)
            self._send("PATCH", f"{USERS}/update-password", document)
        if role is None or role == self._present(name).role:
            return
        _check(name, role)
        if role == "editor":
            self._assign(name)
        else:
            self._send("DELETE", f"{OF_ROLE}/unassign", {"username": name, "role_id": self._editors()})

    def remove(self, name: str) -> None:
        """Delete an account; what its owner registered and logged stays.

        Raises:
            ConfigurationError: There is no such account, or it is the admin's.
            ServerError: The server has no sign-in, or refuses.
        """
        self._present(name)
        self._send("DELETE", f"{USERS}/delete", {"username": name})

    def _present(self, name: str) -> Account:
        found = {account.name: account for account in self.all()}
        if name not in found:
            raise ConfigurationError(
                f"there is no account {name}", hint=f"There are: {listed(found, none='none')}."
            )
        if found[name].role == "admin":
            raise ConfigurationError(
                f"{name} is the admin, whose account is in .env",
                hint="Its password can be changed: uv run invoke mlflow.users change "
                f"{quoted(name)} --password",
            )
        return found[name]

    def _assign(self, name: str) -> None:
        self._send("POST", f"{OF_ROLE}/assign", {"username": name, "role_id": self._editors()})

    def _editors(self) -> int:
        """The number of the editors' role, made where it is missing."""
        path = f"{OF_ROLE}/list"
        roles = self._send("GET", f"{path}?workspace={WORKSPACE}").get("roles", [])
        with self.server.taking_apart(path):
            number = next((int(role["id"]) for role in roles if role["name"] == EDITOR), None)
        if number is not None:
            return number
        said = "may register, promote and log runs"
        made = {"workspace": WORKSPACE, "name": EDITOR, "description": said}
        number = int(self._send("POST", f"{OF_ROLE}/create", made)["role"]["id"])
        for kind in GRANTS:
            grant = {"role_id": number, "resource_type": kind, "resource_pattern": "*", "permission": "EDIT"}
            self._send("POST", f"{OF_ROLE}/permissions/add", grant)
        return number

    def _send(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.server.send(method, path, document)


def _account(user: dict[str, Any]) -> Account:
    names = {role.get("name") for role in user.get("roles", [])}
    role: Role = "admin" if user.get("is_admin") else "editor" if EDITOR in names else "reader"
    return Account(str(user.get("username")), role)


def _check(name: str, role: Role) -> None:
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not a valid name for an account",
            hint='Use letters, digits, ".", "_", "-" and "@", 64 at the most.',
        )
    if role == "admin":
        raise ConfigurationError(
            "there is one admin, whose account is in .env", hint="Use --role reader or --role editor."
        )
