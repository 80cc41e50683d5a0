"""What happens while a model trains: checkpoints, TensorBoard, pictures."""

from keras_videogpt.callbacks.averaged_validation import AveragedValidation
from keras_videogpt.callbacks.pictures import ReconstructionPictures, SamplePictures, beside
from keras_videogpt.callbacks.run_checkpoint import RunCheckpoint
from keras_videogpt.callbacks.run_upload import RunUpload
from keras_videogpt.callbacks.tensorboard import TensorBoard

__all__ = [
    "AveragedValidation",
    "ReconstructionPictures",
    "RunCheckpoint",
    "RunUpload",
    "SamplePictures",
    "TensorBoard",
    "beside",
]
