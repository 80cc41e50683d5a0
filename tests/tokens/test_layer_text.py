import keras
import pytest

from keras_videogpt.data.named_augmentations import NAMED
from keras_videogpt.tokens.layer_text import layer_text


def test_layers_that_do_the_same_have_the_same_text_and_others_do_not():
    texts = {name: layer_text(make()) for name, make in NAMED.items()}
    assert len(set(texts.values())) == len(NAMED)
    assert texts == {name: layer_text(make()) for name, make in NAMED.items()}
    text = layer_text(keras.layers.RandomContrast(0.2))
    assert layer_text(keras.layers.RandomContrast(0.2, seed=3, name="mine")) == text
    assert layer_text(keras.layers.RandomContrast(0.3)) != text
    assert text.startswith("keras.layers.RandomContrast(") and "factor=[0, 0.2]" in text
    assert "dtype='float32'" in text


def test_layers_inside_a_layer_are_in_its_text():
    def pipeline(factor):
        return keras.layers.Pipeline([keras.layers.RandomInvert(factor)])

    assert "RandomInvert(" in layer_text(pipeline(0.5))
    assert layer_text(pipeline(0.5)) == layer_text(pipeline(0.5)) != layer_text(pipeline(0.4))


def test_a_layer_that_cannot_be_told_from_others_is_refused():
    class Custom(keras.Layer):
        def __init__(self, function):
            super().__init__()
            self.function = function

    with pytest.raises(ValueError, match="must have a `get_config`.* Received: Custom"):
        layer_text(Custom(object()))
