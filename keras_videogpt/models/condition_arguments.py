from collections.abc import Sequence
from numbers import Integral

from keras_videogpt.models.checks import check_positive
from keras_videogpt.models.conditions import Conditions


def conditions_of_model(
    video_shape: tuple[int, ...],
    frame_cond: int = 0,
    num_classes: int | None = None,
    action_shape: tuple[int, ...] | None = None,
    num_actions: int | None = None,
    embedding_shape: tuple[int, int] | None = None,
    droppable: bool = False,
    class_names: Sequence[str] | None = None,
) -> Conditions:
    """The conditions of a prior from the arguments of `VideoGPT`, checked.

    Args:
        video_shape: `(T, H, W, C)` of a clip.
        frame_cond, num_classes, action_shape, num_actions, embedding_shape: of `VideoGPT`.
        droppable, class_names: of `Conditions`; names may take the place of `num_classes`.

    Returns:
        A `Conditions`.

    Raises:
        ValueError: naming the argument, what it is and what it may be.

    Example:
        >>> conditions_of_model((16, 64, 64, 3), frame_cond=1, num_classes=5).frames_shape
        (1, 64, 64, 3)
    """
    is_count = isinstance(frame_cond, Integral) and not isinstance(frame_cond, bool)
    if not is_count or not 0 <= frame_cond <= video_shape[0]:
        raise ValueError(
            f"frame_cond must lie in [0, {video_shape[0]}], the frames of a clip; "
            f"got {frame_cond!r}."
        )
    class_names = () if class_names is None else class_names
    if isinstance(class_names, str) or not all(isinstance(name, str) for name in class_names):
        raise ValueError(f"class_names must be a sequence of names; got {class_names!r}.")
    class_names = tuple(class_names)
    if class_names:
        num_classes = num_classes or len(class_names)
        if len(set(class_names)) < len(class_names) or len(class_names) != num_classes:
            raise ValueError(
                f"class_names must be {num_classes} different names, num_classes of them; got "
                f"{list(class_names)}."
            )
    if num_classes is not None:
        check_positive(num_classes=num_classes)
    if num_actions is not None:
        check_positive(num_actions=num_actions)
        if action_shape is None:
            raise ValueError(f"num_actions={num_actions} needs an action_shape; got None.")
    if action_shape is not None:
        action_shape = _as_shape(action_shape, "action_shape", f"({video_shape[0]}, A)")
        check_positive(**{f"action_shape[{i}]": size for i, size in enumerate(action_shape)})
        ranks = (2,) if num_actions is None else (1, 2)
        if len(action_shape) not in ranks or action_shape[0] != video_shape[0]:
            expected = f"({video_shape[0]}, A)" + (
                f" or ({video_shape[0]},)" if num_actions else ""
            )
            raise ValueError(
                f"action_shape must be {expected}, an action for each frame of a clip; "
                f"got {action_shape}."
            )
        if action_shape[0] < 2:
            raise ValueError("action_shape needs clips of two frames or more; they have one.")
    if embedding_shape is not None:
        embedding_shape = _as_shape(embedding_shape, "embedding_shape", "(L, D)")
        check_positive(**{f"embedding_shape[{i}]": size for i, size in enumerate(embedding_shape)})
        if len(embedding_shape) != 2:
            raise ValueError(f"embedding_shape must be (L, D); got {embedding_shape}.")
    conditions = Conditions(
        (frame_cond, *video_shape[1:]) if frame_cond else None,
        num_classes,
        action_shape,
        num_actions,
        embedding_shape,
        droppable,
        class_names,
    )
    if droppable and not conditions.keys:
        raise ValueError("condition_dropout needs a condition to drop; there is none.")
    return conditions


def _as_shape(shape, name, expected):
    if not isinstance(shape, tuple | list):
        raise ValueError(f"{name} must be {expected}; got {shape!r}.")
    return tuple(shape)
