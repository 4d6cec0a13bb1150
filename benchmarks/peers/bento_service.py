"""The policy as a BentoML service that takes and gives raw bytes, its fastest way: a mounted ASGI application."""

from pathlib import Path

import bentoml
import numpy as np
from policy import Policy

POLICY = Policy(str(Path(__file__).with_name("policy.onnx")))


async def tick(scope, receive, send):
    """Answer a POST of 64 rows of float32 with the action parts, one after the other, int64 or float32."""
    body, more = b"", scope["type"] == "http"
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    content = b"".join(each.tobytes() for each in POLICY.step(np.frombuffer(body, np.float32).reshape(64, 31, 5)))
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


@bentoml.service(workers=1)
@bentoml.asgi_app(tick, path="/tick")
class Gru:
    """Nothing but the route."""
