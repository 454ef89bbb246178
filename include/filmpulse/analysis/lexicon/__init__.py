"""The keyless analyser."""

from filmpulse.analysis.lexicon.analyser import LexiconAnalyser
from filmpulse.analysis.lexicon.names import learn_names

__all__ = ["LexiconAnalyser", "learn_names"]
