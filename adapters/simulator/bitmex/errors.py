"""The venue's refusals, in the venue's words."""

from typing import Any


class ApiError(Exception):
    """A refusal the client sees: an HTTP status, and a message under the venue's error name."""

    def __init__(
        self, status: int, message: str, name: str = "HTTPError", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.name = name
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "name": self.name}}


def invalid(message: str) -> ApiError:
    """A parameter the venue's engine refuses (400 ValidationError)."""
    return ApiError(400, message, "ValidationError")


def not_found() -> ApiError:
    return ApiError(404, "Not Found")


def overloaded() -> ApiError:
    """Load shedding: the request never reached the engine."""
    return ApiError(503, "The system is currently overloaded. Please try again later.")
