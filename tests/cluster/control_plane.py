"""etcd, the API server, the controller manager and the scheduler, with RBAC on and their usual timing."""

from functools import partial
from pathlib import Path

from tests.cluster import kubectl, machine, processes, tools
from tests.cluster.processes import Program
from tests.cluster.settings import API_PORT, Cluster

ETCD_CLIENT = "http://127.0.0.1:2379"
ETCD_PEER = "http://127.0.0.1:2380"
READY_SECONDS = 90


def ensure(cluster: Cluster) -> None:
    """Start what does not run, and return when the API server is ready."""
    enter = machine.enter(cluster)
    processes.ensure(cluster, _etcd(cluster), enter=enter)
    processes.ensure(cluster, _api_server(cluster), enter=enter)
    ready = partial(kubectl.answers, cluster, "/readyz")
    processes.await_ready(cluster, "kube-apiserver", ready, seconds=READY_SECONDS)
    # Before the API server is ready they would end for lack of permission.
    for program in (_controller_manager(cluster), _scheduler(cluster)):
        processes.ensure(cluster, program, enter=enter)


def _etcd(cluster: Cluster) -> Program:
    # The data outlives a kill of the process; after a crash of the machine the cluster is made anew, so
    # waiting for the disk buys nothing.
    flags = (
        f"--data-dir={cluster.folder}/etcd",
        f"--listen-client-urls={ETCD_CLIENT}",
        f"--advertise-client-urls={ETCD_CLIENT}",
        f"--listen-peer-urls={ETCD_PEER}",
        f"--initial-advertise-peer-urls={ETCD_PEER}",
        f"--initial-cluster=default={ETCD_PEER}",
        "--unsafe-no-fsync",
    )
    return Program(name="etcd", argv=(str(tools.binary(cluster, "etcd")), *flags))


def _api_server(cluster: Cluster) -> Program:
    pki = cluster.pki
    flags = (
        f"--etcd-servers={ETCD_CLIENT}",
        f"--advertise-address={cluster.node_address}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={cluster.services}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki}/front-proxy-client.crt",
        f"--proxy-client-key-file={pki}/front-proxy-client.key",
    )
    return Program(name="kube-apiserver", argv=(str(tools.binary(cluster, "kube-apiserver")), *flags))


def _controller_manager(cluster: Cluster) -> Program:
    pki = cluster.pki
    flags = (
        *_same_kubeconfig(pki / "controller-manager.kubeconfig"),
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        # Its default lies in /usr, and is made when it is not there.
        f"--flex-volume-plugin-dir={cluster.folder}/volume-plugins",
        f"--root-ca-file={pki}/ca.crt",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
    )
    program = str(tools.binary(cluster, "kube-controller-manager"))
    return Program(name="kube-controller-manager", argv=(program, *flags))


def _scheduler(cluster: Cluster) -> Program:
    flags = (
        *_same_kubeconfig(cluster.pki / "scheduler.kubeconfig"),
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
    )
    return Program(name="kube-scheduler", argv=(str(tools.binary(cluster, "kube-scheduler")), *flags))


def _same_kubeconfig(file: Path) -> tuple[str, ...]:
    return tuple(f"--{purpose}kubeconfig={file}" for purpose in ("", "authentication-", "authorization-"))
