"""The gRPC server that plays bundles, and its Python client."""
