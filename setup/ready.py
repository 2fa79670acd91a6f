"""A container's health check: asks the service beside it whether it is ready. `python setup/ready.py PORT`.

Nothing of the hub is imported: it runs every few seconds in each container.
"""

from __future__ import annotations

import http.client
import sys

WITHIN_S = 4


def ready(port: int) -> bool:
    """Whether /readyz on this port of loopback answers 200. Raises nothing: who is away is not ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN_S)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready(int(sys.argv[1])) else 1)
