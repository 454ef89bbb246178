"""The keyless analyser reads Spanish: its own words, turns of phrase and habits of typing."""

from collections.abc import Sequence

import pytest
from helpers import lexicon

from filmpulse.analysis.lexicon.vocabulary import load_data, plain
from filmpulse.items import Analysis


def read(text: str, language: str | None = "es", cast: Sequence[str] = ()) -> Analysis:
    return lexicon.read(text, language, cast)


def signs(text: str, cast: Sequence[str] = ()) -> dict[str, int]:
    return lexicon.signs_of(read(text, cast=cast))


@pytest.mark.parametrize(
    ("text", "aspect", "sign"),
    [
        ("El guion es flojo y previsible.", "storytelling", -1),
        ("La trama te atrapa desde el primer minuto.", "storytelling", 1),
        ("Se me hizo eterna, dos horas de puro tedio.", "storytelling", -1),
        ("Todo el reparto está soberbio.", "acting", 1),
        ("Los actores sobreactúan sin parar.", "acting", -1),
        ("Qué fotografía más hermosa.", "visuals", 1),
        ("Los efectos dan vergüenza ajena.", "visuals", -1),
        ("La banda sonora es una maravilla.", "sound", 1),
        ("No se entiende lo que dicen, el sonido es pésimo.", "sound", -1),
        ("Un mensaje precioso que te llega al alma.", "themes", 1),
        ("Puro panfleto, un sermón de dos horas.", "themes", -1),
    ],
)
def test_each_aspect_is_praised_and_faulted(text: str, aspect: str, sign: int):
    assert signs(text)[aspect] == sign


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("La trama no es mala.", 1),
        ("La trama no es nada interesante.", -1),
        ("La trama nunca aburre.", 1),
        ("Una trama sin gracia.", -1),
        ("A la trama le falta emoción.", -1),
        ("La trama carece, de principio a fin, de interés.", -1),
        ("La trama es poco original.", -1),
        ("La trama no está mal.", 1),
        ("La trama no tiene desperdicio.", 1),
        ("La trama es un poco lenta, pero al final resulta apasionante.", 1),
    ],
)
def test_negation_lack_and_fixed_phrases(text: str, sign: int):
    assert signs(text)["storytelling"] == sign


def test_no_doubt_and_not_only_turn_nothing():
    assert signs("Sin duda, la música es preciosa.")["sound"] == 1
    assert signs("La música no solo es preciosa, es inolvidable.")["sound"] == 1


def test_each_side_of_a_contrast_keeps_its_own_opinion():
    assert signs("La fotografía es bellísima, pero el guion es un desastre.") == {
        "visuals": 1,
        "storytelling": -1,
    }
    assert signs("A pesar de que la música es horrible, las actuaciones son magníficas.") == {
        "sound": -1,
        "acting": 1,
    }
    assert signs("Las actuaciones son magníficas, aunque la música es horrible.") == {
        "acting": 1,
        "sound": -1,
    }
    assert signs("Mientras que la música es maravillosa, los diálogos dan pena.") == {
        "sound": 1,
        "storytelling": -1,
    }


def test_one_judgement_covers_a_list_of_aspects():
    assert signs("El vestuario, la música y las actuaciones son excelentes.") == {
        "visuals": 1,
        "sound": 1,
        "acting": 1,
    }


def test_a_name_of_the_cast_is_acting():
    text = "La trama aburre. Olmedilla está inolvidable."
    assert "acting" not in signs(text)
    assert signs(text, ["Berta Olmedilla"])["acting"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "Una viuda hereda un faro y encuentra una carta.",
        "La historia de un maestro que llega a un pueblo del norte.",
        "Se ve obligado a vender la casa de su familia.",
    ],
)
def test_retelling_is_no_mention(text: str):
    assert read(text).aspects == ()


@pytest.mark.parametrize(
    "text",
    [
        "LA ACTUACIÓN ES MAGNÍFICA",
        "la actuacion es magnifica",
        "La actuacio\u0301n es magni\u0301fica.",
        "¡La actuación es magnífica!",
        "¡¡¡La actuación, magnífica!!!",
        "«La actuación»: magníficaaa",
        "Fui a verla.La actuación es magnífica.Y me fui",
    ],
)
def test_accents_and_typing_habits_change_no_sign(text: str):
    assert signs(text)["acting"] == 1


def test_a_question_judges_nothing():
    assert read("¿Es magnífica la actuación?").aspects == ()


def test_a_grade_in_the_text_is_read():
    assert read("Un 9 sobre 10").valence > 0 > read("Le pongo un 2 de 10").valence


def test_the_quote_is_cut_from_the_text_itself():
    text = "Título\n\nSalí del cine tarde. ¡Qué música más preciosa, señor! Volveré."
    (aspect,) = [score for score in read(text).aspects if score.aspect == "sound"]
    assert aspect.quote is not None
    assert aspect.quote_start is not None
    assert text[aspect.quote_start :].startswith(aspect.quote)
    assert "música" in aspect.quote


def test_a_spanish_text_of_unknown_language_is_read_as_spanish():
    text = "La película tiene unas actuaciones soberbias y un guion muy flojo."
    assert read(text, language=None) == read(text)


@pytest.mark.parametrize("name", ["aspects", "valence", "grammar"])
def test_words_stand_without_accents_and_capitals(name: str):
    def listed(data: object) -> list[str]:
        if isinstance(data, str):
            return [data]
        if isinstance(data, dict):
            return [word for value in data.values() for word in listed(value)]
        return [word for value in data for word in listed(value)] if isinstance(data, list) else []

    words = {word for entry in listed(load_data("es")[name]) for word in entry.split()}
    assert sorted(word for word in words if plain(word) != word) == []
