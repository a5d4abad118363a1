"""Deploy the thumbnail pipeline, to the local cloud or to AWS, with the same calls.

`plan` shows what would be done, `up` does it, `status` looks, `down` removes it all;
`trace` says why an upload came to nothing, `probe` when uploads come through.
Each takes a cloud, `connect()` if left out; settings, those of the pipeline that stands
if left out; and fields of `Settings` by name, as in `up(name="photos")`.
The eight steps stand in `steps`, each a module with the same verbs.
"""

from deploy import cost as cost
from deploy import logs as logs
from deploy import notifications as notifications
from deploy import runtimes as runtimes
from deploy.cloud import Cloud as Cloud
from deploy.cloud import connect as connect
from deploy.configure import settings_for as settings_for
from deploy.errors import DeployError as DeployError
from deploy.operations.backfill import backfill as backfill
from deploy.operations.batch import batch as batch
from deploy.operations.export import export as export
from deploy.operations.probe import probe as probe
from deploy.operations.replay import link as link
from deploy.operations.replay import replay as replay
from deploy.pipeline import down as down
from deploy.pipeline import pause as pause
from deploy.pipeline import plan as plan
from deploy.pipeline import resume as resume
from deploy.pipeline import status as status
from deploy.pipeline import up as up
from deploy.settings import Settings as Settings
from deploy.steps import function as function
from deploy.steps import layer as layer
from deploy.steps import queue as queue
from deploy.steps import role as role
from deploy.steps import trigger as trigger
from deploy.tracing import trace as trace
from deploy.waiting import retry as retry
from deploy.waiting import until as until
