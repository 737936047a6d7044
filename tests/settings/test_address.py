"""Addresses of a server as people write them."""

from __future__ import annotations

import pytest

from wildetect.settings.address import server_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://127.0.0.1:5000/", "http://127.0.0.1:5000"),
        ("http://127.0.0.1:5000/#/models", "http://127.0.0.1:5000"),
        ("http://127.0.0.1:5000/#/experiments/1?searchFilter=a", "http://127.0.0.1:5000"),
        ("HTTP://Field-PC:5000", "http://field-pc:5000"),
        (" 'http://127.0.0.1:5000' ", "http://127.0.0.1:5000"),
        ("\u201chttp://127.0.0.1:5000\u201d", "http://127.0.0.1:5000"),
        ("localhost:5001", "http://localhost:5001"),
        ("192.168.1.7:5000/#/models", "http://192.168.1.7:5000"),
        ("http://0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("http://[::]:5000", "http://[::1]:5000"),
        ("http://[::1]:5000/", "http://[::1]:5000"),
        ("https://lab.example.org/mlflow/", "https://lab.example.org/mlflow"),
        ("sqlite:///D:/mlflow.db", "sqlite:///D:/mlflow.db"),
        (r"D:\mlruns", r"D:\mlruns"),
        ("http:/127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http//127.0.0.1:5000", "http://127.0.0.1:5000"),
        (r"http:\\127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http:5000", "http://http:5000"),
        ("", ""),
    ],
)
def test_what_is_understood(text: str, url: str) -> None:
    assert server_address(text) == (url, None, None)


@pytest.mark.parametrize(
    ("text", "username", "password"),
    [
        ("http://anna:geheim@host:5000/#/models", "anna", "geheim"),
        ("http://anna:p%40ss@host:5000", "anna", "p@ss"),
        ("http://anna:p/a#s@s@host:5000", "anna", "p/a#s@s"),
        ("anna:geheim@host:5000", "anna", "geheim"),
        ("http://anna@host:5000", "anna", None),
    ],
)
def test_a_sign_in_is_taken_out(text: str, username: str, password: str | None) -> None:
    address = server_address(text)
    assert address == ("http://host:5000", username, password)
    assert password is None or password not in repr(address)
