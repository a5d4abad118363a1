"""CloudFormation's buckets have their tags; full ones stay, and no function warm.

Runs in MiniStack's environment, beside `wrapper.py`: see there.
"""

from __future__ import annotations

from collections.abc import Callable

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc, s3
from ministack.services.cloudformation import provisioners
from places import around


def create_bucket(logical_id: str, props: dict, stack_name: str) -> tuple[str, dict]:
    """Make a stack's bucket, and give it the tags that the template asks for."""
    name, attributes = _create_bucket(logical_id, props, stack_name)
    tags = {tag["Key"]: tag["Value"] for tag in props.get("Tags") or []}
    if tags:
        s3._bucket_tags[name] = tags
    return name, attributes


def delete_bucket(name: str, props: dict) -> None:
    """Delete a stack's bucket, unless it holds anything: AWS never does that."""
    if s3._buckets.get(name, {}).get("objects"):
        raise ValueError("The bucket you tried to delete is not empty")
    _delete_bucket(name, props)


def delete_function(name: str, props: dict) -> None:
    """Delete a stack's function, and stop what ran it."""
    _delete_function(name, props)
    lambda_svc.invalidate_worker(name, account=get_account_id(), region=get_region())


@around(lambda_svc, "_put_event_invoke_config")
def put_event_invoke_config(
    kept: Callable[..., tuple], name: str, qualifier: str | None, data: dict
) -> tuple:
    """Take $LATEST, which CloudFormation has to name, for the function itself."""
    return kept(name, None if qualifier == "$LATEST" else qualifier, data)


_buckets = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
_create_bucket, _delete_bucket = _buckets["create"], _buckets["delete"]
_buckets.update(create=create_bucket, delete=delete_bucket)
_functions = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
_delete_function = _functions["delete"]
_functions.update(delete=delete_function)
# So that a bucket gets CloudFormation's own tags, too.
provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")
