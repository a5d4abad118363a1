"""The account in memory and its pipeline, with what tests say of it at every turn."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.cloud import Cloud
from deploy.settings import Settings


@dataclass
class World:
    """What something is done to: clients, buckets, and names as calls take them."""

    cloud: Cloud
    settings: Settings

    def __post_init__(self) -> None:
        cloud, settings = self.cloud, self.settings
        self.s3, self.iam, self.awslambda = cloud.s3, cloud.iam, cloud.awslambda
        self.logs, self.sqs = cloud.logs, cloud.sqs
        self.source, self.target = settings.source_bucket, settings.target_bucket
        self.backup = settings.backup_bucket
        self.function = {"FunctionName": settings.function_name}
        self.role = {"RoleName": settings.role_name}
        self.log = {"logGroupName": settings.log_group}
