"""Where the demo keeps its data (`retrigger demo --dir`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SettingsError
from retrigger.demo.folder import MADE_BY, folder
from tests.integration.retrigger.conftest import StartProcess
from tests.support.front import Front


def test_the_demo_writes_nothing_into_a_folder_of_somebodys_own(front: Front, start: StartProcess):
    settings = front.settings.read_text()

    process = start("demo", "--dir", ".", RETRIGGER_LOCAL_SLACK=str(front.folder / "nothing"))

    assert process.code() == 1
    assert "is not the demo's; name an empty folder, a new one, or that of an earlier demo." in process.said
    assert front.settings.read_text() == settings
    assert not (front.folder / "retrigger.db").exists()


@pytest.mark.parametrize("exists", [True, False])
def test_an_empty_a_new_and_its_own_folder_are_taken_and_kept(tmp_path: Path, exists: bool):
    given = tmp_path if exists else tmp_path / "new"
    with folder(given) as place:
        place.mkdir(exist_ok=True)
        (place / "retrigger.yaml").write_text(f"{MADE_BY}\nlease: 5s\n")
    with folder(given) as again:
        assert (again / "retrigger.yaml").exists()

    (given / "retrigger.yaml").rename(given / "other.yaml")

    with pytest.raises(SettingsError), folder(given):
        pass


def test_without_one_it_has_a_folder_that_goes():
    with folder(None) as own:
        assert own.is_dir()
    assert not own.exists()
