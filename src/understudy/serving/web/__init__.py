"""A second port for browsers and engines that have only HTTP/1.1: Connect JSON, Connect protobuf and gRPC-Web."""
