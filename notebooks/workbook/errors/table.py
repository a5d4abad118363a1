"""The errors that people meet on this road: what each means here, and its cure.

One table. The first row that fits an error counts, so the narrow ones stand above the
wide ones. Every row is provoked by a test of the same name in `test_explain`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy.waiting import DENIED

#: What trying again does: the three answers there are.
PASSES = "Try again: it passes by itself."
MENDED = "Trying again helps once that is mended, not before."
NEVER = "Trying again cannot help: the same will happen."

_DENIED = " ".join(DENIED)


@dataclass(frozen=True)
class Row:
    """An error, by what AWS, Python or the log says.

    Attributes:
        name: the row's name, and its test's.
        codes: AWS's codes, or Python's error types, as words; empty for any.
        says: a pattern that code and message contain; empty for any.
        calls: the operations it comes from, as words; empty for any.
        means: what it means in this pipeline.
        cure: what to do, and in which notebook.
        again: whether trying again can help.
    """

    name: str
    means: str
    cure: str
    again: str = MENDED
    codes: str = ""
    says: str = ""
    calls: str = ""

    def fits(self, code: str, message: str, operation: str) -> bool:
        """Tell whether an error is this one."""
        codes = self.codes.split()
        known = not codes or code in codes
        if not code and codes:  # a line of a log has its code somewhere in it
            known = any(re.search(rf"\b{re.escape(c)}\b", message) for c in codes)
        called = not self.calls or not operation or operation in self.calls.split()
        told = f"{code}: {message}" if code else message
        return known and called and bool(re.search(self.says, told, re.I))


ROWS: tuple[Row, ...] = (
    # AWS in words that have one cause
    Row(
        "archived",
        "The object is in an archive (Glacier), where it cannot be read.",
        "Restore it first (`aws s3api restore-object`), or upload it in another "
        "class: 10_platform.",
        says=r"InvalidObjectState|not valid for the object's storage class",
    ),
    Row(
        "key-of-the-uploader",
        "The object is encrypted with a key that only its uploader has (SSE-C), and"
        " S3 keeps none.",
        "Upload it without that key: S3 encrypts it anyway.",
        NEVER,
        says=r"SSE-C|form of Server Side Encryption",
    ),
    Row(
        "kms-key-is-off",
        "The KMS key that the object or bucket is encrypted with is disabled, or "
        "about to be deleted.",
        "Its owner enables it again, or the pictures are uploaded anew without it.",
        says=r"KMS\.?(Disabled|InvalidState)",
    ),
    Row(
        "kms-denied",
        "The object is encrypted with a KMS key that this caller may not use.",
        "The role needs kms:Decrypt on the source's key, and kms:GenerateDataKey on"
        " the target's: 03_role. The key's own policy has to allow it, too.",
        says=r"kms:(Decrypt|GenerateDataKey)",
    ),
    Row(
        "another-region",
        "The bucket is in another region than the client, or the call is signed for"
        " another.",
        "Make the client for the bucket's region: connect(region=…); "
        "get_bucket_location names it.",
        says=r"PermanentRedirect|must be addressed using the specified endpoint|"
        r"AuthorizationHeaderMalformed|authorization header is malformed",
    ),
    Row(
        "clock-is-wrong",
        "This machine's clock differs from AWS's by more than 15 minutes.",
        "Set the clock (by network time), then run the cell again.",
        says=r"RequestTimeTooSkewed|difference between the request time|"
        r"Signature (expired|not yet current)",
    ),
    Row(
        "too-many-buckets",
        "The account has as many buckets as it may.",
        "Delete one that nobody needs, or ask Service Quotas for more.",
        says=r"TooManyBuckets|more buckets than allowed",
    ),
    Row(
        "another-partition",
        "An ARN names another partition than the account's: China and GovCloud have"
        " their own.",
        "Write aws-cn or aws-us-gov in place of aws; Settings does it by the region.",
        NEVER,
        says=r'Partition "?[\w-]+"? is not valid',
    ),
    Row(
        "certificate-not-trusted",
        "Who answered has a certificate that this machine does not trust: often a "
        "proxy that reads along.",
        "Name the proxy's certificate in AWS_CA_BUNDLE; your network's owner has it.",
        says=r"CERTIFICATE_VERIFY_FAILED|SSL validation failed",
    ),
    Row(
        "no-such-profile",
        "AWS_PROFILE names a profile that is in no configuration file.",
        "`aws configure list-profiles` lists those there are.",
        says=r"ProfileNotFound|config profile .* could not be found",
    ),
    Row(
        "runs-in-a-loop",
        "Lambda saw the function start itself again and again, about 16 times, and "
        "stopped it.",
        "Give the thumbnails a bucket of their own, and the rule the source alone: "
        "06_trigger.",
        says=r"RecursiveInvocationException|recursive loop",
    ),
    Row(
        "zip-cannot-be-read",
        "What was uploaded as code is no whole zip.",
        "Write the zip again and send its bytes: 05_function.",
        NEVER,
        says=r"Could not unzip uploaded file",
    ),
    Row(
        "malformed-policy",
        "The policy is no JSON that AWS takes: a field lacks, is misspelt, or names"
        " a principal that does not exist.",
        "Compare it with the policy of 02_buckets or 03_role: Version, Effect, "
        "Principal, Action, Resource.",
        NEVER,
        says=r"MalformedPolicy",
    ),
    Row(
        "value-out-of-range",
        "A value is larger, smaller or otherwise than the call takes. The message "
        "names the parameter and its bounds.",
        "Put a value within them: Timeout 1 to 900 seconds (on AWS 1,800 since "
        "November 2026), MemorySize 128 to 10,240 MB, a role by its ARN: 05_function.",
        NEVER,
        says=r"failed to satisfy constraint",
    ),
    Row(
        "rule-has-another-filter",
        "A rule's filter takes two names, prefix and suffix, each once.",
        'Write `{"Name": "suffix", "Value": ".jpg"}`: 06_trigger.',
        NEVER,
        says=r"filter rule name must be|Cannot specify more than one (prefix|suffix)",
    ),
    Row(
        "too-early-for-infrequent-access",
        "An emulator that goes by S3's rule of before July 2026: a move to that "
        "storage class after 30 days at the earliest. S3 takes any number now, and "
        "bills 30.",
        "Put 30 days there; on S3 any number does, as 10_platform has it.",
        NEVER,
        says=r"'Days' in .*must be greater than or equal to",
    ),
    Row(
        "no-such-storage-class",
        "S3 has no storage class of this name.",
        "STANDARD and STANDARD_IA are what 10_platform compares.",
        NEVER,
        codes="InvalidStorageClass",
    ),
    Row(
        "too-little-left-for-others",
        "An account keeps some concurrency for all functions that reserve none, and so "
        "much is not left.",
        "Reserve less, or 0, which stops the function: 08_failures.",
        NEVER,
        says=r"UnreservedConcurrentExecution below its minimum",
    ),
    Row(
        "payload-is-no-json",
        "Lambda takes an event as JSON, in bytes or text.",
        "Payload=json.dumps(event): 05_function.",
        NEVER,
        codes="InvalidRequestContentException",
    ),
    Row(
        "malformed-xml",
        "The request lacks a part, or has too many of one.",
        "Compare the cell with the API's page; DeleteObjects takes 1,000 keys at most.",
        NEVER,
        says=r"MalformedXML|XML you provided was not well-formed",
    ),
    Row(
        "no-way-to-s3",
        "The function is in a VPC that has no way to S3.",
        "Give the VPC's subnets an S3 gateway endpoint, or take the function out of"
        " the VPC.",
        says=r"Connect ?[tT]imeout.*s3[\w.-]*\.amazonaws\.com",
    ),
    # Pillow and the layer
    Row(
        "pillow-for-another-machine",
        "Pillow is in the layer, and its compiled part is for another processor, "
        "system or Python.",
        "Build the layer for the function's runtime and architecture, and not for your "
        "laptop: 04_layer. Then attach that version: 05_function.",
        says=r"cannot import name '_imaging'|invalid ELF header|wrong ELF class",
    ),
    Row(
        "pillow-is-missing",
        "Lambda's Python has boto3 and no Pillow. The layer is not attached, or its "
        "zip does not begin with the folder python/.",
        "Look at the zip in 04_layer, attach the layer in 05_function: Layers replaces "
        "the whole list, so a call without it takes it away.",
        says=r"No module named '?PIL",
    ),
    Row(
        "handler-not-found",
        "Lambda found the zip, and not the function in it. Handler is "
        "module.function, counted from the zip's root.",
        "In 05_function the zip holds handler/app.py at its root, and Handler is "
        "handler.app.lambda_handler.",
        says=r"Runtime\.(ImportModuleError|HandlerNotFound)|Unable to import module|"
        r"Handler '.*' missing on module|has no attribute 'lambda_handler'|"
        r"No module named '?(handler|index)",
    ),
    Row(
        "code-is-no-python",
        "Lambda found the module, and Python cannot read it: a syntax error.",
        "The message names the file and the line: mend it, then send the zip again: "
        "05_function.",
        says=r"Runtime\.UserCodeSyntaxError|Syntax error in module",
    ),
    Row(
        "layer-of-others",
        "That layer version is not there, is in another region, or is not shared with "
        "you. Layers published by strangers come and go.",
        "Use your own: 04_layer publishes it, in your account and region.",
        says=r"layer:|LayerVersion",
        codes=f"{_DENIED} ResourceNotFoundException InvalidParameterValueException",
        calls="CreateFunction UpdateFunctionConfiguration GetLayerVersion "
        "GetLayerVersionByArn",
    ),
    Row(
        "too-large",
        "The zip is over Lambda's limits: 50 MB sent directly, 262,144,000 bytes "
        "unpacked, with all layers.",
        "Leave out of the layer what the handler does not use: 04_layer. Over 50 MB, "
        "upload it to a bucket and name bucket and key.",
        says=r"Unzipped size must be smaller|Request must be smaller|"
        r"RequestEntityTooLarge",
    ),
    # The role
    Row(
        "role-not-assumable",
        "Either the role's trust policy does not name lambda.amazonaws.com, or the "
        "role is seconds old and Lambda has not heard of it.",
        "check(3) reads the trust policy; 03_role writes it. If it is right, wait ten "
        "seconds.",
        "Try again for a minute; if it stays, only mending the trust policy helps.",
        says=r"cannot be assumed by Lambda",
    ),
    Row(
        "may-not-make-roles",
        "You, not the function, may not do this: many class and company accounts let "
        "nobody make roles, or hand them to a function.",
        "Ask the account's owner for that action, or for a role that is ready. On the "
        "local cloud you may do everything.",
        codes=_DENIED,
        says=r"\biam:(CreateRole|PassRole|PutRolePolicy|AttachRolePolicy|TagRole)",
    ),
    # Public access
    Row(
        "public-policy-blocked",
        "Block Public Access stands above every policy, and is on for new buckets "
        "since April 2023.",
        "On the target, and only there, lift BlockPublicPolicy and "
        "RestrictPublicBuckets: 02_buckets. If it is on for the whole account or its "
        "organization, their owner decides; up(public=False), or --private, then "
        "builds with presigned links.",
        codes=_DENIED,
        says=r"BlockPublicPolicy|public policies are",
        calls="PutBucketPolicy",
    ),
    Row(
        "acls-are-off",
        "New buckets take no access control lists: since April 2023 policies alone say "
        "who may read.",
        "Leave ACL= out. 02_buckets lets everyone read thumbnails by a bucket policy.",
        codes="AccessControlListNotSupported",
    ),
    # S3: read and write
    Row(
        "function-may-not",
        "A policy lacks this action on this object. Usual causes: bucket where "
        "bucket/* is meant, another bucket's name, a policy that was taken away. For a "
        "role without s3:ListBucket a key that is not there reads as denied, too.",
        "check(3) compares the role's statements; 03_role writes them. For a bucket "
        "policy, 02_buckets.",
        "Trying again helps once that is mended; on AWS a new policy takes seconds to "
        "be in force.",
        codes=_DENIED,
        says=r"^(?!.*perform: (?!s3:))",
        calls="GetObject PutObject HeadObject ListObjectsV2 CopyObject "
        "CreateMultipartUpload UploadPart GetObjectTagging",
    ),
    Row(
        "no-such-key",
        "No object has this key. In an event the key is form-encoded: a space comes as "
        "+ and é as %C3%A9.",
        "Decode it once, with unquote_plus, where the event is read: the course's "
        "handler does. Or the object was deleted meanwhile.",
        codes="NoSuchKey 404",
        calls="GetObject HeadObject CopyObject GetObjectTagging",
    ),
    Row(
        "no-such-version",
        "No version of this object has that VersionId, or it is a delete marker, which "
        "has no bytes.",
        "list_object_versions lists the versions and the markers: 11_cleanup.",
        NEVER,
        codes="NoSuchVersion MethodNotAllowed",
    ),
    Row(
        "none-was-put",
        "The bucket has none: it was never put, or was taken away again.",
        "The policy, the tags and the public access block are put in 02_buckets, the "
        "lifecycle rules in 10_platform.",
        codes="NoSuchBucketPolicy NoSuchTagSet NoSuchLifecycleConfiguration "
        "NoSuchPublicAccessBlockConfiguration",
    ),
    Row(
        "no-such-bucket",
        "There is no bucket of this name in this account and region.",
        "Run 02_buckets, or this notebook's first cell, which makes what is missing.",
        codes="NoSuchBucket 404",
    ),
    Row(
        "bucket-name-taken",
        "Bucket names are shared by all of AWS, and somebody has this one.",
        "Choose another Settings.name. The names of 02_buckets end in account and "
        "region, in a namespace where nobody else can take them.",
        NEVER,
        codes="BucketAlreadyExists",
    ),
    Row(
        "bucket-is-yours",
        "It is there already, and it is yours: the cell ran before.",
        "Nothing to mend: put the call under `with unless_exists():`, as 02_buckets.",
        NEVER,
        codes="BucketAlreadyOwnedByYou",
    ),
    Row(
        "location-constraint",
        "S3 wants the region named for a bucket, except in us-east-1, where it must "
        "not be named.",
        "Let LocationConstraint be the client's own region, and leave it out in "
        "us-east-1: 02_buckets.",
        codes="IllegalLocationConstraintException InvalidLocationConstraint",
    ),
    Row(
        "bucket-name-illegal",
        "S3 takes 3 to 63 lower-case letters, digits, dots and hyphens.",
        "Choose another Settings.name: 02_buckets.",
        NEVER,
        codes="InvalidBucketName",
    ),
    Row(
        "bucket-not-empty",
        "Only an empty bucket can be deleted, and old versions and delete markers "
        "count, which no plain listing shows.",
        "11_cleanup empties all three kinds; `python -m deploy down` does the same, "
        "and ends unfinished uploads: they keep no bucket, and their parts are billed.",
        codes="BucketNotEmpty",
    ),
    Row(
        "superseded",
        "The object changed between looking and writing: a newer upload came first.",
        "Nothing to mend: look again and decide anew. In the handler this is the "
        "outcome `stale` (07_watch).",
        "Try again after reading the object anew.",
        codes="PreconditionFailed 412",
    ),
    # The trigger
    Row(
        "destination-not-validated",
        "S3 tested whether it may call each target, and one refused: the permission is "
        "missing or names another bucket or account, or the function is in another "
        "region or gone.",
        "First the permission, then the rule: 06_trigger. check(6) names the target.",
        "Trying again helps once the permission is there; on AWS it takes seconds to "
        "be seen.",
        codes="InvalidArgument",
        says=r"Unable to validate the following destination",
    ),
    Row(
        "rules-overlap",
        "Two rules would fire for one upload of the same event type.",
        "Give them suffixes (or prefixes) that no key has both of: 06_trigger shows "
        "the pair.",
        NEVER,
        codes="InvalidArgument",
        says=r"ambiguously defined|Configurations overlap|share a common event type",
    ),
    Row(
        "statement-exists",
        "The function has a statement of this name already: the cell ran before.",
        "If it says the same, nothing is to be done (`with unless_exists():`, "
        "06_trigger). Otherwise remove_permission first, then add it anew.",
        NEVER,
        codes="ResourceConflictException",
        says=r"statement id .*already exists|statement id .*provided already",
    ),
    # The queue and storage classes
    Row(
        "role-may-not-take-from-the-queue",
        "Lambda empties the queue in the role's name, and the role lacks one of the "
        "three actions that this takes.",
        "Attach the policy `role.queue_policy(settings)` to the role, as "
        "`up(cloud, queue=True)` does: 10_platform.",
        says=r"does not have permissions to call \w+ on SQS",
    ),
    Row(
        "queue-hides-too-short",
        "A message would come back into the queue while the function still works on "
        "it, and be done twice.",
        "Set the queue's VisibilityTimeout to six times the function's timeout, as "
        "`up(cloud, queue=True)` does: 10_platform.",
        says=r"Queue visibility timeout: \d+ seconds is less than",
    ),
    Row(
        "two-rules-one-id",
        "Two lifecycle rules of one bucket have the same ID, and the call puts all "
        "rules or none.",
        "Give each rule an ID of its own: 10_platform.",
        NEVER,
        says=r"Rule ID must be unique",
    ),
    # The function
    Row(
        "update-in-progress",
        "Lambda is still busy with your last change of this function.",
        "Wait for it between two changes, with the waiter function_updated_v2: "
        "05_function.",
        PASSES,
        codes="ResourceConflictException",
        says=r"update is in progress|in the following state: Pending|"
        r"currently in the following state",
    ),
    Row(
        "function-exists",
        "A function of this name is there already: the cell ran before.",
        "Put the call under `with unless_exists():`, as 05_function; to change it, use "
        "update_function_code or update_function_configuration.",
        NEVER,
        codes="ResourceConflictException",
        says=r"already exist",
    ),
    Row(
        "entity-exists",
        "There is one of this name already: the cell ran before, or a clean-up did "
        "not.",
        "Put the call under `with unless_exists():` (02_buckets explains it).",
        NEVER,
        codes="EntityAlreadyExists ResourceAlreadyExistsException QueueAlreadyExists "
        "QueueNameExists",
    ),
    Row(
        "runtime-retired",
        "This Python is out of support. The local cloud refuses it at once, and AWS "
        "makes new functions with 3.8 to 3.10 until 2027-02-01.",
        "Take Settings.runtime, which is current: 05_function. The layer has to be "
        "built for the same Python: 04_layer.",
        NEVER,
        says=r"runtime parameter of .* is no longer supported",
    ),
    Row(
        "runtime-not-here",
        "The local cloud runs functions on this machine's own Python. On AWS you would "
        "be free to choose.",
        "Take Settings.runtime, which is this machine's: 05_function.",
        NEVER,
        says=r"limit of the local cloud",
    ),
    Row(
        "no-such-function",
        "There is no function, layer, permission or log group of this name yet.",
        "The steps in order: 03_role, 04_layer, 05_function, 06_trigger. This "
        "notebook's first cell makes what is missing; a log comes with the first run.",
        codes="ResourceNotFoundException NoSuchEntity NoSuchEntityException",
    ),
    # https://repost.aws/knowledge-center/lambda-kmsaccessdeniedexception-errors
    Row(
        "role-made-anew",
        "Lambda encrypts the environment variables, and lets that role decrypt them "
        "which the function was made with. It was deleted since: a new one of the "
        "same name is another role to KMS.",
        "Delete the function and make it again: 05_function, or delete_function and "
        "then up(). AWS's own cure is to give the function another role, and then this "
        "one again.",
        says=r"KMSAccessDenied|unable to decrypt the environment variables",
    ),
    Row(
        "timed-out",
        "The function took longer than its Timeout and was stopped. The default is 3 "
        "seconds, and the first run of an environment loads Python, too.",
        "Raise Timeout (Settings.timeout_s is 30): 05_function. More memory brings "
        "more processor with it.",
        says=r"Task timed out after|Status: timeout",
    ),
    Row(
        "out-of-memory",
        "The function needed more than its MemorySize and was killed. Decoded, a "
        "picture takes up to four bytes a pixel (two where it is grey of 16 bits), and "
        "work space, whatever the file's size.",
        "Raise MemorySize (Settings.memory_mb): 05_function.",
        says=r"Runtime\.OutOfMemory|signal: killed|Runtime\.ExitError|MemoryError",
    ),
    Row(
        "same-bucket",
        "Source and target are one bucket: each thumbnail would start the function "
        "again, until Lambda notices, about 16 times later.",
        "Two buckets: 02_buckets. If it runs already, put_function_concurrency with 0 "
        "stops it at once.",
        NEVER,
        says=r"source and target are one bucket|source bucket is TARGET_BUCKET",
    ),
    Row(
        "recipe",
        "The recipe has a field or a value that cannot work. The sentence above names "
        "it.",
        "Change it in this cell's recipe (09_effects). `try_recipe` tries a recipe "
        "here, before anything is deployed.",
        codes="ConfigError DoesNotFit",
        says=r"the recipe's |the font has no|does not fit",
    ),
    Row(
        "settings-missing",
        "The function's environment variables lack a setting, or one is wrong.",
        "Environment replaces all variables at once. Put settings.environment: "
        "05_function.",
        codes="ConfigError",
    ),
    # Pictures
    Row(
        "alpha-into-jpeg",
        "A JPEG has no transparency, and this picture has some.",
        "Put it on a ground first, or keep it PNG; the handler's images.py does, see "
        "01_thumbnail.",
        NEVER,
        says=r"cannot write mode (RGBA|LA|P) as JPEG",
    ),
    Row(
        "rejected",
        "The upload is no picture that a thumbnail can be made of: another format, "
        "damaged, or too large. It is rejected: a record says why, and nothing "
        "is retried.",
        "Nothing to mend in the pipeline. The record is in the target, below "
        "rejected/; 01_thumbnail shows what is refused, and why.",
        NEVER,
        codes="ImageRejected UnidentifiedImageError",
    ),
    Row(
        "rejected-in-the-log",
        "The function judged the upload and refused it; the invocation succeeded.",
        "Nothing to mend in the pipeline. The record is in the target, below "
        "rejected/; 01_thumbnail shows what is refused, and why.",
        NEVER,
        says=r"\"outcome\": \"rejected\"|cannot identify image file",
    ),
    Row(
        "still-in-use",
        "Something hangs on it that has to go first: a role's policies, for one.",
        "11_cleanup takes them off in order; so does `python -m deploy down`.",
        codes="DeleteConflict",
    ),
    # Reaching the cloud
    Row(
        "no-credentials",
        "boto3 found no keys to sign with, so nothing was sent.",
        "For the local cloud none are needed: connect() without an argument. For AWS, "
        "`aws login`, or `aws sso login` where your organization has it.",
        codes="NoCredentialsError PartialCredentialsError",
    ),
    Row(
        "credentials-expired",
        "AWS knows these keys no more: they have run out, or were deleted.",
        "`aws login`, `aws sso login`, or fresh keys; then begin() again.",
        codes="ExpiredToken ExpiredTokenException InvalidClientTokenId "
        "UnrecognizedClientException InvalidAccessKeyId SignatureDoesNotMatch "
        "SSOTokenLoadError UnauthorizedSSOTokenError TokenRetrievalError "
        "LoginRefreshRequired LoginTokenLoadError",
    ),
    Row(
        "no-region",
        "boto3 does not know which region is meant.",
        'connect("aws", region="eu-west-1"), or set AWS_DEFAULT_REGION.',
        codes="NoRegionError",
    ),
    Row(
        "no-answer",
        "Nobody answers at that address: the local cloud is not running, or the "
        "network is away.",
        "Run this notebook's first cell again: it starts the local cloud.",
        PASSES,
        codes="EndpointConnectionError ConnectionClosedError ConnectTimeoutError "
        "ReadTimeoutError ProxyConnectionError",
    ),
    # Cells
    Row(
        "not-run-yet",
        "The name is made in a cell above, and that cell has not run since the kernel "
        "started; or a letter of the name is wrong.",
        "In the menu: Run ▸ Run All Above Selected Cell. Then run this cell again.",
        codes="NameError",
    ),
    Row(
        "not-as-expected",
        "The cell compares its result with what should come out, and the two differ.",
        "Look at what you changed in this cell. Else run the cells above again, in "
        "order: Run ▸ Run All Above Selected Cell.",
        codes="AssertionError",
    ),
    Row(
        "bytes-are-asked-for",
        "A name was given where the bytes of a picture are asked for.",
        "Read the file first, `(SAMPLES / name).read_bytes()`: 01_thumbnail.",
        NEVER,
        codes="TypeError",
        says=r"startswith first arg must be|bytes-like object is required",
    ),
    Row(
        "the-answer-has-no-such-field",
        "There is no such key: compare its spelling. In an answer, AWS leaves a list "
        "out when it is empty: a bucket without objects has no Contents.",
        'Look at the whole answer; `answer.get("Contents", [])` takes an empty list '
        "for a missing one. Else run the cells above again, in order.",
        codes="KeyError",
    ),
    Row(
        "the-list-is-empty",
        "The cell takes one item out of a list that has none, or fewer than it takes.",
        "The cell before should have made it: Run ▸ Run All Above Selected Cell.",
        codes="IndexError ValueError",
        says=r"index out of range|not enough values to unpack",
    ),
    Row(
        "the-text-is-no-json",
        "The text is no JSON: a bracket, a comma or a quotation mark is missing.",
        "The message names line and column. json.dumps writes JSON from a dict.",
        NEVER,
        codes="JSONDecodeError",
    ),
    Row(
        "not-for-everybody",
        "The link was opened without credentials, and S3 refused: the object is not "
        "public, or a presigned link has run out.",
        "The bucket policy and presigned links are in 02_buckets.",
        codes="HTTPError",
        says=r"HTTP Error 403",
    ),
    Row(
        "nothing-at-that-link",
        "The link leads to no object: its name is misspelt, or it was deleted.",
        "Upload it again, then open the link: 02_buckets.",
        codes="HTTPError",
        says=r"HTTP Error 404",
    ),
    Row(
        "no-such-file",
        "There is no file of this name where the notebook runs.",
        'The sample pictures are in SAMPLES: `SAMPLES / "lighthouse.jpg"`.',
        NEVER,
        codes="FileNotFoundError",
    ),
    Row(
        "no-such-import",
        "The package has no such name: a letter of it is wrong.",
        "Compare it with the cell as it was given.",
        NEVER,
        codes="ImportError ModuleNotFoundError",
    ),
    Row(
        "wrong-arguments",
        "boto3 refused the call before it left: a name is misspelt, missing, or of the "
        "wrong type.",
        "The message names the parameter. Compare with the cell as it was given.",
        NEVER,
        codes="ParamValidationError",
    ),
    Row(
        "queue-name-reserved",
        "SQS keeps a deleted queue's name for a minute.",
        "Wait a minute. `up` does so by itself.",
        PASSES,
        codes="AWS.SimpleQueueService.QueueDeletedRecently QueueDeletedRecently",
    ),
    Row(
        "no-such-queue",
        "There is no queue of this name: only `reliable=True` and `queue=True` make "
        "one.",
        "up(reliable=True): 08_failures.",
        codes="AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist",
    ),
    # What passes
    Row(
        "throttled",
        "Too many calls, or runs, at the same moment. Lambda keeps "
        "trying an event for six hours, and drops it then unless a queue keeps it.",
        "Nothing to mend. If it stays, ask for fewer at a time. A concurrency of 0 is "
        "another matter: it stops the function, and new events are not tried, only "
        "kept where there is a queue for them. `python -m deploy resume` lifts it.",
        PASSES,
        codes="Throttling ThrottlingException ThrottledException "
        "TooManyRequestsException RequestLimitExceeded RequestThrottled SlowDown "
        "BandwidthLimitExceeded",
    ),
    Row(
        "aws-is-busy",
        "Something on AWS's side failed for the moment.",
        "Nothing to mend. boto3 has already tried five times; every step can be run "
        "again.",
        PASSES,
        codes="InternalError InternalFailure InternalServerError ServiceException "
        "ServiceFailure ServiceUnavailable ServiceUnavailableException "
        "RequestTimeout RequestTimeoutException 500 502 503 504",
    ),
    Row(
        "changing-now",
        "Another change of the same thing is under way: yours, a moment ago, or "
        "somebody's.",
        "Nothing to mend: wait some seconds.",
        PASSES,
        codes="OperationAborted OperationAbortedException ResourceInUseException "
        "ConcurrentModification ConcurrentModificationException "
        "ConditionalRequestConflict",
    ),
    Row(
        "you-may-not",
        "Whoever signed this call may not do it here.",
        "The message names who and which action. Ask the account's owner for it; "
        "`plan` prints every policy that this pipeline writes.",
        codes=_DENIED,
    ),
)
