"""What the operator asks of a build, and what the build answers: the only types that both sides share.

Standard library and pydantic only, so that the Job's images and the operator import it alike. A request travels as
a ConfigMap into the pod (``request.json``), a termination message comes back through the kubelet, and a report is
attached to the artifact in the registry. Field names are camelCase on the wire, as in the Kubernetes objects.
"""
