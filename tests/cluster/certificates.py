"""The cluster's certificate authority, and a certificate and kubeconfig for each of its components."""

import base64
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.cluster.settings import API_PORT, NODE_NAME, Cluster

VALID_DAYS = 365
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a client certificate names. RBAC knows users by `user` and groups by `groups`."""

    file: str
    user: str
    groups: tuple[str, ...] = ()


IDENTITIES = (
    Identity(file="admin", user="kubernetes-admin", groups=("system:masters",)),
    Identity(file="apiserver-kubelet-client", user="kube-apiserver", groups=("system:masters",)),
    Identity(file="controller-manager", user="system:kube-controller-manager"),
    Identity(file="scheduler", user="system:kube-scheduler"),
    Identity(file="kubelet", user=f"system:node:{NODE_NAME}", groups=("system:nodes",)),
    Identity(file="proxy", user="system:kube-proxy"),
    Identity(file="coredns", user="system:coredns"),
    Identity(file="provisioner", user="modelyard:provisioner"),
)


class Authority:
    """A certificate authority whose key and certificate lie in `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(name)
        builder = _builder(self._subject, self._subject, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        self._write(name, self._key, builder.sign(self._key, hashes.SHA256()))

    def issue(
        self, file: str, *, user: str, groups: Sequence[str] = (), names: Sequence[str] = (), server: bool = False
    ) -> None:
        """Write `file`.crt and `file`.key. names: host names and addresses that a server answers to."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = _builder(_name(user, groups), self._subject, key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(_usage(signs=False), critical=True)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(signer, critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        self._write(file, key, builder.sign(self._key, hashes.SHA256()))

    def _write(self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        (self._folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_key(self._folder / f"{name}.key", key)


def ensure(cluster: Cluster) -> None:
    """Write every certificate and kubeconfig, unless they are there already."""
    if cluster.kubeconfig.exists():
        return
    cluster.pki.mkdir(parents=True, exist_ok=True)
    cluster.pki.chmod(0o700)
    authority = Authority(cluster.pki, "ca")
    for identity in IDENTITIES:
        authority.issue(identity.file, user=identity.user, groups=identity.groups)
        _write_kubeconfig(cluster, identity)
    authority.issue("apiserver", user="kube-apiserver", names=_api_names(cluster), server=True)
    authority.issue("kubelet-server", user=NODE_NAME, names=(NODE_NAME, str(cluster.node_address)), server=True)
    # Aggregated API servers trust this one alone to tell them who asks.
    Authority(cluster.pki, "front-proxy-ca").issue("front-proxy-client", user="front-proxy-client")
    service_accounts = ec.generate_private_key(ec.SECP256R1())
    _write_key(cluster.pki / "service-accounts.key", service_accounts)
    (cluster.pki / "service-accounts.pub").write_bytes(
        service_accounts.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    # Last, and by renaming: it says that all the rest is there.
    (cluster.pki / "admin.kubeconfig").replace(cluster.kubeconfig)


def _api_names(cluster: Cluster) -> tuple[str, ...]:
    service = "kubernetes.default.svc"
    inside = ("kubernetes", "kubernetes.default", service, f"{service}.cluster.local")
    return (*inside, "localhost", NODE_NAME, "127.0.0.1", str(cluster.node_address), str(cluster.services[1]))


def _write_kubeconfig(cluster: Cluster, identity: Identity) -> None:
    def encoded(file: str) -> str:
        return base64.b64encode((cluster.pki / file).read_bytes()).decode()

    user = {
        "client-certificate-data": encoded(f"{identity.file}.crt"),
        "client-key-data": encoded(f"{identity.file}.key"),
    }
    server = {
        "server": f"https://{cluster.node_address}:{API_PORT}",
        "certificate-authority-data": encoded("ca.crt"),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "modelyard", "cluster": server}],
        "users": [{"name": identity.file, "user": user}],
        "contexts": [{"name": "modelyard", "context": {"cluster": "modelyard", "user": identity.file}}],
        "current-context": "modelyard",
    }
    file = cluster.pki / f"{identity.file}.kubeconfig"
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(content))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(tz=dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - ONE_DAY)
        .not_valid_after(now + VALID_DAYS * ONE_DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_agreement=False,
        key_encipherment=False,
        data_encipherment=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str, organizations: Sequence[str] = ()) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each) for each in organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
