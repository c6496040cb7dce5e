"""The one error of the local cluster: what is wrong, and what to type about it."""


class ClusterError(Exception):
    """Something the local cluster needs is missing or broke; `fix` says what to do."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(f"{what}\n  fix: {fix}")
        self.fix = fix
