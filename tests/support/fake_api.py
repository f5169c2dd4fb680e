"""What the fake REST APIs of Citrix share: answers by path, tokens, a record of the requests."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx

Answer = object | httpx.Response | Callable[[httpx.Request], object]

SECRET = "s3cret:/+ä"


class FakeApi(ABC):
    """A handler for `httpx.MockTransport`; change `answers` to change what it returns."""

    scheme = "CwsAuth"

    def __init__(self, answers: dict[str, Answer], *token_paths: str) -> None:
        self.answers = answers
        self.token_paths = set(token_paths)
        self.requests: list[httpx.Request] = []
        self.token_number = 0  # of the token that is accepted
        self.token: dict[str, object] = {"token_type": "bearer", "expires_in": "3600"}

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(0)  # as over a wire: other tasks run in between
        path = request.url.path
        if path in self.token_paths and path not in self.answers:
            assert request.method == "POST"
            return self.issue_token(request)
        if path not in self.answers:
            return httpx.Response(404, json={"type": "404", "detail": "resource not found"})
        if request.method == "GET" and not self._is_authorized(request):
            return httpx.Response(401)
        answer = self.answers[path]
        if callable(answer) and not isinstance(answer, httpx.Response):
            answer = answer(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _is_authorized(self, request: httpx.Request) -> bool:
        expected = f"{self.scheme} bearer=token-{self.token_number}"
        return request.headers["Authorization"] == expected

    def new_token(self) -> str:
        self.token_number += 1
        return f"token-{self.token_number}"

    def issue_cloud_token(self, request: httpx.Request, client: str) -> httpx.Response:
        """Answer as Citrix Cloud's trust service: errors are successes of HTTP, too."""
        assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
        form = parse_qs(request.content.decode(), strict_parsing=True)
        expected = {"grant_type": "client_credentials", "client_id": client}
        if form != {key: [value] for key, value in (expected | {"client_secret": SECRET}).items()}:
            error = {"error": "invalid_client", "error_description": "no such secret"}
            return httpx.Response(200, json=error)
        return httpx.Response(200, json=self.token | {"access_token": self.new_token()})

    @abstractmethod
    def issue_token(self, request: httpx.Request) -> httpx.Response:
        """Return a new token, or an error for wrong credentials."""
