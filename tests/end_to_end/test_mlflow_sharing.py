"""A server shared on the network: sign-in, names that it answers to, secrets kept."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from tests.hinted import commands_told, follow, write_setting
from tests.servers import ended_after, folder_of, make_workspace, port_of, processes_of, status_of, uri_of
from tests.workspaces import REPOSITORY, Workspace

DOTENV = "# ours\r\nMLFLOW_EXTRA = 'kept as it is'\r\n\r\nLAST=no line end"
WEIGHTS = REPOSITORY / "demo" / "detector.onnx"
PICTURE = REPOSITORY / "demo" / "pictures" / "B2.jpg"
PASSWORD = "four-words-in-a-row"  # noqa: S105 - of the tests' own accounts
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is tested here
OPEN = ("/health", "/static-files", "/mlflow/server-info")
"""What MLflow gives anybody: whether it runs, the page's program, which features it has; no data."""
ROUTES = """
import json, os, re, sys
os.environ |= {"_MLFLOW_SGI_NAME": "uvicorn", "MLFLOW_FLASK_SERVER_SECRET_KEY": "x" * 32}
os.environ |= {"MLFLOW_AUTH_ADMIN_USERNAME": "admin", "MLFLOW_AUTH_ADMIN_PASSWORD": "x" * 16}
from mlflow.server.auth import create_app
native = create_app()
from mlflow.server import app
routes = {(m, re.sub("<[^>]*>", "1", r.rule)) for r in app.url_map.iter_rules() for m in r.methods}
ours = [r for r in native.routes if hasattr(r, "methods")]
routes |= {(m, re.sub("{[^}]*}", "1", r.path)) for r in ours for m in r.methods}
print(json.dumps(sorted(r for r in routes if r[0] not in ("HEAD", "OPTIONS"))))
"""


@pytest.fixture(scope="module")
def shared(served: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = make_workspace(tmp_path_factory.mktemp("shared") / "project", served)
    dotenv = workspace.root / ".env"
    dotenv.write_bytes(DOTENV.encode())
    dotenv.chmod(0o644)
    with ended_after(workspace):
        _, hint = workspace.fail(3, "mlflow.users")
        ended = follow(workspace, hint, "workflows/people.py: Start it", "--detach")
        (workspace.root / "said.txt").write_text(ended.stdout + ended.stderr, encoding="utf-8")
        yield workspace
        workspace.succeed("mlflow.stop")


def secrets_of(workspace: Workspace) -> dict[str, str]:
    lines = (workspace.root / ".env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith("MLFLOW_") and "=" in line)


def signed_in(workspace: Workspace) -> dict[str, str]:
    secrets = secrets_of(workspace)
    pair = f"{secrets['MLFLOW_TRACKING_USERNAME']}:{secrets['MLFLOW_TRACKING_PASSWORD']}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def test_dotenv_keeps_its_bytes_and_is_its_owner_s(shared: Workspace) -> None:
    content = (shared.root / ".env").read_bytes()
    assert content.startswith(DOTENV.encode() + b"\r\nMLFLOW_TRACKING_USERNAME=admin\r\n")
    if sys.platform != "win32":
        assert stat.S_IMODE((shared.root / ".env").stat().st_mode) == 0o600


def routes_of(shared: Workspace) -> list[tuple[str, str]]:
    """Every method and path that MLflow with sign-in answers to."""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ROUTES],
        cwd=shared.root,
        env=shared.environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return [(method, path) for method, path in json.loads(ended.stdout)]


def test_nothing_is_given_without_a_password(shared: Workspace) -> None:
    routes = routes_of(shared)
    assert len(routes) > 300
    uri = uri_of(shared)
    answered = {
        (method, path): status_of(uri + path, method=method, body=None if method == "GET" else b"{}")
        for method, path in [*routes, ("GET", "/"), ("GET", "/docs"), ("GET", "/openapi.json")]
    }
    unguarded = {route: code for route, code in answered.items() if code != 401}
    assert all(any(part in path for part in OPEN) for _, path in unguarded), unguarded
    wrong = {"Authorization": "Basic " + base64.b64encode(b"admin:wrong-password").decode()}
    assert status_of(uri + "/", headers=wrong) == 401
    assert status_of(uri + "/", headers=signed_in(shared)) == 200


def as_user(workspace: Workspace, name: str, **more: str) -> Workspace:
    """The same project on another person's machine."""
    signed = {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": PASSWORD, **more}
    return Workspace(workspace.root, workspace.variables | signed)


@pytest.fixture(scope="module")
def people(shared: Workspace) -> Workspace:
    """A server on which ann is an editor and bob a reader."""
    admin = Workspace(shared.root, shared.variables | {"WILDETECT_USER_PASSWORD": PASSWORD})
    alone = admin.invoke("mlflow.users").stderr
    follow(admin, alone, "tasks/mlflow/users.py: Give others an account of their own", NAME="ann")
    assert "hint" not in admin.invoke("mlflow.users").stderr
    admin.succeed("mlflow.users", "add", "bob")
    return shared


def test_people_are_readers_editors_or_the_admin(people: Workspace) -> None:
    listed = {one["name"]: one["role"] for one in people.document("mlflow.users")["users"]}
    assert listed == {"admin": "admin", "ann": "editor", "bob": "reader"}
    ann, bob = (as_user(people, name, WILDETECT_USER_PASSWORD=PASSWORD) for name in ("ann", "bob"))
    words = ("model.register", "--weights", WEIGHTS, "--name", "peoples")
    error, hint = bob.fail(3, *words)
    assert "bob is a reader and may only read" in error
    admin = "registry/connection.py: Ask its admin, who gives rights with"
    assert commands_told(hint, admin) == [["mlflow.users", "change", "bob", "--role", "editor"]]
    ann.succeed(*words, "--alias", "production")
    assert ann.document("model.history", "peoples")["moves"][0]["by"] == "ann"
    assert bob.document("model.list", "--name", "peoples")["models"]
    assert "may only read" in bob.fail(3, "model.promote", "peoples/1", "mine")[0]
    ran = bob.invoke("detect.run", PICTURE, "--model", "peoples@production", "--output", "results/bob")
    assert ran.returncode == 0, ran.stderr
    assert "the run is not logged" in ran.stderr
    people.succeed("model.register", "--weights", WEIGHTS, "--name", "admins")
    ann.succeed("model.promote", "admins/1", "production")
    people.succeed("model.register", "--weights", WEIGHTS, "--name", "admins", "--force")
    ann.fail(3, "model.delete", "admins/2", "--yes")
    people.succeed("model.delete", "admins/2", "--yes")
    for workspace in (ann, bob):
        for asked in (("add", "eve", "--role", "editor"), ("change", "bob", "--role", "editor")):
            _, hint = workspace.fail(3, "mlflow.users", *asked)
            assert hint == "hint: Ask its admin, who alone may look after accounts."  # no role helps


def test_no_route_lets_a_reader_change_anything(people: Workspace) -> None:
    pair = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
    changing = [(method, path) for method, path in routes_of(people) if method not in ("GET", "HEAD")]
    assert len(changing) > 150
    uri = uri_of(people)
    answered = {
        (method, path): status_of(uri + path, method=method, headers=headers, body=b"{}")
        for method, path in changing
    }
    passed = {route: code for route, code in answered.items() if code not in (401, 403)}
    questions = ("/search", "/search-datasets", "/update-password", "/graphql")
    assert all(path.endswith(questions) or any(one in path for one in OPEN) for _, path in passed), passed


def test_a_shared_server_writes_only_into_its_own_store(people: Workspace, tmp_path: Path) -> None:
    uri = uri_of(people)
    ann = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    for headers in ({"Authorization": f"Basic {ann}"}, signed_in(people)):
        for number, place in enumerate((tmp_path.as_uri(), str(tmp_path), "mlflow-artifacts:/../../up", "")):
            body = {"name": f"place {number} {headers['Authorization'][-6:]}", "artifact_location": place}
            code = status_of(
                f"{uri}/api/2.0/mlflow/experiments/create",
                method="POST",
                headers={**headers, "Content-Type": "application/json"},
                body=json.dumps(body).encode(),
            )
            assert code == (400 if place else 200), place


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one address for this machine")
def test_wrong_passwords_have_to_wait(people: Workspace) -> None:
    wrong = {"Authorization": "Basic " + base64.b64encode(b"admin:wrong-password").decode()}

    def code_for(headers: dict[str, str], path: str, address: str) -> int:
        place = "127.0.0.1", port_of(people)
        # an address of its own: the other tests go on
        asking = http.client.HTTPConnection(*place, source_address=(address, 0))
        with contextlib.closing(asking):
            asking.request("GET", path, headers=headers)
            return asking.getresponse().status

    # one that Flask answers, one that FastAPI does
    for number, path in enumerate(("/", "/api/2.0/mlflow-artifacts/artifacts/1/none")):
        own, other = f"127.0.0.{3 + 2 * number}", f"127.0.0.{4 + 2 * number}"
        codes = [code_for(wrong, path, own) for _ in range(25)]
        assert codes == [401] * 20 + [429] * 5, path
        assert code_for(signed_in(people), path, own) == 429
        assert code_for(signed_in(people), "/health", own) == 200
        assert code_for(signed_in(people), path, other) in (200, 404)
    assert status_of(uri_of(people) + "/", headers=signed_in(people)) == 200


def test_accounts_change_and_go(people: Workspace) -> None:
    admin = Workspace(people.root, people.variables | {"WILDETECT_USER_PASSWORD": PASSWORD})
    admin.succeed("mlflow.users", "add", "cid")
    error, hint = admin.fail(2, "mlflow.users", "add", "cid", "--role", "editor")
    assert "already" in error
    follow(admin, hint, "server/access/accounts.py: Change what it may do")
    _, hint = admin.fail(2, "mlflow.users", "change", "--role", "editor")
    follow(
        admin,
        hint,
        "tasks/mlflow/users.py: uv run invoke mlflow.users FILLER NAME",
        "--role",
        "editor",
        NAME="cid",
    )
    admin.succeed("mlflow.users", "change", "cid", "--role", "reader")
    other = "another long password"
    as_user(people, "cid", WILDETECT_USER_PASSWORD=other).succeed(
        "mlflow.users", "change", "cid", "--password"
    )
    as_user(people, "cid").fail(3, "model.list")
    as_user(people, "cid", MLFLOW_TRACKING_PASSWORD=other).succeed("model.list")
    admin.fail(2, "mlflow.users", "remove", "cid")
    admin.succeed("mlflow.users", "remove", "cid", "--yes")
    as_user(people, "cid", MLFLOW_TRACKING_PASSWORD=other).fail(3, "model.list")
    for words in (
        ("remove", "admin", "--yes"),
        ("change", "admin", "--role", "reader"),
        ("add", "eve", "--role", "admin"),
        ("add", "e e"),
        ("add",),
        ("change", "ann"),
        ("remove", "nobody", "--yes"),
        ("rename", "ann"),
        ("add", "eve", "--password", "never-on-a-command-line"),
    ):
        admin.fail(2, "mlflow.users", *words)
    error, hint = people.fail(2, "mlflow.users", "add", "eve")
    assert "no terminal to ask at" in error
    assert "WILDETECT_USER_PASSWORD" in hint
    short = Workspace(people.root, people.variables | {"WILDETECT_USER_PASSWORD": "short"})
    assert "shorter than 12" in short.fail(2, "mlflow.users", "add", "eve")[0]


def test_the_admin_has_another_password_where_no_other_role(shared: Workspace) -> None:
    admin = Workspace(shared.root, shared.variables | {"WILDETECT_USER_PASSWORD": 2 * PASSWORD})
    _, hint = admin.fail(2, "mlflow.users", "change", "admin", "--role", "reader")
    said = follow(admin, hint, "server/access/accounts.py: Its password can be changed").stderr
    assert "Put it into .env as MLFLOW_TRACKING_PASSWORD" in said
    shared.fail(3, "model.list")
    dotenv, before = shared.root / ".env", secrets_of(shared)["MLFLOW_TRACKING_PASSWORD"]
    dotenv.write_bytes(dotenv.read_bytes().replace(before.encode(), (2 * PASSWORD).encode()))
    shared.succeed("model.list")


def test_a_server_without_sign_in_has_no_accounts_until_it_is_shared(
    served: Workspace, tmp_path: Path
) -> None:
    with ended_after(make_workspace(tmp_path / "project", served)) as workspace:
        workspace.succeed("mlflow.serve", "--detach")
        error, hint = workspace.fail(2, "mlflow.users")
        assert "asks for no sign-in" in error
        follow(workspace, hint, "workflows/people.py: Share it with sign-in")
        assert workspace.document("mlflow.users")["users"] == [{"name": "admin", "role": "admin"}]
        other = Workspace(workspace.root, served.variables)
        found = other.invoke("doctor").stdout
        assert "this project's own runs at" in found
        assert follow(other, found, "checkup/server.py: or end it").stdout.startswith("stopped ")
        assert "this project's own runs at" not in other.invoke("doctor").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has the rights of the folder")
def test_accounts_and_backups_are_their_owner_s_and_webhooks_keep_their_key(shared: Workspace) -> None:
    shared.succeed("mlflow.backup", "--output", "private.zip")
    private = (folder_of(shared) / "auth.db", folder_of(shared) / "webhooks.key", shared.root / "private.zip")
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    key = private[1].read_text(encoding="ascii")
    for process in processes_of(shared):
        assert process.environ()["MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"] == key


@pytest.mark.parametrize("host", ["evil.example", "10.evil.example", "10.0.0.1", "192.168.evil.example:5000"])
def test_strange_names_are_refused_shared_or_not(served: Workspace, shared: Workspace, host: str) -> None:
    for workspace in (served, shared):
        headers = {"Host": host, **(signed_in(workspace) if workspace is shared else {})}
        assert status_of(uri_of(workspace) + "/api/2.0/mlflow/experiments/search", headers=headers) == 403


def test_the_machine_s_own_names_work_in_a_browser(shared: Workspace) -> None:
    own = [socket.gethostname().lower(), "localhost", "127.0.0.1"]
    own += [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    ]
    said = (shared.root / "said.txt").read_text(encoding="utf-8")
    for name in own:
        origin = f"http://{name}:{port_of(shared)}"
        headers = signed_in(shared) | {"Host": f"{name}:{port_of(shared)}", "Origin": origin}
        assert status_of(uri_of(shared) + "/", headers=headers) == 200
        # What a page's script does; only the names of this machine may.
        body = json.dumps({"name": f"from {name}"}).encode()
        headers["Content-Type"] = "application/json"
        create = uri_of(shared) + "/ajax-api/2.0/mlflow/experiments/create"
        assert status_of(create, method="POST", headers=headers, body=body) in (200, 400)
        foreign = headers | {"Origin": "http://evil.example"}
        assert status_of(create, method="POST", headers=foreign, body=body) == 403
        if name != "localhost" and not name.startswith("127."):
            assert origin in said


def test_tasks_sign_in_by_themselves(shared: Workspace) -> None:
    document = shared.document("mlflow.status")
    assert document["sign_in"]
    assert document["problem"] is None
    assert document["models"] is not None
    shared.succeed("model.list")


def test_the_password_shows_nowhere(shared: Workspace) -> None:
    secrets = secrets_of(shared)
    hidden = [secrets["MLFLOW_TRACKING_PASSWORD"], secrets["MLFLOW_FLASK_SERVER_SECRET_KEY"]]
    assert all(len(secret) >= 32 for secret in hidden)
    shown = "".join(" ".join(process.cmdline()) for process in processes_of(shared))
    assert "--app-name=wildetect" in shown
    files = [path for path in shared.root.rglob("*") if path.is_file() and path.name != ".env"]
    assert any(path.name == "server.log" for path in files)
    content = b"".join(path.read_bytes() for path in files) + shown.encode()
    assert not [secret for secret in hidden if secret.encode() in content]
    # MLflow keeps its own accounts as hashes.
    assert re.search(rb"(scrypt|pbkdf2):", (folder_of(shared) / "auth.db").read_bytes())


def test_a_password_that_does_not_fit_the_accounts(shared: Workspace, tmp_path: Path) -> None:
    with ended_after(make_workspace(tmp_path / "project")) as other:
        folder_of(other).mkdir(parents=True)
        (folder_of(other) / "auth.db").write_bytes((folder_of(shared) / "auth.db").read_bytes())
        error, hint = other.fail(3, "mlflow.serve", "--host", EVERYWHERE, "--detach")
        assert error.endswith("but no MLFLOW_TRACKING_PASSWORD is set")
        assert "auth.db away" in hint
        (other.root / ".env").write_text("MLFLOW_TRACKING_PASSWORD=too-short\n", encoding="utf-8")
        error, _ = other.fail(2, "mlflow.serve", "--host", EVERYWHERE, "--detach")
        assert "shorter than 12 characters" in error
        (other.root / ".env").write_text(
            "MLFLOW_TRACKING_PASSWORD=not-the-one-of-the-accounts\n", encoding="utf-8"
        )
        error, _ = other.fail(3, "mlflow.serve", "--host", EVERYWHERE, "--detach")
        assert error.startswith("error: the server does not accept the password in .env")
        assert not processes_of(other)


def test_sharing_without_sign_in_needs_a_person(served: Workspace, tmp_path: Path) -> None:
    with ended_after(make_workspace(tmp_path / "project", served)) as open_to_all:
        words = ("--host", EVERYWHERE, "--no-sign-in")
        for task in (["mlflow.serve", "--detach"], ["mlflow.restart"]):
            error, hint = open_to_all.fail(2, *task, *words)
            assert "open to everybody on the network" in error
            assert "--no-sign-in" in hint
        assert not processes_of(open_to_all)
        assert not (open_to_all.root / ".env").exists()
        config = open_to_all.root / "configs/mlflow.yaml"
        config.write_text("sign_in: off\n", encoding="utf-8")
        again = ("mlflow.serve", "--detach", "--host", EVERYWHERE, "--wait", "0.2")
        _, hint = open_to_all.fail(2, *again)
        write_setting(config, hint, "tasks/mlflow/start.py: Share it with sign-in")
        assert "did not answer" in open_to_all.fail(3, *again)[0]  # it was on its way


def typed_at_a_terminal(workspace: Workspace, words: Sequence[str], typed: str) -> tuple[int, str]:
    """Run a task that asks at a terminal; its exit code and what it told."""
    import pty

    ours, theirs = pty.openpty()
    started = workspace.start("-m", "invoke", *words, stdin=theirs)
    os.write(ours, f"{typed}\n".encode())
    _, told = started.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    return started.returncode, told


needs_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@needs_a_terminal
@pytest.mark.parametrize(("typed", "code", "said"), [("open", 3, "answer"), ("y", 0, "nothing was changed")])
def test_a_person_types_a_word_to_share_without_sign_in(
    served: Workspace, tmp_path: Path, typed: str, code: int, said: str
) -> None:
    with ended_after(make_workspace(tmp_path / "project", served)) as workspace:
        words = ("mlflow.serve", "--host", EVERYWHERE, "--no-sign-in", "--detach", "--wait", "0.3")
        ended, told = typed_at_a_terminal(workspace, words, typed)
        assert "can read, replace and delete models. Share it open?" in told
        assert (ended, said in told) == (code, True), told


WITHOUT_FLASK_WTF = """
import importlib.util
import sys


class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "flask_wtf":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "flask_wtf" else find_spec(name, *more)
sys.meta_path.insert(0, Missing())
"""


@contextlib.contextmanager
def read_only(file: Path) -> Iterator[None]:
    """A file that cannot be replaced: not by the machine's superuser either, where it can be marked so."""
    if os.geteuid() != 0:
        file.parent.chmod(0o555)
    elif subprocess.run(["chattr", "+i", file], check=False).returncode != 0:
        pytest.skip("nothing is read-only for this machine's superuser")
    try:
        yield
    finally:
        if os.geteuid() != 0:
            file.parent.chmod(0o755)
        else:
            subprocess.run(["chattr", "-i", file], check=True)


@needs_a_terminal
def test_where_sign_in_cannot_be_set_up_a_server_is_shared_without(served: Workspace, tmp_path: Path) -> None:
    with ended_after(make_workspace(tmp_path / "project", served)) as workspace:
        words = ("mlflow.serve", "--host", EVERYWHERE, "--detach")
        (workspace.root / "without").mkdir()
        (workspace.root / "without" / "sitecustomize.py").write_text(WITHOUT_FLASK_WTF, encoding="utf-8")
        lacking = {**workspace.variables, "PYTHONPATH": str(workspace.root / "without")}
        error, hint = Workspace(workspace.root, lacking).fail(2, *words)
        assert "Flask-WTF, which is not installed" in error
        (open_to_all,) = commands_told(hint, "server/access/signin.py: Install it")

        dotenv = workspace.root / ".env"
        dotenv.write_bytes(DOTENV.encode())
        with read_only(dotenv):
            error, hint = workspace.fail(3, *words)
            assert "the sign-in could not be written to" in error
            where = "server/access/signin.py: Make the file writable, or share without sign-in"
            assert commands_told(hint, where) == [open_to_all]
            code, told = typed_at_a_terminal(Workspace(workspace.root, lacking), open_to_all, "open")
        assert code == 0, told
        assert status_of(uri_of(workspace) + "/api/2.0/mlflow/experiments/search?max_results=1") == 200
        assert dotenv.read_bytes() == DOTENV.encode()
        workspace.succeed("mlflow.stop")


def test_a_sign_in_in_the_address_is_used_and_never_shown(shared: Workspace) -> None:
    dotenv = dict(
        line.split("=", 1)
        for line in (shared.root / ".env").read_text(encoding="utf-8").splitlines()
        if line.startswith("MLFLOW_TRACKING_")
    )
    password = dotenv["MLFLOW_TRACKING_PASSWORD"].strip("'")
    stranger = Workspace.make(
        shared.root.parent / "stranger",
        MLFLOW_TRACKING_URI=f"http://admin:{password}@127.0.0.1:{port_of(shared)}/#/models",
    )
    ended = stranger.invoke("model.list")
    assert ended.returncode == 0, ended.stderr
    for words in (("mlflow.status",), ("doctor",), ("config.show",)):
        said = stranger.invoke(*words)
        assert password not in said.stdout + said.stderr
    wrong = Workspace(
        stranger.root, {"MLFLOW_TRACKING_URI": f"http://admin:wrong-{password}@127.0.0.1:{port_of(shared)}"}
    )
    error, _ = wrong.fail(3, "model.list")
    assert password not in error
    logs = list(stranger.root.rglob("*.log"))
    assert logs
    assert all(password not in log.read_text(encoding="utf-8") for log in logs)
