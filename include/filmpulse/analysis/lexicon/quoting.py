def choose_quote(text, bit, level, spans, words):
    return None
