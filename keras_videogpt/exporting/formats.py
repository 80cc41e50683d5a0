"""The formats that models are exported to, and what each needs."""

import importlib.util
from dataclasses import dataclass

from keras_videogpt.backend import check_installed

LOOP = (
    "To sample, call prior_step once for each of the codes, in row-major order of codes_shape: "
    "position counts from 0, previous is the code before (any code at position 0), cache is zeros "
    "at first and then next_cache of the step before. Draw the code from the softmax of "
    "logits / temperature. The codes in codes_shape go to the decoder."
)
CONDITIONS = (
    "Call conditions once for a batch; all of its outputs go to every prior_step by their names. "
)
GIVEN = (
    "given says for each clip which conditions it has, in the order of conditions; what it has not "
    "may be zeros. For guidance w take two sequences of each clip, with and without its "
    "conditions, and draw from without + w * (with - without) of their logits."
)


@dataclass(frozen=True)
class Format:
    """A format, and how one of its files is run.

    Args:
        backend: of Keras, on which it is written.
        suffix: of its files; none for one folder of all.
        packages: modules that it is written with, besides the backend's.
        usage: how to call what is in a file.
    """

    backend: str
    suffix: str
    packages: tuple[str, ...]
    usage: str


FORMATS = {
    "tf_saved_model": Format(
        "tensorflow",
        "",
        (),
        'tf.saved_model.load(FOLDER).signatures["decode"](codes=codes)["video"], or any server of '
        "SavedModels.",
    ),
    "onnx": Format(
        "tensorflow",
        ".onnx",
        ("onnx", "tf2onnx"),
        'onnxruntime.InferenceSession("decoder.onnx").run(["video"], {"codes": codes})[0]',
    ),
    "litert": Format(
        "tensorflow",
        ".tflite",
        (),
        'ai_edge_litert.interpreter.Interpreter("decoder.tflite").get_signature_runner()'
        '(codes=codes)["video"]',
    ),
    "openvino": Format(
        "tensorflow",
        ".xml",
        ("openvino",),
        'openvino.compile_model("decoder.xml", "CPU")({"codes": codes})["video"]; processors that '
        "have lower precisions compute in them, unless INFERENCE_PRECISION_HINT is f32.",
    ),
    "torch": Format(
        "torch",
        ".pt2",
        (),
        'torch.export.load("decoder.pt2").module()(codes=codes)["video"]; on the CPU',
    ),
}


def check_format(name: str) -> Format:
    """The format of a name, if this environment can write it.

    Args:
        name: a key of `FORMATS`.

    Raises:
        ValueError: there is no such format.
        ImportError: its backend or a package is not installed; the message is what to install.

    Example:
        >>> check_format("tflite")
        Traceback (most recent call last):
        ValueError: format must be one of tf_saved_model, onnx, litert, ...; got 'tflite'.
    """
    if name not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {name!r}.")
    chosen = FORMATS[name]
    check_installed(chosen.backend)
    missing = [one for one in chosen.packages if importlib.util.find_spec(one) is None]
    if missing:
        raise ImportError(
            f"The format {name} needs {' and '.join(missing)}. Install what all formats need with: "
            'pip install "keras_videogpt[export]"'
        )
    return chosen
