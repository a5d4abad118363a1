import json
import re
from pathlib import Path

import boto3
import pytest

from deploy import arns
from deploy.arns import Arns

ACCOUNT = "123456789012"
ROOT = Path(__file__).parents[2]
HOME = Arns("eu-west-1", ACCOUNT)


def test_as_aws_writes_them():
    function = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    assert HOME.of("lambda", "function:f") == function
    assert HOME.iam("role/r") == f"arn:aws:iam::{ACCOUNT}:role/r"
    assert HOME.managed("service-role/p") == "arn:aws:iam::aws:policy/service-role/p"
    assert HOME.bucket("b") == "arn:aws:s3:::b"
    assert HOME.bucket("b", "a b/*") == "arn:aws:s3:::b/a b/*"
    assert HOME.bucket_url("b") == "https://b.s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    "region",
    [
        *("us-east-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1"),
        *("us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"),
    ],
)
def test_partitions_are_botocores(region):
    session = boto3.Session()
    assert Arns(region, ACCOUNT).partition == session.get_partition_for_region(region)
    # Not S3's: that of us-east-1 has no region in its name.
    sqs = session.client("sqs", region)
    domain = sqs.meta.endpoint_url.partition(region)[2]
    assert Arns(region, ACCOUNT).bucket_url("b").endswith(f"{region}{domain}")


@pytest.mark.parametrize("arn", [HOME.of("sqs", "q"), "arn:aws:sqs", "", "a queue"])
def test_beside_another(arn):
    is_one = arn.count(":") > 4
    assert arns.beside(arn) == (HOME if is_one else Arns("", ""))


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn", "aws-eusc"])
def test_roles_and_callers_are_recognised(partition):
    iam = f"arn:{partition}:iam::{ACCOUNT}"
    assert arns.ROLE.fullmatch(f"{iam}:role/path/r")[1] == ACCOUNT
    assert arns.CALLER.fullmatch(f"{iam}:user/u")[1] == "user"
    assert arns.ROOT.fullmatch(f"{iam}:root")
    taken = f"arn:{partition}:sts::{ACCOUNT}:assumed-role/r/session"
    assert arns.ASSUMED_ROLE.fullmatch(taken)[1] == "r"
    assert not arns.ROLE.fullmatch(f"{iam}:role/r\n")


def test_no_other_module_and_no_cell_writes_one():
    """But `arn:` and the partition, which 02 teaches; outputs and prose may."""
    places = {
        path.relative_to(ROOT).as_posix()
        for folder in ("deploy", "handler", "notebooks", "images", ".ci")
        for path in (ROOT / folder).rglob("*.py")
        if re.search("arn:aws|:aws:", path.read_text("utf-8"))
    }
    assert places == {"deploy/arns.py"}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            assert cell["cell_type"] != "code" or "arn:aws" not in source, cell["id"]
