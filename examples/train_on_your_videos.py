"""Trains a tokenizer and a prior on a folder of videos, in Python instead of on the command line.

    python examples/train_on_your_videos.py videos --out output

`videos` holds avi, mp4, webm, mov, mkv or gif files. With the defaults and the videos that
`keras-videogpt data vizdoom --out videos --episodes 120` records, it takes less than twenty minutes
on two CPU cores with TensorFlow; expect a `val_reconstruction_loss` of about 0.22, a PSNR of about
28 dB and about 3.7 `val_bits_per_code`. `output` then holds both models, reconstructions, samples.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_videogpt as kvg
from keras_videogpt.callbacks import beside

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("videos")
parser.add_argument("--out", default="output", type=Path)
parser.add_argument("--frames", type=int, default=8)
parser.add_argument("--size", type=int, default=64)
parser.add_argument("--hidden-units", type=int, default=64)
parser.add_argument("--tokenizer-epochs", type=int, default=100)
parser.add_argument("--prior-epochs", type=int, default=50)
args = parser.parse_args()
args.out.mkdir(parents=True)

# Every epoch takes one clip, starting anywhere, from each training video.
clips = kvg.data.Clips(kvg.data.open_videos(args.videos, "train"), args.frames, args.size)
held_out = kvg.data.Clips(
    kvg.data.open_videos(args.videos, "test"), args.frames, args.size, start="first"
)
training = kvg.data.dataset(clips, batch_size=8, shuffle=True)
validation = kvg.data.dataset(held_out, batch_size=8)

vqvae = kvg.VQVAE(
    video_shape=(args.frames, args.size, args.size, 3),
    downsample=(2, 4, 4),
    num_codes=512,
    code_dim=32,
    hidden_units=args.hidden_units,
    num_residual_layers=2,
    axial_attention=False,  # worth its time in longer training
    ema_decay=0.95,
    data_variance=clips.variance(),
)
vqvae.compile(optimizer=keras.optimizers.Adam(1e-3))
vqvae.fit(training, validation_data=validation, epochs=args.tokenizer_epochs)
vqvae.save(args.out / "vqvae.keras")

originals = np.stack([held_out[i]["video"] for i in range(min(4, len(held_out)))])
reconstructions = kvg.layers.to_uint8(vqvae.decode(vqvae.encode(originals)))
print(f"PSNR {kvg.metrics.psnr(originals, reconstructions).mean():.2f} dB")
kvg.data.write_video(args.out / "reconstruction.gif", beside(originals, reconstructions))

gpt = kvg.VideoGPT(vqvae, num_layers=4, num_heads=4, hidden_dim=128, dropout=0.0)
gpt.compile(optimizer=keras.optimizers.Adam(1e-3))
gpt.fit(training, validation_data=validation, epochs=args.prior_epochs)
gpt.save(args.out / "videogpt.keras")

kvg.data.write_video(args.out / "samples.gif", kvg.sample(gpt, n=8, seed=0))
print(f"Wrote vqvae.keras, videogpt.keras, reconstruction.gif and samples.gif to {args.out}.")
