import shutil
import struct
import sys
import tempfile
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from support.by_hand import version
from support.moto_cloud import ACCOUNT, REGION
from support.pictures import encoded, exif_of, landscape, swapped_profile
from support.programs import python

from deploy import runtimes
from deploy.errors import LayerError
from deploy.settings import Settings
from deploy.steps import buckets, layer
from deploy.steps.layer import contents, elf, publish
from deploy.steps.layer import wheel as wheels
from handler import make_thumbnail

ROOT = Path(__file__).parents[4]
LIMIT_BYTES = 3_200_000
TEXT_LIMIT_BYTES = 4_750_000


def settings(**given):
    return Settings(account=ACCOUNT, region=REGION, **given)


def here(**given):
    return settings(**runtimes.here() | given)


@pytest.fixture(scope="module")
def built():
    return layer.build(here())


def files_of(built):
    """Read a layer's zip: name → bytes."""
    with zipfile.ZipFile(built.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def files(built):
    return files_of(built)


@pytest.fixture(scope="module")
def compiled(files):
    return {name: code for name, code in files.items() if name.endswith(".pyc")}


def extracted(built, folder):
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(folder)
    return folder / "python"


@pytest.fixture(scope="module")
def unpacked(built, tmp_path_factory):
    return extracted(built, tmp_path_factory.mktemp("opt"))


def run_with(folder, script, *paths):
    """Run a script on this Python with the layer alone: no site-packages."""
    lines = [f"import sys; sys.path[:0] = {[str(p) for p in (folder, *paths)]!r}"]
    done = python("-I", "-S", "-B", "-c", "\n".join([*lines, script]))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# What is in it


def test_the_licences_are_kept(files):
    found = [name for name in files if name.endswith("LICENSE")]
    of_isal = [name for name in found if "isal" in name]
    assert len(of_isal) == (2 if wheels.cached_isal(here()) else 0)
    assert len(found) > len(of_isal)


def test_all_is_under_python_and_codecs_of_other_formats_are_left_out(files):
    assert {name.split("/")[0] for name in files} == {"python"}
    text = " ".join(files)
    assert not [word for word in ("avif", "webp", "_imagingft", "Gif") if word in text]


def test_it_is_small(built):
    if sys.platform != "linux":  # elsewhere all libraries stay
        assert built.path.stat().st_size < 50 * 1024**2
    else:
        assert built.path.stat().st_size <= LIMIT_BYTES


def test_bytecode_is_not_checked_against_its_source(compiled):
    flags = {struct.unpack("<I", code[4:8])[0] for code in compiled.values()}
    of_isal = [name for name in compiled if name.startswith("python/isal/")]
    assert len(compiled) - len(of_isal) == len(contents.MODULES)
    assert flags == {0b01}  # hash-based, unchecked (PEP 552)


def test_bytecode_names_no_folder_of_this_machine(compiled):
    assert all(b"/opt/python" in code for code in compiled.values())
    here = tempfile.gettempdir().encode()
    assert not any(here in code for code in compiled.values())


def test_built_twice_is_the_same_bytes(built, tmp_path):
    wheel = wheels.fetch_wheel(here())
    files = contents.collect(wheel, here(), wheels.fetch_isal(here()))
    contents.write_zip(files, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == built.path.read_bytes()


def test_built_once_is_taken_from_the_folder(built):
    started = time.perf_counter()
    assert layer.build(here()) == built
    assert time.perf_counter() - started < 1


DAMAGES = {
    "empty": lambda zipped: b"",
    "half": lambda zipped: zipped[: len(zipped) // 2],
    "other": lambda zipped: zipped[:9000] + b"damaged" + zipped[9007:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_zip_is_built_anew(built, tmp_path, damage):
    copy = tmp_path / built.path.parent.name
    shutil.copytree(built.path.parent, copy)
    whole = built.path.read_bytes()
    (copy / built.path.name).write_bytes(DAMAGES[damage](whole))
    assert layer.build(here(), tmp_path).path.read_bytes() == whole


# That it works


THUMBNAIL = """
import hashlib, PIL, sys
from handler.picture.render import make_thumbnail

made = make_thumbnail(open({path!r}, "rb").read())
isal = sys.modules.get("isal")
print(hashlib.sha256(made).hexdigest(), PIL.__file__, isal and isal.__file__)
"""


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_handler_makes_the_same_thumbnail_with_it(unpacked, tmp_path, kind):
    """Of a picture with a profile of its own, that lies on its side by its EXIF."""
    exif, profile = exif_of(6), swapped_profile()
    path = tmp_path / "picture"
    path.write_bytes(
        encoded(landscape((900, 700)), kind, exif=exif, icc_profile=profile)
    )
    made, pillow, isal = run_with(
        unpacked, THUMBNAIL.format(path=str(path)), ROOT
    ).split()
    assert made == sha256(make_thumbnail(path.read_bytes())).hexdigest()
    assert Path(pillow).is_relative_to(unpacked)
    if kind == "PNG" and wheels.cached_isal(here()):
        assert Path(isal).is_relative_to(unpacked)


def test_every_module_imports(unpacked):
    modules = sorted(contents.MODULES - {"__init__"})
    script = "import importlib\n" + "".join(
        f"importlib.import_module('PIL.{name}')\n" for name in modules
    )
    assert run_with(unpacked, script + "print('all')") == "all"


def test_bytecode_is_what_is_loaded(unpacked):
    script = "from PIL import Image; print(Image.__cached__, Image.core.__file__)"
    cached, core = run_with(unpacked, script).split()
    assert Path(cached).exists()
    assert Path(core).is_relative_to(unpacked)


def test_without_isal_the_layer_is_another_one(built):
    wheel = wheels.fetch_wheel(here())
    files = contents.collect(wheel, here())
    assert not any("isal" in name for name in files)
    assert publish._identity(wheel, None, here()) != built.identity


# What is refused


@pytest.mark.parametrize(
    ("python", "platform"),
    [
        ("313", "manylinux_2_28_aarch64"),
        ("314", "win_arm64"),
        ("314", "macosx_11_0_arm64"),
        ("314", "manylinux_2_28_x86_64"),
        ("314", "any"),
    ],
)
def test_wheel_for_another_machine(python, platform):
    name = f"pillow-13.0.0-cp{python}-cp{python}-{platform}.whl"
    with pytest.raises(LayerError, match=r"does not fit python3\.14 on arm64"):
        contents.check_tags(name, settings())


def test_wheel_for_a_newer_glibc():
    name = "pillow-13.0.0-cp{0}-cp{0}-manylinux_2_28_aarch64.whl"
    contents.check_tags(name.format(313), settings(runtime="python3.13"))
    with pytest.raises(LayerError, match="does not fit"):
        contents.check_tags(name.format(311), settings(runtime="python3.11"))


def test_damaged_wheel(tmp_path):
    wheel = tmp_path / "pillow-13.0.0-cp314-cp314-manylinux_2_28_aarch64.whl"
    wheel.write_bytes(b"half a file")
    with pytest.raises(LayerError, match=r"damaged.*Delete it"):
        contents.collect(wheel, settings())


def test_a_module_left_out_is_named(monkeypatch):
    monkeypatch.setattr(contents, "MODULES", contents.MODULES - {"TiffTags"})
    with pytest.raises(LayerError, match=r"cannot import name 'TiffTags' from 'PIL'"):
        contents.collect(wheels.fetch_wheel(here()), here())


# Publishing


def test_described_as_it_was_published(cloud, built):
    arn = layer.create(cloud, here())
    found = layer.describe(cloud, here())
    assert arn.endswith(":layer:workbook-pillow:1")
    assert (found.arn, found.version) == (arn, 1)
    assert len(layer.description(built, here())) <= 256  # AWS's limit
    assert found.identity == built.identity
    assert found.runtimes == [runtimes.machine_runtime()]
    assert found.architectures == [runtimes.machine_architecture()]


def pin(wheel, monkeypatch):
    """Take this wheel for the one on PyPI, as a new list of hashes would."""
    known = wheel.with_suffix(".sha256")
    line = f"{sha256(wheel.read_bytes()).hexdigest()}  {wheel.name}\n"
    others = wheels.HASHES.read_text("utf-8").splitlines(keepends=True)
    known.write_text(line + "".join(o for o in others if wheel.name not in o))
    monkeypatch.setattr(wheels, "HASHES", known)


@pytest.mark.slow
def test_back_to_an_older_wheel_describe_agrees_with_create(
    cloud, tmp_path, monkeypatch
):
    place = tmp_path / wheels.target(here())
    place.mkdir()
    wheel = wheels.fetch_wheel(here())
    older = place / wheel.name
    older.write_bytes(wheel.read_bytes())
    first = layer.create(cloud, here(), tmp_path)
    with zipfile.ZipFile(older, "a") as archive:
        archive.comment = b"another wheel of the same name"
    pin(older, monkeypatch)
    assert layer.create(cloud, here(), tmp_path) != first
    older.write_bytes(wheel.read_bytes())
    pin(older, monkeypatch)
    assert layer.create(cloud, here(), tmp_path) == first
    found = layer.describe(cloud, here(), tmp_path)
    assert (found.arn, found.drift) == (first, {})


def test_another_recipe_is_drift(cloud, monkeypatch):
    layer.create(cloud, here())
    monkeypatch.setattr(publish, "RECIPE", -1)
    assert "identity" in layer.describe(cloud, here()).drift


def test_without_a_wheel_the_newest_is_described(cloud, tmp_path):
    arn = layer.create(cloud, here())
    found = layer.describe(cloud, here(), tmp_path)
    assert (found.arn, found.drift) == (arn, {})


@pytest.fixture
def small_limit(cloud, monkeypatch):
    """A source bucket, and a direct limit that every layer is over."""
    monkeypatch.setattr(publish, "DIRECT_LIMIT_BYTES", 1_000)
    buckets.create(cloud, here())
    return cloud


@pytest.mark.parametrize("versioning", ["Suspended", "Enabled"])
def test_a_big_layer_goes_by_way_of_the_source(small_limit, built, versioning):
    cloud, bucket = small_limit, here().source_bucket
    version(cloud, bucket, versioning)
    layer.create(cloud, here())
    published = cloud.awslambda.get_layer_version(
        LayerName=here().layer_name, VersionNumber=1
    )
    assert published["Content"]["CodeSize"] == built.path.stat().st_size
    left = cloud.s3.list_object_versions(Bucket=bucket)
    assert not left.get("Versions") and not left.get("DeleteMarkers")


def test_what_was_sent_goes_when_publishing_fails(small_limit, wire):
    wire.refuse("PublishLayerVersion", "AccessDeniedException", "no", 403)
    with pytest.raises(ClientError, match="AccessDenied"):
        layer.create(small_limit, here())
    answer = small_limit.s3.list_objects_v2(Bucket=here().source_bucket)
    assert answer["KeyCount"] == 0


def test_delete_takes_both_flavours(cloud):
    arn = layer.create(cloud, here(text=True))
    assert "pillow-text" in arn and layer.create(cloud, here()) != arn
    layer.delete(cloud, here())
    assert layer.describe(cloud, here(text=True)) is None
    assert layer.describe(cloud, here()) is None


def test_layer_for_another_processor_is_not_described(cloud):
    layer.create(cloud, here())
    machine = runtimes.machine_architecture()
    other = "arm64" if machine == "x86_64" else "x86_64"
    assert layer.describe(cloud, here(architecture=other)) is None


def test_a_new_identity_is_published(cloud):
    cloud.awslambda.publish_layer_version(
        LayerName="workbook-pillow",
        Description="Pillow of another time",
        Content={"ZipFile": b"zip"},
        CompatibleRuntimes=[runtimes.machine_runtime()],
        CompatibleArchitectures=[runtimes.machine_architecture()],
    )
    assert layer.create(cloud, here()).endswith(":2")
    assert layer.describe(cloud, here()).version == 2


def test_layers_take_no_tags(cloud):
    # If this fails, boto3 has learnt to tag layers: tag ours in `layer.create`.
    model = cloud.awslambda.meta.service_model
    members = model.operation_model("PublishLayerVersion").input_shape.members
    assert not [name for name in members if "tag" in name.lower()]


# With FreeType


@pytest.fixture(scope="module")
def with_text(tmp_path_factory):
    return extracted(layer.build(here(text=True)), tmp_path_factory.mktemp("text"))


WRITE = """
from PIL import Image, ImageDraw, ImageFont, features
image = Image.new("L", (200, 60))
font = ImageFont.load_default(size=40)
ImageDraw.Draw(image).text((5, 5), "Ábc", font=font, fill=255)
print(type(font).__name__, image.getbbox()[3] > 30, features.check("freetype2"))
"""


def test_text_is_written_at_any_size(with_text):
    assert run_with(with_text, WRITE) == "FreeTypeFont True True"


def test_without_it_there_is_no_freetype(unpacked):
    script = "from PIL import features; print(features.check('freetype2'))"
    assert run_with(unpacked, script) == "False"


# From any laptop to every runtime


@pytest.mark.slow
@pytest.mark.parametrize("text", [False, True], ids=["plain", "text"])
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("runtime", sorted(runtimes.RUNTIMES))
def test_layer_for_every_target(runtime, architecture, text):
    built = layer.build(settings(runtime=runtime, architecture=architecture, text=text))
    files = files_of(built)
    elf.check_machine(files, architecture)
    elf.check_glibc(files, runtimes.RUNTIMES[runtime])
    elf.check_complete(files)
    abi = runtimes.RUNTIMES[runtime].abi.replace("cp", "cpython-")
    extensions = contents.EXTENSIONS | contents.TEXT if text else contents.EXTENSIONS
    wanted = {f"python/PIL/{name}.{abi}" for name in extensions}
    wanted |= {f"python/isal/{name}.{abi}" for name in ("_isal", "igzip_lib")}
    found = {name.rpartition(".")[0].rpartition("-")[0] for name in files}
    found = {name.split("-x86_64")[0].split("-aarch64")[0] for name in found}
    assert wanted <= found
    limit = TEXT_LIMIT_BYTES if text else LIMIT_BYTES
    assert built.path.stat().st_size <= limit
