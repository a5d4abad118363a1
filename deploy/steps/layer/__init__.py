"""The layer with Pillow: its wheel fetched, its contents checked, published once."""

from deploy.steps.layer.contents import check_machine as check_machine
from deploy.steps.layer.contents import check_tags as check_tags
from deploy.steps.layer.contents import collect as collect
from deploy.steps.layer.contents import prune as prune
from deploy.steps.layer.contents import write_zip as write_zip
from deploy.steps.layer.publish import LICENCE as LICENCE
from deploy.steps.layer.publish import Layer as Layer
from deploy.steps.layer.publish import build as build
from deploy.steps.layer.publish import check_size as check_size
from deploy.steps.layer.publish import claims as claims
from deploy.steps.layer.publish import create as create
from deploy.steps.layer.publish import delete as delete
from deploy.steps.layer.publish import describe as describe
from deploy.steps.layer.publish import description as description
from deploy.steps.layer.publish import fits as fits
from deploy.steps.layer.publish import fitting as fitting
from deploy.steps.layer.publish import versions as versions
from deploy.steps.layer.wheel import fetch_isal as fetch_isal
from deploy.steps.layer.wheel import fetch_wheel as fetch_wheel
from deploy.steps.layer.wheel import platforms as platforms
from deploy.steps.layer.wheel import requirement as requirement
