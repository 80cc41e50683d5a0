"""A signature of a SavedModel as a model of the Open Inference Protocol."""

import re
import uuid

import numpy as np
import tensorflow as tf
from batcher import Arrays, Batcher, Busy
from grpc_interceptor.exceptions import Unavailable
from kserve import InferOutput, InferRequest, InferResponse, Model
from kserve.errors import InvalidInput
from kserve.utils.numpy_codec import from_np_dtype


class SignatureModel(Model):
    """Checks requests for a signature, runs them in batches, and answers them.

    Args:
        name: the signature's.
        function: the signature, of a SavedModel that is kept alive elsewhere.
        max_clips: the most clips of a request, and of a batch.
        max_waiting: the most clips that wait.
    """

    def __init__(self, name: str, function, max_clips: int, max_waiting: int):
        super().__init__(name)
        self.function = function
        specs = function.structured_input_signature[1].items()
        self.specs = dict(sorted(specs, key=lambda item: (item[1].shape.rank, item[0])))
        self.max_clips = max_clips
        # Inputs without a first axis, as a seed, belong to all of a batch.
        together = all(spec.shape.rank for spec in self.specs.values())
        self.batcher = Batcher(self.run, max_clips, max_waiting, together)
        self.ready = True

    def get_input_types(self) -> list[dict]:
        return [described(name, spec) for name, spec in self.specs.items()]

    def get_output_types(self) -> list[dict]:
        return [described(name, spec) for name, spec in self.function.structured_outputs.items()]

    async def predict(self, payload, headers=None) -> InferResponse:
        inputs = self.checked(payload)
        clips = int(inputs["n"]) if "n" in inputs else len(next(iter(inputs.values())))
        try:
            outputs = await self.batcher.submit(inputs, clips)
        except Busy as error:
            raise Unavailable(str(error)) from error
        answers = []
        for name, array in outputs.items():
            answers.append(InferOutput(name, list(array.shape), from_np_dtype(array.dtype)))
            answers[-1].set_data_from_numpy(array)
        return InferResponse(
            payload.id or str(uuid.uuid4()),
            self.name,
            answers,
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )

    def checked(self, request) -> Arrays:
        """The arrays of a request, or an `InvalidInput` that names what is wrong."""
        if not isinstance(request, InferRequest):
            raise InvalidInput("Only version 2 of the protocol is served: /v2/models/NAME/infer.")
        takes = f"{self.name} takes {', '.join(self.specs)}."
        given = {tensor.name: tensor for tensor in request.inputs}
        if len(given) < len(request.inputs):
            raise InvalidInput(f"inputs: one of them is there twice. {takes}")
        for name in given:
            if name not in self.specs:
                raise InvalidInput(f"{name!r:.80} is not an input. {takes}")
        for name in self.specs:
            if name not in given:
                raise InvalidInput(f"{name} is missing. {takes}")
        for output in request.request_outputs or ():
            if output.name not in self.function.structured_outputs:
                raise InvalidInput(f"outputs: {self.name} has no output {output.name!r:.80}.")
        return {name: self.array(given[name], spec) for name, spec in self.specs.items()}

    def array(self, tensor, spec: tf.TensorSpec) -> np.ndarray:
        """The array of one input, of the signature's dtype and shape."""
        name, datatype, got = tensor.name, datatype_of(spec), tensor.datatype
        if got != datatype:
            raise InvalidInput(f"{name}: datatype {datatype} is needed, got {got:.20}.")
        shape = self.shape(tensor, spec)
        try:
            if isinstance(tensor.data, list) and tensor.data:  # of JSON, where anything may be
                numbers = "iuf" if spec.dtype.is_floating else "iu"
                if np.asarray(tensor.data).dtype.kind not in numbers:
                    raise ValueError("not all of them are numbers of this type")
            array = tensor.as_numpy().reshape(shape)
        except (ValueError, TypeError, OverflowError) as error:
            reason = str(error).rstrip(".")
            message = f"{name}: no values of {datatype} in the shape {shape}: {reason}."
            raise InvalidInput(message) from error
        if name == "n":
            self.check_clips(name, int(array))
        return array

    def shape(self, tensor, spec: tf.TensorSpec) -> list[int]:
        """The shape of one input, which is the signature's; [1] stands for a scalar, too."""
        wanted, shape = spec.shape.as_list(), list(tensor.shape)
        if not wanted and shape == [1]:
            return []
        fits = len(shape) == len(wanted) and all(
            want in (None, got) for want, got in zip(wanted, shape, strict=True)
        )
        if not fits:
            message = f"{tensor.name}: shape {shown(wanted)} is needed, got {shape[:9]}."
            raise InvalidInput(message)
        if wanted:
            self.check_clips(tensor.name, shape[0])
        return shape

    def check_clips(self, name: str, clips: int) -> None:
        if not 1 <= clips <= self.max_clips:
            raise InvalidInput(f"{name}: 1 to {self.max_clips} clips, got {clips}.")

    def run(self, inputs: Arrays) -> Arrays:
        """Runs the signature; what its own checks refuse is the caller's error."""
        try:
            outputs = self.function(**{name: tf.constant(inputs[name]) for name in inputs})
        except tf.errors.InvalidArgumentError as error:
            reason = re.search(r"assertion failed: \[(.*)\]$", str(error), re.MULTILINE)
            raise InvalidInput(reason[1] if reason else str(error).splitlines()[0]) from error
        return {name: value.numpy() for name, value in outputs.items()}


def described(name: str, spec: tf.TensorSpec) -> dict:
    """Metadata of an input or output; a free axis is -1."""
    return {"name": name, "datatype": datatype_of(spec), "shape": shown(spec.shape.as_list())}


def datatype_of(spec: tf.TensorSpec) -> str:
    return from_np_dtype(np.dtype(spec.dtype.as_numpy_dtype))


def shown(shape: list) -> list[int]:
    return [-1 if size is None else size for size in shape]
