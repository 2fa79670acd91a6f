"""An S3-compatible server in a thread of this process (moto), which refuses what is not signed with its key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.request import Request, urlopen

import boto3
from moto.server import ThreadedMotoServer

from aiox.runtime.settings import Objects

BUCKET = "files"
REGION = "us-east-1"
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@dataclass(frozen=True)
class S3Server:
    """Where it listens, and the key of the one user it knows."""

    url: str
    access_key: str
    secret_key: str

    def settings(self, prefix: str = "") -> Objects:
        return Objects(
            endpoint=self.url,
            bucket=BUCKET,
            prefix=prefix,
            region=REGION,
            access_key=self.access_key,
            secret_key=self.secret_key,
        )


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Serves on loopback, with one bucket, until the block ends."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        yield S3Server(url, *_user(url))
    finally:
        server.stop()


def _user(url: str) -> tuple[str, str]:
    """Makes a bucket and a user who may use it; from then on signatures are checked."""
    anybody = {"endpoint_url": url, "region_name": REGION, "aws_access_key_id": "a", "aws_secret_access_key": "a"}
    boto3.client("s3", **anybody).create_bucket(Bucket=BUCKET)
    iam = boto3.client("iam", **anybody)
    iam.create_user(UserName="hub")
    iam.put_user_policy(UserName="hub", PolicyName="files", PolicyDocument=json.dumps(MAY))
    key = iam.create_access_key(UserName="hub")["AccessKey"]
    from_now_on = Request(f"{url}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})  # noqa: S310
    with urlopen(from_now_on) as answer:  # noqa: S310 -- loopback
        answer.read()
    return key["AccessKeyId"], key["SecretAccessKey"]
