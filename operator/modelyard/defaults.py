"""What planning needs of the settings."""

from __future__ import annotations

from dataclasses import replace

from modelyard.api.pod import ResourcesSpec
from modelyard.settings import Settings
from modelyard.state.desired import Defaults, Images, Registry


def defaults_from(settings: Settings) -> Defaults:
    """Return the planner's defaults. Resources that the settings leave open keep the planner's own."""
    defaults = Defaults(
        images=Images(**settings.images.model_dump()),
        registry=Registry(
            push=settings.registry.push,
            pull=settings.registry.pull,
            plain_http=settings.registry.plain_http,
            pull_secret=settings.registry.pull_secret,
        ),
        hugging_face_endpoint=settings.sources.hugging_face_endpoint,
        drain_seconds=settings.drain_seconds,
        allow_insecure_server=settings.allow_insecure_server,
        cluster_domain=settings.cluster_domain,
    )
    if settings.build_resources:
        defaults = replace(defaults, build_resources=ResourcesSpec.model_validate(settings.build_resources))
    if settings.serving_resources:
        defaults = replace(defaults, serving_resources=ResourcesSpec.model_validate(settings.serving_resources))
    return defaults
