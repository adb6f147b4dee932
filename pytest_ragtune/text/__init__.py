"""Text as the metrics see it: words, sentences, claims and refusals. Standard library only.

Everything here is deterministic, takes any text, and was written for English: other languages are
cut into words and sentences, but their refusals and stop words are not known.
"""

from .attribution import without_attribution as without_attribution
from .refusal import is_refusal as is_refusal
from .splitting import sentences as sentences
from .statements import Statement as Statement
from .statements import claims as claims
from .statements import is_claim as is_claim
from .statements import statements as statements
from .tokens import content_words as content_words
from .tokens import normalise as normalise
from .tokens import words as words
