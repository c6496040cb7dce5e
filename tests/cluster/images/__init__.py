"""Images for the local cluster: stand-ins for public ones, and the project's own, pushed to the cluster's mirror."""
