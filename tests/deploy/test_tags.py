import pytest

from deploy import tags
from deploy.errors import ForeignResourceError
from deploy.settings import TAG


@pytest.mark.parametrize("theirs", [{}, {"owner": "audit"}, {TAG: "another"}])
def test_what_has_not_our_tag_is_not_ours(settings, theirs):
    assert not tags.ours(theirs, settings)
    message = f"role r: it exists and has no tag {TAG}={settings.name}, so it is not"
    with pytest.raises(ForeignResourceError, match=message):
        tags.require_ours(theirs, settings, "role r")


def test_what_has_it_is(settings):
    assert tags.ours(settings.tags | {"owner": "me"}, settings)
    tags.require_ours(settings.tags, settings, "role r")


def test_both_ways_of_writing_tags_are_the_same(settings):
    assert tags.read(tags.listed({"a": "1", "b": "2"})) == {"a": "1", "b": "2"}
