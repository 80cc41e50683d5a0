"""Stored tokens: the codes and conditions of a data set, encoded once and read for every epoch."""

from keras_videogpt.tokens.fingerprint import fingerprint
from keras_videogpt.tokens.store_tokens import store_tokens
from keras_videogpt.tokens.stored_tokens import StoredTokens
from keras_videogpt.tokens.token_folder import TokenFolder

__all__ = ["StoredTokens", "TokenFolder", "fingerprint", "store_tokens"]
