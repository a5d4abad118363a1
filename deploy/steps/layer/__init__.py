"""The layer with Pillow: its wheel fetched, its contents checked, published once."""

from deploy.steps.layer.publish import LICENCE as LICENCE
from deploy.steps.layer.publish import build as build
from deploy.steps.layer.publish import check_size as check_size
from deploy.steps.layer.publish import create as create
from deploy.steps.layer.publish import delete as delete
from deploy.steps.layer.publish import describe as describe
from deploy.steps.layer.publish import description as description
from deploy.steps.layer.publish import prepare as prepare
