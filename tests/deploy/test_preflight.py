"""Each check in its good and in its bad state, and nothing made when one refuses."""

import dataclasses
import json

import pytest
from support.by_hand import OTHER_TRUST
from support.moto_cloud import ACCOUNT, here
from support.rows import rows

from deploy import pipeline, preflight
from deploy import rights as deployer
from deploy.__main__ import main
from deploy.cloud import Cloud
from deploy.errors import PreflightError
from deploy.steps import role

USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
LAB_ROLE = f"arn:aws:iam::{ACCOUNT}:role/LabRole"
OPEN = {
    "AccountLimit": {
        "TotalCodeSize": 75 * 1024**3,
        "UnreservedConcurrentExecutions": 1000,
    },
    "AccountUsage": {"TotalCodeSize": 0},
}


@pytest.fixture
def ann(cloud):
    """The account as seen by a user."""
    return dataclasses.replace(cloud, identity=USER)


def found(cloud, settings, about):
    """List what one check of a plan found: (level, text)."""
    plan = pipeline.plan(cloud, settings)
    return [(one.level, str(one)) for one in plan.findings if one.about == about]


def only(cloud, settings, about):
    (one,) = found(cloud, settings, about)
    return one


def refuses(cloud, settings, wire, words):
    """Assert that `up` refuses with these words, and makes nothing."""
    wire.calls.clear()
    with pytest.raises(PreflightError, match=words) as caught:
        pipeline.up(cloud, settings)
    assert wire.mutations == []
    return str(caught.value)


def may(*missing, settings):
    """A user's policies: all that deploying needs, but without these rights."""
    policy = deployer.deployer_policy(settings)
    for statement in policy["Statement"]:
        statement["Action"] = [a for a in statement["Action"] if a not in missing]
    return [policy]


def test_what_is_well_is_said(ann, settings, wire):
    """With the deployer's policy, and an account that has room and lets publish."""
    wire.may = {USER: may(settings=settings)}
    wire.answer("GetAccountSettings", OPEN)
    findings = pipeline.plan(ann, settings).findings
    assert {one.level for one in findings} == {"ok"}
    said = {one.about: str(one) for one in findings}
    assert f"{USER}, region eu-west-1" in said["identity"]
    assert "1000 functions at once, and room for code" in said["quotas"]
    assert {"rights", "public"} <= said.keys()
    block(ann, BlockPublicPolicy=False, RestrictPublicBuckets=False)
    assert only(ann, settings, "public")[0] == "ok"


def test_lacking_rights_are_refused(ann, settings, wire):
    wire.may = {USER: may("iam:PassRole", "s3:PutBucketPolicy", settings=settings)}
    text = refuses(ann, settings, wire, "you lack 2 rights: iam:PassRole, s3:PutBuck")
    policy = json.loads(text[text.index("{") : text.rindex("}") + 1])
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert sids == ["MakeTheBuckets", "LendTheRoleToLambdaOnly"]


@pytest.mark.parametrize(
    "rights",
    rows(
        [
            ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
            ["sqs:CreateQueue", "sqs:TagQueue"],
            ["lambda:PutFunctionConcurrency"],
            ["s3:PutBucketVersioning"],
            ["lambda:CreateEventSourceMapping", "lambda:UpdateFunctionCode"],
            ["s3:DeleteObject", "logs:DeleteLogGroup"],
        ],
        quick=2,
    ),
)
def test_rights_for_something_else_are_a_note(ann, settings, wire, rights):
    """Plain `up` makes none of these calls."""
    wire.may = {USER: may(*rights, settings=settings)}
    notes = [text for level, text in found(ann, settings, "rights") if "too" in text]
    assert all(right in notes[0] for right in rights)
    pipeline.up(ann, settings, say=lambda line: None)
    assert pipeline.status(ann, settings).ready


@pytest.mark.parametrize(
    ("more", "right"),
    [
        ({"reliable": True}, "cloudwatch:PutMetricAlarm"),
        ({"reliable": True}, "sqs:CreateQueue"),
        ({"queue": True}, "lambda:CreateEventSourceMapping"),
        ({"backup": True}, "s3:PutBucketVersioning"),
    ],
)
def test_rights_that_a_setting_needs_are_asked_for(ann, wire, more, right):
    settings = here(ann, **more)
    wire.may = {USER: may(right, settings=settings)}
    refuses(ann, settings, wire, f"you lack 1 rights: {right}")


@pytest.mark.parametrize("more", rows([{"reliable": True}, {}, {"public": False}]))
def test_up_uses_what_preflight_asks_for(ann, wire, more):
    """No call of a first `up` needs a right that counts as somebody else's."""
    settings = here(ann, **more)
    pipeline.up(ann, settings, say=lambda line: None)
    actions = {a for call in wire.calls for a in deployer.actions_of(call)}
    rights = {True: set(), False: set()}
    for purpose in deployer.purposes(settings):
        for action in (right.action for right in purpose.rights):
            needed = deployer.is_for_up(settings, purpose, action, changes=False)
            rights[needed].add(action)
    # Lambda's GetPolicy is called, and IAM's has its name.
    spared = {"iam:GetPolicy"} | (set() if settings.public else {"s3:PutBucketPolicy"})
    assert actions & (rights[False] - rights[True]) <= spared


def test_private_needs_no_right_to_publish(ann, wire):
    publish = ("s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock")
    settings = here(ann)
    wire.may = {USER: may(*publish, settings=settings)}
    assert "--private" in refuses(ann, settings, wire, "you lack 2 rights")
    pipeline.up(ann, here(ann, public=False), say=lambda line: None)


def test_a_right_under_another_condition_is_lacking(ann, settings, wire):
    policy = deployer.deployer_policy(settings)
    for statement in policy["Statement"]:
        if statement["Sid"] == "LendTheRoleToLambdaOnly":
            other = {"iam:PassedToService": "ec2.amazonaws.com"}
            statement["Condition"] = {"StringEquals": other}
    wire.may = {USER: [policy]}
    refuses(ann, settings, wire, "you lack 1 rights: iam:PassRole")


def test_no_right_to_make_roles_names_the_way_out(ann, settings, wire):
    wire.may = {USER: may("iam:CreateRole", settings=settings)}
    text = refuses(ann, settings, wire, "iam:CreateRole")
    assert f'up(execution_role="{LAB_ROLE}")' in text


def test_a_session_is_asked_about_by_its_role(cloud, settings, wire):
    cloud.iam.create_role(
        RoleName="team", Path="/people/", AssumeRolePolicyDocument="{}"
    )
    arn = f"arn:aws:iam::{ACCOUNT}:role/people/team"
    wire.may = {arn: may("s3:CreateBucket", settings=settings)}
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/team/ann"
    ann = dataclasses.replace(cloud, identity=session)
    assert "s3:CreateBucket" in only(ann, settings, "rights")[1]


def test_the_root_user_is_not_asked_about(cloud, settings, wire):
    root = dataclasses.replace(cloud, identity=f"arn:aws:iam::{ACCOUNT}:root")
    assert only(root, settings, "rights")[0] == "ok"
    assert "SimulatePrincipalPolicy" not in wire.calls


def test_without_iams_answer_reading_tells(ann, settings, wire):
    wire.refuse("SimulatePrincipalPolicy", "AccessDenied", "no", 403)
    wire.refuse("DescribeLogGroups", "AccessDeniedException", "no", 403)
    refusal, warning = found(ann, settings, "rights")
    assert refusal[0] == "refusal" and "logs:DescribeLogGroups" in refusal[1]
    assert warning[0] == "warning"
    assert "rights to change things are not checked" in warning[1]


def test_all_names_that_are_taken_are_shown_at_once(ann, settings, wire):
    trust = json.dumps(role.trust_policy())
    cloud = ann
    cloud.iam.create_role(RoleName=settings.role_name, AssumeRolePolicyDocument=trust)
    wire.refuse("HeadBucket", "403", "Forbidden", 403)
    text = refuses(ann, settings, wire, "2 things stand in the way")
    assert settings.source_bucket in text and settings.role_name in text


BLOCKED = {"BlockPublicAcls": True, "IgnorePublicAcls": True}


def block(cloud, **settings):
    cloud.s3control.put_public_access_block(
        AccountId=ACCOUNT, PublicAccessBlockConfiguration=BLOCKED | settings
    )


@pytest.mark.parametrize("part", ["BlockPublicPolicy", "RestrictPublicBuckets"])
def test_account_forbids_public_thumbnails(ann, settings, wire, part):
    block(ann, **{part: True})
    refuses(ann, settings, wire, rf"organization.*{part}.*--private")


def test_private_target_passes_a_closed_account(ann, settings):
    block(ann, BlockPublicPolicy=True, RestrictPublicBuckets=True)
    pipeline.up(ann, settings, public=False)
    assert pipeline.status(ann, settings, public=False).ready


def test_unreadable_block_is_a_warning(ann, settings, wire):
    wire.refuse("GetPublicAccessBlock", "AccessDenied", "no", 403)
    (one,) = preflight.public_access(ann, settings)
    assert one.level == "warning"
    assert "--private" in one.todo and "organization" in one.todo


def test_new_accounts_run_few_at_once(ann, settings, wire):
    limit = OPEN["AccountLimit"] | {"UnreservedConcurrentExecutions": 10}
    wire.answer("GetAccountSettings", OPEN | {"AccountLimit": limit})
    level, text = only(ann, settings, "quotas")
    assert level == "warning" and "runs 10 functions at once" in text


def test_no_room_for_code_is_refused(ann, settings, wire):
    usage = {"TotalCodeSize": OPEN["AccountLimit"]["TotalCodeSize"] - 1024**2}
    wire.answer("GetAccountSettings", OPEN | {"AccountUsage": usage})
    refuses(ann, settings, wire, "1 MB are free")


@pytest.fixture
def lab(ann, wire):
    """Settings with a lab's role, which trusts Lambda."""
    make_role(ann, role.trust_policy())
    return here(ann, execution_role=LAB_ROLE)


def make_role(cloud, trust):
    cloud.iam.create_role(
        RoleName="LabRole", AssumeRolePolicyDocument=json.dumps(trust)
    )


def test_given_role_that_lacks_a_right_is_a_warning(ann, lab, wire):
    some = role.documents(lab)
    some[0]["Statement"] = some[0]["Statement"][:1]
    wire.may = {LAB_ROLE: some}
    level, text = only(ann, lab, "role")
    assert level == "warning"
    assert "s3:PutObject" in text and "s3:GetObject" not in text


def test_given_role_that_cannot_be_asked_about_names_both(ann, lab, wire):
    wire.refuse("SimulatePrincipalPolicy", "AccessDenied", "no", 403)
    (one,) = preflight.execution_role(ann, lab)
    assert one.level == "warning"
    assert "s3:GetObject" in one.todo and "s3:PutObject" in one.todo


def test_given_role_must_stand_and_trust_lambda(ann, wire):
    settings = here(ann, execution_role=LAB_ROLE)
    refuses(ann, settings, wire, "there is no such role")
    make_role(ann, json.loads(OTHER_TRUST))
    refuses(ann, settings, wire, "does not let lambda.amazonaws.com assume it")


def test_given_role_needs_no_right_to_make_one(ann, lab, wire):
    makes = [one for one in deployer.RIGHTS if one.own_role]
    rights = {right.action for purpose in makes for right in purpose.rights}
    wire.may = {USER: may(*rights - {"iam:GetRole"}, settings=lab)}
    assert only(ann, lab, "rights")[0] == only(ann, lab, "role")[0] == "ok"


FEDERATED = f"arn:aws:sts::{ACCOUNT}:federated-user/ann"


@pytest.mark.parametrize("word", ["AccessDenied", "InvalidClientTokenId"])
def test_keys_that_iam_takes_none_of_work_with_a_given_role(cloud, wire, word):
    """AWS Academy, and federated sessions: whatever IAM is asked, it refuses."""
    make_role(cloud, role.trust_policy())
    wire.fail("GetRole", word, "The security token is invalid", 403, times=99)
    wire.fail("SimulatePrincipalPolicy", word, "no", 403, times=99)
    ann = dataclasses.replace(cloud, identity=FEDERATED)
    settings = here(ann, execution_role=LAB_ROLE)
    pipeline.up(ann, settings, say=lambda line: None)
    assert pipeline.status(ann, settings).ready


BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/Boundary"


def test_a_boundary_is_made_kept_and_mended(cloud, settings):
    def bound():
        found = cloud.iam.get_role(RoleName=settings.role_name)["Role"]
        return found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")

    bounded = dataclasses.replace(settings, permissions_boundary=BOUNDARY)
    pipeline.up(cloud, bounded, say=lambda line: None)
    assert bound() == BOUNDARY and pipeline.status(cloud, bounded).ready
    cloud.iam.delete_role_permissions_boundary(RoleName=settings.role_name)
    pipeline.up(cloud, bounded, say=lambda line: None)
    assert bound() == BOUNDARY


def test_plan_exits_1_on_a_refusal(ann, account, capsys):
    block(ann, BlockPublicPolicy=True)
    assert main(["plan", "--cloud", "aws", "--region", ann.region]) == 1
    assert "refusal   public" in capsys.readouterr().out


def test_up_shows_plan_and_cost_first(ann, settings):
    said = []
    pipeline.up(ann, settings, say=said.append)
    assert "create    role" in said[0] and "costs nothing at rest" in said[0]


MODES = [{"reliable": True}, {"queue": True}, {"public": False}]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("before", rows([None, {"memory_mb": 1024}]))
def test_the_plan_shown_is_the_plan_run(ann, settings, wire, before, mode):
    if before is not None:
        pipeline.up(ann, settings, say=lambda line: None, **before)
    shown = {i.step: i.state for i in pipeline.plan(ann, settings, **mode).items}
    run = {}
    wanted = here(ann, **mode)
    for step in pipeline.STEPS:
        wire.calls.clear()
        step.module.create(ann, wanted)
        # That it keeps its options as tags is no change of what is built.
        run[step.name] = any(name != "PutBucketTagging" for name in wire.mutations)
    assert {step: state != "keep" for step, state in shown.items()} == {
        step: run[step] for step in shown
    }


def test_an_emulator_is_no_account(settings, cloud):
    emulator = Cloud(cloud.session, ACCOUNT, cloud.region, "endpoint", None, USER)
    levels = {
        one.about: one.level for one in pipeline.plan(emulator, settings).findings
    }
    assert levels["public"] == levels["rights"] == "skipped"


def test_a_given_role_is_asked_for_the_recipes_rights(cloud, settings):
    given = f"arn:aws:iam::{ACCOUNT}:role/LabRole"
    recipe = {"labels": {"by": "rekognition"}}
    lab = here(cloud, execution_role=given, backup=True, recipe=recipe)
    asked = {
        s["Sid"] for d in role.documents(lab) for s in d["Statement"] if "Sid" in s
    }
    assert {"KeepBackups", "AskForLabels"} <= asked
