"""What the venue says, written down word for word, a line of JSON each."""

import json
from typing import TextIO


class Recorder:
    """Lines are ``{"verb", "path", "status", "body"}`` for an HTTP answer, ``{"told"}`` for a websocket message.

    ``path`` is below ``/api/v1``; bodies and messages stand there as they were sent, digit by digit.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def answered(self, verb: str, path: str, status: int, body: str) -> None:
        where = json.dumps({"verb": verb, "path": path, "status": status})
        self._file.write(f'{where[:-1]}, "body": {body}}}\n')

    def told(self, text: str) -> None:
        # "pong" is the one message that is no JSON.
        self._file.write(f'{{"told": {text if text.startswith("{") else json.dumps(text)}}}\n')
