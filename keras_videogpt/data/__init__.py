"""Sources of videos, clips cut from them, and the pipelines that feed models."""

from keras_videogpt.data.array_videos import ArrayVideos
from keras_videogpt.data.augmentation import Augmentation
from keras_videogpt.data.clips import Clips
from keras_videogpt.data.digits import load_digits
from keras_videogpt.data.embedded_clips import EmbeddedClips
from keras_videogpt.data.hdf5_videos import HDF5Videos
from keras_videogpt.data.hdf5_writer import write_hdf5
from keras_videogpt.data.moving_mnist import MovingMNISTVideos
from keras_videogpt.data.open_videos import open_videos
from keras_videogpt.data.pipeline import dataset
from keras_videogpt.data.pushing import record_pushing, replay_pushing
from keras_videogpt.data.store import VideoStore
from keras_videogpt.data.tfds_videos import TFDSVideos
from keras_videogpt.data.transforms import (
    center_crop,
    horizontal_flip,
    random_crop,
    resize_shorter_side,
)
from keras_videogpt.data.video_file import VideoError, read_video
from keras_videogpt.data.video_folder import VideoFolder
from keras_videogpt.data.video_grid import contact_sheet, tile_videos
from keras_videogpt.data.video_writer import (
    write_gif,
    write_mkv_lossless,
    write_mp4,
    write_npz,
    write_video,
)
from keras_videogpt.data.vizdoom import record_vizdoom, replay_vizdoom

__all__ = [
    "ArrayVideos",
    "Augmentation",
    "Clips",
    "EmbeddedClips",
    "HDF5Videos",
    "MovingMNISTVideos",
    "TFDSVideos",
    "VideoError",
    "VideoFolder",
    "VideoStore",
    "center_crop",
    "contact_sheet",
    "dataset",
    "horizontal_flip",
    "load_digits",
    "open_videos",
    "random_crop",
    "read_video",
    "record_pushing",
    "record_vizdoom",
    "replay_pushing",
    "replay_vizdoom",
    "resize_shorter_side",
    "tile_videos",
    "write_gif",
    "write_hdf5",
    "write_mkv_lossless",
    "write_mp4",
    "write_npz",
    "write_video",
]
