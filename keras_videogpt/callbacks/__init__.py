"""What happens while a model trains: checkpoints, TensorBoard, pictures, the state of a run."""

from keras_videogpt.callbacks.averaged_validation import AveragedValidation
from keras_videogpt.callbacks.callback_list import CallbackList
from keras_videogpt.callbacks.codebook_histograms import CodebookHistograms
from keras_videogpt.callbacks.pictures import ReconstructionPictures, SamplePictures, beside
from keras_videogpt.callbacks.run_callbacks import of_run
from keras_videogpt.callbacks.run_checkpoint import RunCheckpoint
from keras_videogpt.callbacks.run_progress import RunProgress
from keras_videogpt.callbacks.run_status import RunStatus
from keras_videogpt.callbacks.run_upload import RunUpload
from keras_videogpt.callbacks.tensorboard import TensorBoard
from keras_videogpt.callbacks.throughput import Throughput
from keras_videogpt.callbacks.validation_frames import ValidationFrames

__all__ = [
    "AveragedValidation",
    "CallbackList",
    "CodebookHistograms",
    "ReconstructionPictures",
    "RunCheckpoint",
    "RunProgress",
    "RunStatus",
    "RunUpload",
    "SamplePictures",
    "TensorBoard",
    "Throughput",
    "ValidationFrames",
    "beside",
    "of_run",
]
