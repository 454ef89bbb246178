"""Names."""

from __future__ import annotations
import numpy as np


def mark_names(aspects, words, reviews):
    return aspects


def learn_names(texts):
    return ()
