"""What the operator asks of registries: is the artifact there with its report, and what is this tag's digest.

The registry client blocks, so each question runs in a thread.
"""

from __future__ import annotations

import asyncio

from pydantic import ValidationError

from modelyard.api.build import PinnedArtifact
from modelyard.contract.files import strangers
from modelyard.contract.report import ArtifactRef, BuildReport
from modelyard.errors import SpecNotUnderstood
from modelyard.oci.artifact import files_in, read_report
from modelyard.oci.client import Repository
from modelyard.oci.credentials import credentials_in
from modelyard.oci.errors import DigestMismatch, NotFound, RegistryError, RegistryUnauthorized, RegistryUnreachable
from modelyard.oci.reasons import ARTIFACT_REASONS, SOURCE_REASONS
from modelyard.oci.reference import Reference
from modelyard.reasons import Reason
from modelyard.settings import Registry
from modelyard.state.build import BuildDesired, Hit, Missing, RegistryAnswer, RegistryFailed
from modelyard.state.observed import ArtifactDoubt, PinFailed
from modelyard.telemetry import Log

SECONDS = 20.0
_BUILD_AGAIN = "delete the tag, and it is built again"
_NAME_ANOTHER = "name the artifact of a build that succeeded, as status.artifacts[].ref has it"

log = Log("artifacts")


class Artifacts:
    """The registry that builds are pushed to."""

    def __init__(self, registry: Registry) -> None:
        """Ask ``registry``, with the credentials that the chart mounted."""
        self._registry = registry

    def push_config(self) -> str | None:
        """Return the config.json that lets a Job push, as it is now; None if the registry asks for none."""
        file = self._registry.push_config_file
        return None if file is None else file.read_text()

    async def ask(self, want: BuildDesired) -> RegistryAnswer:
        """Return whether the registry has the artifact of this build."""
        if isinstance(want.spec, SpecNotUnderstood):
            return RegistryFailed(reason=Reason.SPEC_NOT_UNDERSTOOD, message=str(want.spec))
        if artifact := want.spec.source.artifact:
            return await asyncio.to_thread(_promoted, artifact, want.pull_config)
        where = want.spec.destination
        return await self.find(f"{where.repository}:{where.tag}", want.spec.key, plain_http=where.plain_http)

    async def find(self, reference: str, key: str, *, plain_http: bool) -> RegistryAnswer:
        """Return whether there is an artifact at ``reference``, proven to be of the inputs with this key."""
        return await asyncio.to_thread(self._find, reference, key, plain_http=plain_http)

    def _find(self, reference: str, key: str, *, plain_http: bool) -> RegistryAnswer:
        try:
            with _repository(reference, self.push_config(), plain_http=plain_http) as repository:
                found = repository.resolve(repository.place.version)
                return Missing() if found is None else _verified(repository, found.digest, key)
        except (DigestMismatch, NotFound) as error:  # the tag is there, and what it names is not, or not whole
            message = f"{error}; {_BUILD_AGAIN}"
            return RegistryFailed(reason=Reason.DIGEST_MISMATCH, message=message)
        except RegistryError as error:
            return RegistryFailed(reason=Reason(ARTIFACT_REASONS[type(error)].value), message=str(error))


def _promoted(artifact: PinnedArtifact, docker_config: str | None) -> RegistryAnswer:
    """Return the artifact that a user named, whatever it was built from: its digest says which it is."""
    try:
        with _repository(artifact.ref, docker_config, plain_http=artifact.plain_http) as repository:
            found = repository.resolve(repository.place.version)
            return Missing() if found is None else _verified(repository, found.digest, key=None)
    except RegistryUnauthorized as error:
        message = f"{error}; name them in spec.source.artifact.pullSecretRef"
        return RegistryFailed(reason=Reason.SOURCE_UNAUTHORIZED, message=message)
    except NotFound:
        return Missing()
    except RegistryError as error:
        return RegistryFailed(reason=Reason(SOURCE_REASONS[type(error)].value), message=str(error))


def doubt_of(answer: RegistryAnswer) -> ArtifactDoubt | None:
    """Return why the registry doesn't vouch for an artifact, None if it does."""
    match answer:
        case Hit():
            return None
        case Missing():
            return ArtifactDoubt(gone=True, message="the registry no longer has its artifact")
        case RegistryFailed():
            return ArtifactDoubt(gone=answer.reason is Reason.DIGEST_MISMATCH, message=answer.message)


def _verified(repository: Repository, digest: str, key: str | None) -> RegistryAnswer:
    """Return the artifact with its report, if that is about these inputs; about any, where ``key`` is None.

    Without a report it is as good as missing: a push that was cut off before it is run again, and completes it.
    """
    content = read_report(repository, digest)
    where = f"{repository.place.registry}/{repository.place.repository}@{digest}"
    fix = _BUILD_AGAIN if key else _NAME_ANOTHER
    if content is None:
        log.warning("artifact without a report", artifact=where)
        return Missing()
    try:
        report = BuildReport.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors()[0]["msg"]
        message = f"the report of {where} can't be read ({fault}); {fix}"
        return RegistryFailed(reason=Reason.DIGEST_MISMATCH, message=message)
    if key is not None and report.key != key:
        message = f"{where} was built from other inputs ({report.key[:16]}); {_BUILD_AGAIN}"
        return RegistryFailed(reason=Reason.DIGEST_MISMATCH, message=message)
    _, layers = files_in(repository, digest)
    if strange := strangers(str(layer.title) for layer in layers):
        message = f"{where} holds {strange[0]}, which no build makes; {fix}"
        return RegistryFailed(reason=Reason.DIGEST_MISMATCH, message=message)
    repository_name = f"{repository.place.registry}/{repository.place.repository}"
    artifact = ArtifactRef(repository=repository_name, digest=digest, size=sum(layer.size for layer in layers))
    return Hit(artifact=artifact, report=report)


async def digest_of_tag(reference: str, *, docker_config: str | None, plain_http: bool) -> str | PinFailed:
    """Return the digest that the tag in ``reference`` names now, or why that can't be said."""
    return await asyncio.to_thread(_digest_of_tag, reference, docker_config, plain_http=plain_http)


def _digest_of_tag(reference: str, docker_config: str | None, *, plain_http: bool) -> str | PinFailed:
    try:
        with _repository(reference, docker_config, plain_http=plain_http) as repository:
            found = repository.resolve(repository.place.version)
    except RegistryUnauthorized as error:
        message = f"{error}; name them in spec.source.oci.pullSecretRef"
        return PinFailed(reason=Reason.SOURCE_UNAUTHORIZED, message=message)
    except RegistryUnreachable as error:
        return PinFailed(reason=Reason.SOURCE_UNREACHABLE, message=f"{error}; it is asked again")
    except RegistryError as error:
        return PinFailed(reason=Reason(SOURCE_REASONS[type(error)].value), message=str(error))
    if found is None:
        fix = "push it with `modelyard push FOLDER oci://...`, or correct spec.source.oci.ref"
        return PinFailed(reason=Reason.SOURCE_NOT_FOUND, message=f"there is no {reference}; {fix}")
    return found.digest


def _repository(reference: str, docker_config: str | None, *, plain_http: bool) -> Repository:
    place = Reference.parse(reference)
    credentials = credentials_in(docker_config, place.registry) if docker_config else None
    return Repository(place, plain_http=plain_http, credentials=credentials, timeout=SECONDS)
