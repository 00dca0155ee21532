"""A language is a folder of data with three parts, and is in use only when all of them are proved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from cism.domain.escalation import EscalationLevel
from cism.domain.replies import ReadingKind, Sender, read
from cism.errors import ConfigurationError
from cism.services import languages
from cism.services.languages import LanguageRefused, lexicons, prove, use_installed
from cism.settings import Settings
from cism.store.tables import Escalation, Outbox
from notifications import messages as m
from notifications.languages import known
from notifications.render import render
from tests.fakes import portuguese
from tests.services.world import World
from tests.stories.places import metro

MEMBER = Sender(known=True, phone_confirmed=True)
CRY = "Não quero mais viver"


@pytest.fixture(autouse=True)
def only_the_shipped_ones_afterwards(tmp_path: Path) -> Iterator[None]:
    yield
    use_installed(tmp_path / "nowhere")
    assert set(known()) == {"en", "es"}


@pytest.fixture
def sqlite_world(sqlite_url: str) -> Iterator[World]:
    cast = metro("jordan")
    cast.rows["jordan"]["language"] = "pt"
    world = World(sqlite_url, cast)
    yield world
    world.db.close()


def test_a_third_language_is_added_without_touching_code(tmp_path: Path, sqlite_world: World) -> None:
    check_in = m.CheckIn(agency="Metro", name="Jordan", helper="Alex")
    assert render(check_in, "pt").startswith("Hi Jordan, Alex here.")
    assert read(CRY, MEMBER, (), lexicons()).kind is ReadingKind.FREE_TEXT

    portuguese.write(tmp_path)
    use_installed(tmp_path)

    assert render(check_in, "pt") == (
        "Hola Jordan, soy Alex. Resposta opcional. "
        "1 tudo bem, 2 me liga nestes dias, 3 me liga agora, 0 nada mais"
    )
    assert read(CRY, MEMBER, (), lexicons()).level is EscalationLevel.EMERGENCY
    sqlite_world.text("jordan", CRY)
    (opened,) = sqlite_world.rows(Escalation)
    assert opened.level is EscalationLevel.EMERGENCY
    (answer,) = sqlite_world.see(
        lambda session: list(session.scalars(select(Outbox).where(Outbox.kind == "crisis_answer")))
    )
    assert answer.language == "pt"


def test_all_lexicons_in_use_read_every_text_whatever_language_its_sender_reads(tmp_path: Path) -> None:
    portuguese.write(tmp_path)
    use_installed(tmp_path)
    for cry in (CRY, "quiero morir", "I want to die"):
        assert read(cry, MEMBER, (), lexicons()).level is EscalationLevel.EMERGENCY


@pytest.mark.parametrize("part", ["lexicon.yaml", "labelled.yaml", "words.yaml", "check_in.txt.j2"])
def test_a_language_without_one_of_its_parts_is_refused_by_name(tmp_path: Path, part: str) -> None:
    folder = portuguese.write(tmp_path)
    (folder / part).unlink()
    with pytest.raises(LanguageRefused, match=part.partition(".")[0]):
        prove(folder)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lexicon_yaml": portuguese.LEXICON.replace("quero morrer, ", "")}, "pt-check_in-'quero morrer'"),
        (
            {"lexicon_yaml": portuguese.LEXICON.replace("language: pt", "language: fr")},
            "the lexicon is of fr",
        ),
        ({"lexicon_yaml": "a: b: c"}, "is not YAML"),
        ({"lexicon_yaml": "[]"}, "crisis"),
        ({"labelled_yaml": "[]"}, "EMERGENCY: 0 of at least 12 texts"),
        ({"labelled_yaml": "a: b: c"}, "this is not YAML"),
        ({"check_in.txt.j2": "Foi um incidente. 1 tudo bem"}, "pt/check_in: banned word: incidente"),
    ],
)
def test_a_part_that_does_not_prove_itself_is_refused(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(LanguageRefused) as caught:
        prove(portuguese.write(tmp_path, **changed))
    assert said in "\n".join(caught.value.errors)


def test_a_language_that_comes_with_the_product_is_not_replaced(tmp_path: Path) -> None:
    folder = portuguese.write(tmp_path)
    spanish = folder.with_name("es")
    shutil.move(folder, spanish)
    words = (spanish / "words.yaml").read_text().replace("language: pt", "language: es")
    (spanish / "words.yaml").write_text(words)
    with pytest.raises(LanguageRefused, match="es comes with the product"):
        prove(spanish)


def test_nothing_starts_with_a_language_that_nobody_proved(tmp_path: Path) -> None:
    folder = portuguese.write(tmp_path, lexicon_yaml="[]")
    with pytest.raises(ConfigurationError, match="cism languages check"):
        languages.open_database(Settings(home=tmp_path))
    assert "pt" not in known()
    shutil.rmtree(folder)
    languages.open_database(Settings(home=tmp_path)).close()


def test_what_comes_with_the_product_is_proved() -> None:
    assert languages.prove_shipped() == {"en": [], "es": []}
