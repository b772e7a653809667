import tomllib
from pathlib import Path

import pytest
import tomli_w

from core.config import Config, parse_config, presets, read_config
from core.errors import UserError
from core.study import Study
from core.wrong_settings import TOO_DEEP


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def message(study: str, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        read_config(study, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_whole_and_bears_its_files_name(name: str) -> None:
    config = read_config(name)
    assert config.name == name
    assert config.description


def test_quick_is_a_full_grid() -> None:
    students = read_config("quick").students
    assert (len(students.architectures), students.alphas) == (4, [1.0, 0.5, 0.1])


def test_what_a_file_does_not_say_has_a_default(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, 'name = "mine"\n[training]\nepochs = 7\nlearning_rate = 1'))
    assert config.training.epochs == 7
    assert config.training.learning_rate == 1.0
    assert config.teacher.architecture == "resnet101"
    assert config.explain.target == "teacher"
    assert config.measure.top_k == 5


def test_settings_written_and_read_are_the_same(tmp_path: Path) -> None:
    config = read_config("birds", ("students.alphas=[1, 0]", "teacher.weights=imagenet"))
    tree = {**config.model_dump(), "provenance": {"commit": "abc"}}
    assert read_config(write(tmp_path, tomli_w.dumps(tree))) == config, "a study.toml can be run again"


WRONG = {
    "[training]\nepoch = 5": "unknown key training.epoch. There is no key called 'epoch'. Did you mean epochs?",
    "[trainign]\nepochs = 5": "unknown key trainign. There is no key called 'trainign'. Did you mean training?",
    "colour = 5": "unknown key colour. There is no key called 'colour'",
    "[training]\nepochs = 0": "training.epochs: input should be greater than or equal to 1 (found 0)",
    '[training]\nepochs = "5"': "training.epochs: input should be a valid integer (found '5')",
    "[training]\nepochs = true": "training.epochs: input should be a valid integer (found True)",
    "[training]\nepochs = 2.5": "training.epochs: input should be a valid integer (found 2.5)",
    "[training]\nlearning_rate = inf": "training.learning_rate: input should be a finite number (found inf)",
    "[training]\nlearning_rate = nan": "training.learning_rate: input should be",
    "training = 5": "training: input should be a table of settings, [training] (found 5)",
    '[data]\ndataset = "birdz"': "'folder' or 'coco-parts' (found 'birdz'). Did you mean birds?",
    '[data]\ndataset = "cub"': "data.root: the dataset 'cub' needs the folder it lies in",
    "[students]\nalphas = [1.0, 1.5]": "students.alphas.1: input should be less than or equal to 1 (found 1.5)",
    "[students]\nalphas = [0.5]": "students.alphas: 1.0 (no distillation) must be among them",
    "[students]\nalphas = [1.0, 1]": "students.alphas: the same value is there twice (found [1.0, 1",
    "[students]\nalphas = 1.0": "students.alphas: input should be a valid list (found 1.0)",
    "[students]\narchitectures = []": "students.architectures: at least one is needed (found [])",
    "[students]\nseeds = [-1]": "students.seeds.0: input should be greater than or equal to 0 (found -1)",
    f"[students]\nseeds = {list(range(101))}": "students.seeds: at most 100 are taken (found 101)",
    f"[students]\nalphas = {[1 / n for n in range(1, 22)]}": "students.alphas: at most 20 are taken (found 21)",
    f"[students]\narchitectures = {[f'net{n}' for n in range(51)]}": "architectures: at most 50 are taken (found 51)",
    '[data]\ndataset = "folder"\nroot = "a\\u0000b"': r"data.root: there can be no such path (found 'a\x00b')",
    '[teacher]\nweights = "~no-one/x.pth"': "teacher.weights: there can be no such path (found '~no-one/x.pth')",
    '[students]\nweights = "a\\u0000b"': r"students.weights: there can be no such path (found 'a\x00b')",
    '[explain]\nmethods = ["gradcam"]': "input_x_gradient' or 'grad_cam' (found 'gradcam'). Did you mean grad_cam?",
    '[explain]\nmethods = ["salency"]': "(found 'salency'). Did you mean saliency?",
    "[training]\nweight_decay = 2": "training.weight_decay: input should be less than or equal to 1 (found 2",
    "[training]\ntemperature = 1e4": "training.temperature: input should be less than or equal to 1000 (found 10000",
    "[data]\ntrain_images = 3\nclasses = 6": (
        "data.train_images: at least one image of every class is needed (found 3 of 6 classes)"
    ),
    "[training]\nprocesses = 9\nbatch_size = 8": (
        "training.processes: each needs at least one image of a batch (found 9 of 8 images)"
    ),
    "[data]\nimage_size = 8": "data.image_size: input should be greater than or equal to 32 (found 8)",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_key_type_or_value_is_named_with_what_is_allowed(text: str, tmp_path: Path) -> None:
    path = write(
        tmp_path, f'{"" if text.startswith("[") else text}\nname = "x"\n{text if text.startswith("[") else ""}'
    )
    said = message(path)
    assert said.startswith(f"{path}: ")
    assert WRONG[text] in said


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    said = message(write(tmp_path, "[training]\nepochs = 0\n[keep]\nmap = 5"))
    assert "name is missing" in said
    assert "training.epochs" in said
    assert "keep.map" in said


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "x" * 65, "-o"])
def test_a_name_is_fit_for_a_folder(name: str, tmp_path: Path) -> None:
    said = message(write(tmp_path, f'name = "{name}"'))
    assert "name: letters, digits, '-' and '_' only" in said
    assert "pattern" not in said


@pytest.mark.parametrize(
    "content", [b'name = "x', b"[data\n", b"name = 1 2", b"\xff\xfe\x00", b'name = "a"\nname = "b"']
)
def test_what_is_not_toml_is_one_sentence_with_the_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    assert f"{path} cannot be read as settings in TOML" in message(str(path))


@pytest.mark.parametrize("text", ["", " \n", "# all commented out\n"])
def test_a_file_without_settings_says_so(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    assert message(path) == f"{path} cannot be read as settings in TOML: there are no settings in it."
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(UserError, match=r"study\.toml is damaged \(there are no settings in it\)\. Put it back; or"):
        Study(tmp_path)


DEEP = "[" * 3000 + "]" * 3000


def test_settings_nested_too_deeply_are_one_sentence(tmp_path: Path) -> None:
    assert "cannot be read as settings in TOML" in message(write(tmp_path, f"name = {DEEP}"))
    assert message("quick", f"name={DEEP}") == f"--set name: {TOO_DEEP}."
    tree: dict = {}
    for _ in range(3000):
        tree = {"a": tree}
    for wrong in ({"name": "x", "students": {"alphas": [[tree]]}}, {"name": [tree]}, tree):
        with pytest.raises(UserError, match=r"^study\.toml: "):
            parse_config(wrong, Path("study.toml"))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert f"There is no file {tmp_path}/none.toml." in message(f"{tmp_path}/none.toml")
    (tmp_path / "folder.toml").mkdir()
    assert "folder.toml cannot be read" in message(f"{tmp_path}/folder.toml")


def test_an_unknown_preset_has_its_near_matches() -> None:
    assert message("quik") == "There is no preset called 'quik'. Did you mean quick?"
    assert "There is: birds" in message("zzz")


def test_a_path_given_by_hand_is_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = read_config("cub", ("data.root=CUB", "teacher.weights=w/r101.pth", "students.weights=none"))
    assert config.data.root == str(tmp_path / "CUB")
    assert config.teacher.weights == str(tmp_path / "w" / "r101.pth")
    assert config.students.weights == "none"


def test_overrides() -> None:
    config = read_config(
        "quick",
        (
            "training.epochs=2",
            "students.alphas=[1.0, 0.25]",
            "explain.target=own",  # a bare word
            'name = "mine"',
            "data.difficulty = 0",
            "description=a=b",
        ),
    )
    assert config.training.epochs == 2
    assert config.students.alphas == [1.0, 0.25]
    assert config.explain.target == "own"
    assert config.name == "mine"
    assert config.data.difficulty == 0.0
    assert config.description == "a=b"
    assert config.data.image_size == read_config("quick").data.image_size, "the rest stays"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("training.epochs", "--set takes section.key=value, not 'training.epochs'."),
        ("training.epoch=5", "Did you mean epochs?"),
        ("training.epochs=many", "valid integer (found 'many')"),
        ("training.epochs=", "valid integer (found '')"),
        ("name.first=x", "'name' is not a section"),
        ("training.epochs.more=5", "'epochs' is not a section"),
        ("=5", "unknown key"),
        ("students=5", "students: input should be"),
    ],
)
def test_a_wrong_override_is_one_sentence(override: str, said: str) -> None:
    assert said in message("quick", override)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = 'name = "x"\n[data]\ndataset = "folder"\nroot = "photos"\n[teacher]\nweights = "w/r101.pth"'
    config = read_config(write(tmp_path, text), ("students.weights=imagenet",))
    assert config.data.root == str(tmp_path / "photos")
    assert config.teacher.weights == str(tmp_path / "w" / "r101.pth")
    assert config.students.weights == "imagenet"
    tree = tomllib.loads('name = "x"\n[data]\ndataset = "folder"\nroot = "../photos"')
    assert parse_config(tree, tmp_path / "deep" / "study.toml").data.root == str(tmp_path / "photos")
    home = parse_config({"name": "x", "data": {"dataset": "cub", "root": "~/cub"}}, tmp_path / "x.toml")
    assert home.data.root == str(Path("~/cub").expanduser().resolve())


def test_settings_cannot_be_changed_by_accident() -> None:
    with pytest.raises(Exception, match="frozen"):
        Config(name="x").training.epochs = 3  # type: ignore[misc]


def test_the_weight_of_looking_is_an_axis_and_the_old_key_says_where_it_went(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text('name = "old"\n[training]\nexplanation_weight = 0.0\n', encoding="utf-8")
    assert read_config(str(path)) == Config(name="old"), "studies from before are read"
    with pytest.raises(UserError, match=r"write explanation_weights = \[0.0, 2.5\] under \[students\] in its place"):
        read_config(str(path), ("training.explanation_weight=2.5",))
    with pytest.raises(UserError, match=r"students.explanation_weights: 0.0 must be among them"):
        read_config(str(path), ("students.explanation_weights=[1.0]",))
    for wrong in ("[0.0, -1.0]", "[0.0, 0.0]", "[]"):
        with pytest.raises(UserError, match=r"students.explanation_weights"):
            read_config(str(path), (f"students.explanation_weights={wrong}",))
