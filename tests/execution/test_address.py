from __future__ import annotations

import sys

import pytest

from wildetect.errors import ConfigurationError
from wildetect.execution.address import Cluster, cluster_of, mapped
from wildetect.execution.likeness import differences, versions_here


@pytest.mark.parametrize("text", ["tcp://192.168.1.10:8786", "tls://camp:8786", "tcp://[::1]:8786"])
def test_the_address_of_a_scheduler_is_taken_as_it_is(text: str) -> None:
    assert cluster_of(text) == Cluster(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "local",
        "local:",
        "local:0",
        "local:-1",
        "local:99999",
        "local:two",
        "tcp://camp",
        "tcp://:8786",
        "camp:8786",
        "http://camp:8786",
        "tcp://camp:0",
        "tcp://camp:99999",
        "tcp://camp:x",
        "tcp://camp:1/a",
    ],
)
def test_other_words_are_refused_with_what_is_valid(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--cluster: "):
        cluster_of(text)


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("local:2", False),
        ("tcp://127.0.0.1:8786", False),
        ("tcp://[::1]:8786", False),
        ("tcp://localhost:8786", False),
        ("tls://192.168.1.10:8786", False),
        ("tcp://192.168.1.10:8786", True),
        ("tcp://camp:8786", True),
    ],
)
def test_an_unencrypted_scheduler_beyond_this_machine_is_known(text: str, warned: bool) -> None:
    cluster = cluster_of(text)
    assert cluster is not None
    assert cluster.open_to_others is warned


def test_without_the_extra_the_command_that_installs_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError) as caught:
        cluster_of("local:2")
    assert "uv sync --extra cluster" in caught.value.hint
    assert cluster_of(None) is None


@pytest.mark.parametrize("text", ["D:/survey", "=there", "here=", ""])
def test_a_mapping_needs_both_names(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--path-map"):
        cluster_of("local:2", [text])


def test_a_mapping_without_a_cluster_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--path-map"):
        cluster_of(None, ["a=b"])


@pytest.mark.parametrize(
    ("path", "here", "there", "found"),
    [
        ("/data/survey/a/1.jpg", "/data/survey", "/mnt/s", "/mnt/s/a/1.jpg"),
        ("/data/survey/a/1.jpg", "/data/survey/", "Z:\\", "Z:\\a/1.jpg"),
        ("D:\\Survey\\a\\1.jpg", "d:/survey", "/mnt/s", "/mnt/s/a/1.jpg"),
        ("\\\\camp\\Share\\1.jpg", "//camp/share", "/mnt/s", "/mnt/s/1.jpg"),
        ("/data/survey2/1.jpg", "/data/survey", "/mnt/s", None),
        ("/Data/Survey/1.jpg", "/data/survey", "/mnt/s", None),
    ],
)
def test_a_folder_has_its_own_name_on_a_worker(path: str, here: str, there: str, found: str | None) -> None:
    assert mapped(path, [(here, there)]) == [path, *([found] if found else [])]


def test_a_worker_differs_in_what_the_parent_has() -> None:
    here = versions_here()
    assert {"wildetect", "python", "onnxruntime"} <= set(here)
    assert differences(here, {**here, "rawpy": "0.1"}) == differences(here, here) == []
    older = {**here, "onnxruntime": "1.2"}
    del older["pillow"]
    assert differences(here, older) == [
        f"onnxruntime {here['onnxruntime']} here, 1.2 there",
        f"pillow {here['pillow']} here, none there",
    ]
