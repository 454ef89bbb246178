"""Nothing private is left of any page in any form: it is cleaned, or it is not to be stored."""

from __future__ import annotations

import pytest
from private import CASES, FORMS, page, told

from filmpulse.errors import BadInput, NotCleaned, NotImdb, SiteUnavailable
from filmpulse.sources.imdb.clean import clean_page
from filmpulse.sources.imdb.files import find_fault
from filmpulse.sources.imdb.saved import unwrap

SECRET = b"fixture-secret"
HTML_CASES = [case for case in CASES if not case.startswith(("imdb.GraphQL", "imdb.Sugg"))]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", HTML_CASES)
def test_a_cleaned_page_tells_of_nobody(case, form):
    content = FORMS[form](page(case))
    try:
        text = unwrap(content).text
        if isinstance(find_fault(text), SiteUnavailable):
            return  # half a page, which may lack what says that a name is one
        cleaned = [clean_page(text, SECRET), clean_page(text)]
    except (NotCleaned, NotImdb, BadInput) as error:
        assert not told(str(error))
        return
    for one in cleaned:
        assert told(one) == []
    assert clean_page(cleaned[0], SECRET) == cleaned[0]
