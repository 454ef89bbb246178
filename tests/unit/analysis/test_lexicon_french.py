"""French clauses as people write them: what they name, and which way they judge it."""

import pytest
from helpers import lexicon

from filmpulse.items import Analysis, AspectScore, analysed_text


def read(text: str, language: str | None = "fr") -> Analysis:
    return lexicon.read(text, language)


def signs(text: str) -> dict[str, int]:
    return lexicon.signs_of(read(text))


def quote(text: str, aspect: str) -> AspectScore:
    return lexicon.score_of(read(text), aspect)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Un scénario aux petits oignons, des dialogues ciselés.", {"storytelling": 1}),
        ("L'intrigue est cousue de fil blanc.", {"storytelling": -1}),
        ("Les acteurs surjouent.", {"acting": -1}),
        ("Une distribution impeccable.", {"acting": 1}),
        ("Les paysages sont à couper le souffle.", {"visuals": 1}),
        ("Les effets spéciaux sont ratés.", {"visuals": -1}),
        ("La bande-son est envoûtante.", {"sound": 1}),
        ("La musique est assourdissante.", {"sound": -1}),
        ("Le message est universel.", {"themes": 1}),
        ("Un film moralisateur, sans propos.", {"themes": -1}),
        ("C'est plate, y se passe rien, pis l'histoire tient pas debout.", {"storytelling": -1}),
    ],
)
def test_praise_and_blame_of_each_aspect(text: str, expected: dict[str, int]):
    assert signs(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Le scénario n'est pas bon.",
        "Le scénario est pas bon",
        "Le scénario ne convainc pas.",
        "Le scénario n'est jamais drôle.",
        "Le scénario n'a rien d'original.",
        "Le scénario manque cruellement de finesse.",
        "Le scénario peine à être crédible.",
        "Un scénario sans la moindre originalité.",
        "Le scénario aurait pu être passionnant.",
        "Un scénario qui se veut malin.",
        "Le scénario ne présente aucun intérêt.",
    ],
)
def test_negation_turns_praise(text: str):
    assert signs(text) == {"storytelling": -1}


@pytest.mark.parametrize(
    "text",
    [
        "L'histoire n'est jamais ennuyeuse.",
        "L'histoire n'est pas mal du tout.",
        "L'histoire ne manque pas de charme.",
        "L'histoire avance sans temps mort.",
        "Rien à redire sur l'histoire.",
        "L'histoire n'est que du bonheur.",
    ],
)
def test_negation_turns_blame_and_ne_que_turns_nothing(text: str):
    assert signs(text) == {"storytelling": 1}


def test_each_side_of_a_contrast_keeps_its_own_opinion():
    expected = {"visuals": 1, "storytelling": -1}
    assert signs("Les images sont sublimes, mais le scénario est nul.") == expected
    assert signs("Malgré une photo superbe, l'histoire est ennuyeuse.") == expected
    assert signs("La photo est superbe. En revanche, l'intrigue est nulle.") == expected


def test_a_contrast_put_between_commas_keeps_the_aspect_before_it():
    assert signs("La musique, en revanche, est insupportable.") == {"sound": -1}
    assert signs("Le scénario, lui, tient la route.") == {"storytelling": 1}


@pytest.mark.parametrize(
    "text",
    [
        "Cette œuvre a une musique très réussie",
        "cette oeuvre a une musique tres reussie",
        "CETTE ŒUVRE A UNE MUSIQUE TRÈS RÉUSSIE !!!",
        "Cette œuvre a une musique tre\u0300s re\u0301ussie",
        "«\u00a0Cette œuvre\u00a0» a une musique très réussie\u00a0!",
    ],
)
def test_accents_ligatures_and_french_spacing_change_nothing(text: str):
    assert signs(text) == {"sound": 1}


@pytest.mark.parametrize("apostrophe", ["'", "\u2019"])
def test_an_elided_word_is_two_words(apostrophe: str):
    text = f"J{apostrophe}ai trouvé l{apostrophe}histoire d{apostrophe}un ennui mortel."
    assert signs(text) == {"storytelling": -1}


@pytest.mark.parametrize(
    "text",
    [
        "C'est l'histoire d'une pianiste qui hérite d'un phare.",
        "Le héros joue aux cartes avec un vieux marin et lui raconte la guerre.",
        "Au début, elle ment à son frère ; à la fin, il la retrouve en Bretagne.",
        "Pourquoi refaire une histoire qui était parfaite ?",
    ],
)
def test_retelling_and_asking_judge_nothing(text: str):
    assert read(text).aspects == ()


def test_a_quote_is_what_the_text_says_where_it_says_so():
    text = analysed_text(
        "Bof", "J\u2019y allais confiant… Par contre, la musique est insupportable."
    )
    found = quote(text, "sound")
    assert found.quote == "la musique est insupportable."
    assert found.quote_start == text.index("la musique")


def test_a_quote_drops_every_word_of_the_phrase_that_joined_it():
    text = "Les décors sont beaux, alors que le scénario est nul."
    assert quote(text, "storytelling").quote == "le scénario est nul."


def test_a_text_of_unknown_language_is_read_as_french_and_another_language_is_not():
    text = "Le scénario est nul et les acteurs jouent faux."
    assert read(text, language=None) == read(text)
    assert read(text, language="it").status == "unsupported_language"
    assert read(text).overall == -2
