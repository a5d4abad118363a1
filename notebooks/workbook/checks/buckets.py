"""Check 2: a private source, and a target whose thumbnails anyone may read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from deploy import policies, tags
from deploy.cloud import Cloud
from deploy.settings import TAG, Settings
from deploy.steps import buckets
from deploy.waiting import DENIED, NO_BUCKET, if_there
from workbook.checks.findings import Finding, judged, waiting
from workbook.checks.statements import in_words, is_within, old_version

_ACLS = ("BlockPublicAcls", "IgnorePublicAcls")
_POLICIES = ("BlockPublicPolicy", "RestrictPublicBuckets")


def look(cloud: Cloud, settings: Settings) -> Iterator[Finding]:
    """Look at both buckets: existence, tag, Block Public Access, policy."""
    yield from _source(cloud, settings, settings.source_bucket)
    yield from _target(cloud, settings, settings.target_bucket)


def _source(cloud: Cloud, settings: Settings, name: str) -> Iterator[Finding]:
    exists = yield from _exists(cloud, settings, "source", name)
    if not exists:
        rest = ("Block Public Access is on", "no policy opens it")
        yield from waiting("the bucket", *(f"the source: {name}" for name in rest))
        return
    block = public_access_block(cloud, name)
    off = [setting for setting in _ACLS + _POLICIES if not block.get(setting)]
    yield judged(
        "the source: Block Public Access is on",
        not off,
        f"{_listed(off)} off. Put all four on with `put_public_access_block` "
        f"for {name} (02_buckets): photos stay private.",
    )
    opened = [in_words(statement) for statement in public(policy(cloud, name))]
    yield judged(
        "the source: no policy opens it",
        not opened,
        f"Its policy lets everybody in: {'; '.join(opened)}. Remove it with "
        f"`delete_bucket_policy` for {name} (02_buckets).",
    )


def _target(cloud: Cloud, settings: Settings, name: str) -> Iterator[Finding]:
    names = [
        "the target: the two ACL blocks stay on",
        "the target: the two policy blocks are lifted",
        f"the target: anyone may read {settings.thumbnail_prefix}*",
        "the target: nothing else is public",
    ]
    exists = yield from _exists(cloud, settings, "target", name)
    if not exists:
        yield from waiting("the bucket", *names)
        return
    block = public_access_block(cloud, name)
    off = [setting for setting in _ACLS if not block.get(setting)]
    yield judged(
        names[0],
        not off,
        f"{_listed(off)} off, and nobody needs ACLs here. Put both on with "
        f"`put_public_access_block` for {name} (02_buckets).",
    )
    on = [setting for setting in _POLICIES if block.get(setting, False)]
    yield judged(
        names[1],
        not on,
        f"{_listed(on)} on, so a public policy is refused or has no effect. "
        f"Lift {' and '.join(_POLICIES)} with "
        f"`put_public_access_block` for {name} (02_buckets).",
    )
    yield from _public_read(cloud, settings, name, names[2:])


def _public_read(
    cloud: Cloud, settings: Settings, name: str, names: list[str]
) -> Iterator[Finding]:
    wanted = buckets.public_read(settings)
    resource = wanted["Resource"]
    document = policy(cloud, name)
    wider = [in_words(part) for part in public(document) if not is_within(part, wanted)]
    mend = _closed(document, settings)
    yield judged(
        names[0],
        not mend,
        f"{mend} Put the policy again with `put_bucket_policy` (02_buckets).",
    )
    yield judged(
        names[1],
        not wider,
        f"Too wide: the policy also opens {'; '.join(wider)}. Put the one "
        f"statement for {resource} alone with `put_bucket_policy` (02_buckets).",
    )


def _closed(document: dict[str, Any], settings: Settings) -> str:
    """Say why not everybody may read what they should; nothing when they may."""
    resource, anyone = buckets.public_read(settings)["Resource"], {"AWS": "*"}
    for suffix in settings.suffixes:
        key = resource.replace("*", f"any/photo{suffix}")
        decision = policies.allowed(document, "s3:GetObject", key, principal=anyone)
        if decision.denied and decision.statement:
            return f"{in_words(decision.statement)}: a denial always wins."
        if not decision:
            return f"No statement allows s3:GetObject on {resource} to everybody."
    return old_version(document)


def _exists(
    cloud: Cloud, settings: Settings, part: str, name: str
) -> Generator[Finding, None, bool]:
    """Yield two lines, on existence and tag; return whether the bucket is ours."""
    names = (f"the {part} bucket exists", f"the {part} carries our tag")
    found = if_there(
        cloud.s3.head_bucket,
        "404",
        "403",
        "NoSuchBucket",
        "AccessDenied",
        Bucket=name,
        ExpectedBucketOwner=settings.account,
    )
    yield judged(
        names[0],
        found is not None,
        f"There is no bucket {name} of yours. Create it with `create_bucket` "
        "(02_buckets).",
    )
    if found is None:
        yield from waiting("the bucket", names[1])
        return False
    tagging = if_there(cloud.s3.get_bucket_tagging, "NoSuchTagSet", Bucket=name)
    tag = tags.read((tagging or {}).get("TagSet", [])).get(TAG)
    yield judged(
        names[1],
        tag == settings.name,
        f"Its tag {TAG} is {tag!r} and should be {settings.name!r}, or clean-"
        "up leaves it alone. Tag it with `put_bucket_tagging` (02_buckets).",
    )
    return True


def _listed(names: list[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


def objects(cloud: Cloud, bucket: str, prefix: str = "") -> list[dict[str, Any]] | None:
    """List a bucket's objects; None where it is gone, or somebody else's."""
    listing = buckets.objects(cloud, bucket, prefix)
    return if_there(lambda: [*listing], *NO_BUCKET, *DENIED)


def public_access_block(cloud: Cloud, name: str) -> dict[str, bool]:
    """Read a bucket's Block Public Access; empty when there is none."""
    return buckets.block_of(cloud, name) or {}


def policy(cloud: Cloud, name: str, *gone: str) -> dict[str, Any]:
    """Read a bucket's policy; empty when there is none, or by one of these errors."""
    return if_there(lambda: buckets.policy_of(cloud, name), *gone) or {}


def public(document: dict[str, Any]) -> list[dict[str, Any]]:
    """List the statements of a policy that allow something to everybody."""
    return [
        statement
        for statement in policies.statements(document)
        if statement["Effect"] == "Allow" and policies.is_for_anyone(statement)
    ]
