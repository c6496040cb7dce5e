"""What a registry may do to a client: ask for tokens, break off, send other bytes, answer nonsense."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from modelyard.oci.client import MANIFEST_TYPE, Repository, digest_of
from modelyard.oci.credentials import Credentials, credentials_for
from modelyard.oci.errors import (
    DigestMismatch,
    RegistryError,
    RegistryUnauthorized,
    RegistryUnreachable,
    UnexpectedAnswer,
)
from modelyard.oci.layers import Descriptor
from modelyard.oci.reference import Reference
from tests.modelyard.oci.faulty import Answer, faulty_registry

BLOB = bytes(range(256)) * 4000
DESCRIBED = Descriptor(media_type="m", digest=digest_of(BLOB), size=len(BLOB))
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": []}).encode()


def user(name: str, password: str) -> Credentials:
    """Return credentials of the tests."""
    return Credentials(username=name, password=password)


def repository_at(host: str, credentials: Credentials | None = None) -> Repository:
    return Repository(Reference.parse(f"{host}/team/model"), plain_http=True, credentials=credentials)


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def respond(_: str, __: str, headers: dict[str, str]) -> Answer:
        start = int(headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        status = 206 if start else 200
        return Answer(status=status, body=BLOB[start:], cut=None if start > 600_000 else 400_000)

    went: list[int] = []
    with faulty_registry(respond) as registry, repository_at(registry.host) as repository:
        repository.download(DESCRIBED, tmp_path / "blob", went.append)
        ranges = [headers.get("range") for _, _, headers in registry.asked]
    assert (tmp_path / "blob").read_bytes() == BLOB
    assert ranges[0] is None
    assert all(str(one).startswith("bytes=") for one in ranges[1:])
    assert sum(went) == len(BLOB)


def test_a_registry_that_can_t_resume_is_read_from_the_start(tmp_path: Path) -> None:
    answers = iter([Answer(body=BLOB, cut=1000), Answer(body=BLOB)])
    with faulty_registry(lambda *_: next(answers)) as registry, repository_at(registry.host) as repository:
        repository.download(DESCRIBED, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == BLOB


def test_a_download_that_never_gets_through_is_given_up(tmp_path: Path) -> None:
    with (
        faulty_registry(lambda *_: Answer(body=BLOB, cut=10)) as registry,
        repository_at(registry.host) as repository,
        pytest.raises(RegistryUnreachable),
    ):
        repository.download(DESCRIBED, tmp_path / "blob")


def test_bytes_that_are_not_their_digest_are_never_kept(tmp_path: Path) -> None:
    with (
        faulty_registry(lambda *_: Answer(body=BLOB[:-1] + b"!")) as registry,
        repository_at(registry.host) as repository,
    ):
        with pytest.raises(DigestMismatch, match="push it again"):
            repository.download(DESCRIBED, tmp_path / "blob")
        assert not (tmp_path / "blob").exists()
        with pytest.raises(DigestMismatch):
            repository.blob(DESCRIBED)


def test_a_pinned_manifest_that_differs_is_refused() -> None:
    answer = Answer(body=MANIFEST, headers={"Content-Type": MANIFEST_TYPE})
    with faulty_registry(lambda *_: answer) as registry, repository_at(registry.host) as repository:
        assert repository.manifest(digest_of(MANIFEST))[0].size == len(MANIFEST)
        with pytest.raises(DigestMismatch, match="the registry sent"):
            repository.manifest("sha256:" + "0" * 64)


def test_a_registry_without_digest_headers_is_read_to_know_them() -> None:
    answer = Answer(body=MANIFEST, headers={"Content-Type": MANIFEST_TYPE})
    with faulty_registry(lambda *_: answer) as registry, repository_at(registry.host) as repository:
        found = repository.resolve("tag")
    assert found is not None
    assert found.digest == digest_of(MANIFEST)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, RegistryUnauthorized),
        (403, RegistryUnauthorized),
        (408, RegistryUnreachable),
        (429, RegistryUnreachable),
        (503, RegistryUnreachable),
        (400, UnexpectedAnswer),
    ],
)
def test_each_status_means_one_thing_and_the_registry_s_words_are_told(status: int, error: type[RegistryError]) -> None:
    body = json.dumps({"errors": [{"code": "X", "message": "its own words"}]}).encode()
    with (
        faulty_registry(lambda *_: Answer(status=status, body=body)) as registry,
        repository_at(registry.host) as repository,
        pytest.raises(error) as raised,
    ):
        repository.manifest("tag")
    assert str(status) in str(raised.value)
    assert error is RegistryUnauthorized or "its own words" in str(raised.value)


def test_an_upload_that_breaks_off_says_so() -> None:
    with (
        faulty_registry(lambda method, *_: Answer(status=404 if method == "HEAD" else 500)) as registry,
        repository_at(registry.host) as repository,
        pytest.raises(RegistryUnreachable, match="an upload"),
    ):
        repository.push_blob(DESCRIBED, lambda: iter([BLOB]))


class TokenRegistry:
    """Lets in who brings the token of its realm, and gives that to the right user alone.

    ``refusal``: the status that anybody else is answered with.
    """

    def __init__(self, refusal: int = 401) -> None:
        self.scopes: list[str] = []
        self.refusal = refusal

    def __call__(self, _: str, path: str, headers: dict[str, str]) -> Answer:
        url = httpx.URL(path)
        if url.path == "/token":
            if headers.get("authorization") != "Basic cm9ib3Q6c2VjcmV0":  # robot:secret
                return Answer(status=self.refusal)
            self.scopes.append(url.params["scope"])
            return Answer(body=b'{"access_token": "t0ken"}')
        if headers.get("authorization") == "Bearer t0ken":
            return Answer(body=MANIFEST, headers={"Content-Type": MANIFEST_TYPE})
        realm = f'Bearer realm="http://{headers["host"]}/token",service="registry"'
        return Answer(status=401, headers={"WWW-Authenticate": realm})


def test_a_token_is_fetched_once_for_what_is_asked() -> None:
    respond = TokenRegistry()
    robot = user("robot", "secret")
    with faulty_registry(respond) as registry, repository_at(registry.host, robot) as repository:
        repository.manifest("tag")
        repository.manifest("tag")
    assert respond.scopes == ["repository:team/model:pull"]


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (401, RegistryUnauthorized, "check the credentials"),
        (503, RegistryUnreachable, "503"),
        (429, RegistryUnreachable, "429"),
    ],
)
def test_a_realm_gives_no_token_for_good_or_for_now(status: int, error: type[RegistryError], says: str) -> None:
    with (
        faulty_registry(TokenRegistry(status)) as registry,
        repository_at(registry.host) as repository,
        pytest.raises(error, match=says),
    ):
        repository.manifest("tag")


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("r.io", {"username": "u", "password": "p"}),
        ("https://r.io", {"auth": "dTpw"}),
        ("http://r.io", {"auth": "dTpw", "email": "x"}),
    ],
)
def test_docker_s_configuration_is_read_in_each_of_its_forms(
    tmp_path: Path, key: str, entry: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {key: entry}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    found = credentials_for("r.io")
    assert found == user("u", "p")
    assert "p" not in repr(found).replace("username", "").replace("Credentials", "")
    assert credentials_for("other.io") is None


def test_docker_hub_has_its_own_keys_and_empty_entries_are_none(tmp_path: Path) -> None:
    hub = {"https://index.docker.io/v1/": {"auth": "dTpw"}, "r.io": {}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": hub}))
    assert credentials_for("docker.io", tmp_path) == user("u", "p")
    assert credentials_for("r.io", tmp_path) is None


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"auths": {"r.io": {"username": "u"}}}', '{"auths": {"r.io": {"auth": "!"}}}']
)
def test_a_configuration_that_can_t_be_read_says_how_to_make_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RegistryUnauthorized, match="kubectl create secret docker-registry"):
        credentials_for("r.io", tmp_path)


def test_no_configuration_is_no_credentials(tmp_path: Path) -> None:
    assert credentials_for("r.io", tmp_path) is None
