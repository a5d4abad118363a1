"""Deploy the thumbnail pipeline, to the local cloud or to AWS, with the same calls.

`plan` shows what would be done, `up` does it, `status` looks, `down` removes it all;
`trace` says why an upload came to nothing, `probe` when uploads come through.
One module a step: `buckets`, `role`, `layer`, `function`, `failures`, `queue`,
`trigger`, `alarms`.
"""

from deploy.cloud import Cloud as Cloud
from deploy.cloud import connect as connect
from deploy.errors import DeployError as DeployError
from deploy.failures import replay as replay
from deploy.probing import probe as probe
from deploy.settings import Settings as Settings
from deploy.settings import settings_for as settings_for
from deploy.stack import down as down
from deploy.stack import pause as pause
from deploy.stack import plan as plan
from deploy.stack import resume as resume
from deploy.stack import status as status
from deploy.stack import up as up
from deploy.template import export as export
from deploy.tracing import trace as trace
