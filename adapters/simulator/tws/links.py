"""The links now up, by client id."""

from collections.abc import Callable, Iterator
from typing import Protocol

from adapters.simulator.tws.messages import Fields


class Link(Protocol):
    """One client's connection, once it has started the API."""

    @property
    def client_id(self) -> int: ...

    @property
    def version(self) -> int: ...

    def send(self, fields: Fields) -> None:
        """Write one message; a closed or hung link loses it."""
        ...

    def tell(self, fields: Fields) -> None:
        """Write one message about an order, as the faults of the way out will have it."""
        ...

    def drop(self) -> None:
        """Break the connection off, without a word."""
        ...


class Links:
    def __init__(self) -> None:
        self._links: dict[int, Link] = {}

    def add(self, link: Link) -> bool:
        """Take a link in; False if its client id is in use."""
        if link.client_id in self._links:
            return False
        self._links[link.client_id] = link
        return True

    def remove(self, link: Link) -> None:
        if self._links.get(link.client_id) is link:
            del self._links[link.client_id]

    def get(self, client_id: int) -> Link | None:
        return self._links.get(client_id)

    def __iter__(self) -> Iterator[Link]:
        return iter(list(self._links.values()))

    def tell(self, client_id: int, message: Callable[[int], Fields], *, but: Link | None = None) -> None:
        """Send a client what ``message`` makes for its version, if it is there and is not ``but``."""
        link = self._links.get(client_id)
        if link is not None and link is not but:
            link.tell(message(link.version))
