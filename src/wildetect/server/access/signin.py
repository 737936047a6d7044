"""The sign-in of a shared server: its secrets in .env, its accounts in a database beside the store."""

from __future__ import annotations

import base64
import configparser
import contextlib
import importlib.util
import logging
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from wildetect.errors import ConfigurationError, ServerError
from wildetect.registry.probe import Credentials
from wildetect.server.access import guard
from wildetect.server.store.database import moved_away
from wildetect.settings import Project
from wildetect.settings.address import PASSWORD, USERNAME
from wildetect.wording import listed

__all__ = [
    "AUTH_DATABASE",
    "SHORTEST_PASSWORD",
    "WEBHOOK_VARIABLE",
    "credentials_of",
    "keep_private",
    "sign_in_environment",
    "webhook_key",
]

logger = logging.getLogger(__name__)

SECRET_KEY = "MLFLOW_FLASK_SERVER_SECRET_KEY"  # noqa: S105
ADMIN = "admin"
SHORTEST_PASSWORD = 12
"""MLflow refuses to make an administrator with a shorter one."""
AUTH_DATABASE = "auth.db"
WEBHOOK_KEY = "webhooks.key"
WEBHOOK_VARIABLE = "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"
CACHE_SECONDS = 60


def credentials_of(project: Project) -> Credentials | None:
    """Who our tasks sign in as: from the environment, else from .env; None where nothing is set."""
    username, password = project.variable(USERNAME), project.variable(PASSWORD)
    return Credentials(username, password) if username and password else None


def sign_in_environment(project: Project, folder: Path) -> tuple[Credentials, dict[str, str]]:
    """Make ready for a server with sign-in: what is missing in .env is made and written there.

    Args:
        project: Whose .env holds the secrets.
        folder: The server's folder, which gets auth.ini; the accounts go to auth.db in it.

    Returns:
        The administrator, and the variables that the server's environment needs.

    Raises:
        ConfigurationError: Where the password is too short, or a package is missing.
        ServerError: Where there are accounts already, but no password for them.
    """
    password = _usable_password(project, folder)
    wanted = {
        USERNAME: project.variable(USERNAME) or ADMIN,
        PASSWORD: password or secrets.token_urlsafe(24),
        SECRET_KEY: project.variable(SECRET_KEY) or secrets.token_hex(32),
    }
    missing = {name: value for name, value in wanted.items() if project.variable(name) is None}
    if missing:
        append_secrets(project.dotenv_path, missing)
        logger.warning(
            "sign-in: wrote %s to %s; keep that file to yourself", listed(missing), project.dotenv_path
        )
    credentials = Credentials(wanted[USERNAME], wanted[PASSWORD])
    keep_private(folder / AUTH_DATABASE)
    return credentials, {
        SECRET_KEY: wanted[SECRET_KEY],
        "MLFLOW_AUTH_CONFIG_PATH": str(_write_configuration(folder)),
        "MLFLOW_AUTH_ADMIN_USERNAME": credentials.username,
        "MLFLOW_AUTH_ADMIN_PASSWORD": credentials.password,
    }


def _usable_password(project: Project, folder: Path) -> str | None:
    """The administrator's password; None where one has to be made."""
    if importlib.util.find_spec("flask_wtf") is None:
        raise ConfigurationError(
            "sign-in needs the package Flask-WTF, which is not installed",
            hint="Install it (uv sync), or share without: uv run invoke mlflow.serve --no-sign-in",
        )
    password, has_accounts = project.variable(PASSWORD), (folder / AUTH_DATABASE).exists()
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise ConfigurationError(
            f"{PASSWORD} is shorter than {SHORTEST_PASSWORD} characters",
            hint="Write that of the accounts into .env."
            if has_accounts
            else "Write a longer one into .env, or take the line out to have one made.",
        )
    if password is None and has_accounts:
        raise ServerError(
            f"there are accounts in {project.shown(folder / AUTH_DATABASE)}, but no {PASSWORD} is set",
            hint=f"Put it back into .env; if it is lost, {moved_away(folder / AUTH_DATABASE)}.",
        )
    return password


def keep_private(path: Path) -> None:
    """Let a file's owner alone read and write it; made empty where it is not there.

    On Windows the rights are those of the folder. A journal that SQLite makes has its database's rights.
    """
    with contextlib.suppress(OSError):  # another's file: then who owns it decides
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        path.chmod(0o600)


def webhook_key(folder: Path, given: str | None) -> str:
    """The key that webhook secrets are stored with; MLflow would make another one at each start.

    Args:
        folder: The server's folder, which keeps it.
        given: What the environment or .env says.

    Raises:
        ServerError: It cannot be read or written.
    """
    if given:
        return given
    file = folder / WEBHOOK_KEY
    try:
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f"{file.name}.{os.getpid()}.tmp")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(base64.urlsafe_b64encode(secrets.token_bytes(32)))  # what Fernet takes
            draft.replace(file)
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ServerError(
            f"the key of webhooks cannot be read or written: {file} ({reason})",
            hint=f"Make it readable, or delete {file}: webhooks then need their secrets again.",
        ) from error


def _write_configuration(folder: Path) -> Path:
    """auth.ini: without an absolute database address MLflow puts the accounts into the current folder."""
    parser = configparser.ConfigParser(interpolation=None)
    # MLflow reads the file with interpolation, which takes a % for the start of a name.
    database = (folder / AUTH_DATABASE).as_posix().replace("%", "%%")
    parser["mlflow"] = {
        "default_permission": "READ",
        "database_uri": f"sqlite:///{database}",
        "authorization_function": f"{guard.__name__}:{guard.authorize.__name__}",
        "auth_cache_ttl_seconds": str(CACHE_SECONDS),
    }
    file = folder / "auth.ini"
    with file.open("w", encoding="utf-8") as stream:
        parser.write(stream)
    return file


def append_secrets(dotenv: Path, values: Mapping[str, str]) -> None:
    """Add lines to .env in one step, what stands there unchanged; only its owner can read it then.

    On Windows the rights are those of the folder: keep the project in your own user folder.

    Raises:
        ServerError: Where the file cannot be written.
    """
    target = dotenv.resolve()
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        before = target.read_bytes() if target.exists() else b""
        end = b"\r\n" if b"\r\n" in before or (not before and sys.platform == "win32") else b"\n"
        lines = [f"{name}={value}".encode() for name, value in values.items()]
        gap = b"" if not before or before.endswith(b"\n") else end
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(before + gap + b"".join(line + end for line in lines))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ServerError(
            f"the sign-in could not be written to {dotenv} ({error.strerror or error})",
            hint="Make the file writable, or share without sign-in: uv run invoke mlflow.serve --no-sign-in",
        ) from error
