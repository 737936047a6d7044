from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wildetect.errors import ConfigurationError
from wildetect.execution.address import Cluster, cluster_of, idle_maps, mapped
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
    assert "uv sync --inexact --extra cluster" in caught.value.hint
    assert cluster_of(None) is None


@pytest.mark.parametrize("text", ["D:/survey", "=there", "here=", ""])
def test_a_mapping_needs_both_names(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--path-map"):
        cluster_of("local:2", [text])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://b/camp=/mnt/camp", "is an address already"),
        ("/data=ftp://server/camp", "ftp:// addresses are not read"),
        ("/data=https://rosa:felis@server/camp", "https://server/camp is given with what signs in"),
        ("/data=https://server/camp?sig=felis", "https://server/camp is given with what signs in"),
    ],
)
def test_a_mapping_to_what_workers_cannot_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        cluster_of("local:2", [text])
    assert "felis" not in f"{caught.value.message}{caught.value.hint}"


def test_a_relative_folder_of_a_mapping_is_that_of_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cluster = cluster_of("local:2", ["photographs=/mnt/s"])
    assert cluster is not None
    path = str(tmp_path / "photographs" / "1.jpg")
    assert mapped(path, cluster.path_maps) == [path, "/mnt/s/1.jpg"]


def test_a_mapping_of_a_folder_without_photographs_is_known() -> None:
    maps = [("/data/a", "/mnt/a"), ("/data/b", "/mnt/b")]
    assert idle_maps(["/data/b/1.jpg", "/data/c/1.jpg"], maps) == ["/data/a"]
    assert idle_maps(["/data/b/1.jpg", "/data/a/1.jpg"], maps) == []


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
        ("D:\\Survey\\a\\1.jpg", "D:\\Survey/a\\", "Z:/x", "Z:/x/1.jpg"),
        ("\\\\camp\\share\\a\\1.jpg", "//camp\\share/a", "/mnt/s/", "/mnt/s/1.jpg"),
        ("//camp/share/1.jpg", "\\\\CAMP\\share", "D:\\s", "D:\\s/1.jpg"),
        ("D:\\1.jpg", "D:\\", "s3://b/k", "s3://b/k/1.jpg"),
        ("/data/a #1/100% ü?.jpg", "/data", "https://h/s", "https://h/s/a%20%231/100%25%20%C3%BC%3F.jpg"),
        ("/data/a #1/100%.jpg", "/data", "s3://b/s/", "s3://b/s/a #1/100%.jpg"),
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
