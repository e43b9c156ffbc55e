"""The words an attribute may hold that is a choice: ONNX's schemas say them in prose only."""

from __future__ import annotations

from collections.abc import Mapping

_AUTO_PAD = "NOTSET SAME_UPPER SAME_LOWER VALID"
_DIRECTION = "forward reverse bidirectional"
_REDUCTION = "none sum mean"
_SCATTERED = "none add mul max min"

_WORDS = {
    **{
        f"{operator} auto_pad": _AUTO_PAD
        for operator in (
            "AveragePool Conv ConvInteger ConvTranspose LpPool MaxPool QLinearConv".split()
        )
    },
    **{f"{operator} direction": _DIRECTION for operator in ("GRU", "LSTM", "RNN")},
    "BitShift direction": "LEFT RIGHT",
    "DepthToSpace mode": "DCR CRD",
    "Gelu approximate": "none tanh",
    "GridSample mode": "linear nearest cubic bilinear bicubic",
    "GridSample padding_mode": "zeros border reflection",
    "NegativeLogLikelihoodLoss reduction": _REDUCTION,
    "Pad mode": "constant reflect edge wrap",
    "Resize coordinate_transformation_mode": (
        "half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric"
        " tf_crop_and_resize tf_half_pixel_for_nn"
    ),
    "Resize mode": "nearest linear cubic",
    "Resize nearest_mode": "round_prefer_floor round_prefer_ceil floor ceil",
    "RoiAlign coordinate_transformation_mode": "half_pixel output_half_pixel",
    "RoiAlign mode": "avg max",
    "ScatterElements reduction": _SCATTERED,
    "ScatterND reduction": _SCATTERED,
    "SoftmaxCrossEntropyLoss reduction": _REDUCTION,
    "SpaceToDepth mode": "DCR CRD",
    "StringNormalizer case_change_action": "LOWER UPPER NONE",
    "TensorScatter mode": "linear circular",
    "Upsample mode": "nearest linear bilinear",
}


def words(operator: str, attribute: str) -> tuple[str, ...]:
    """What a text attribute of an ONNX operator may say in any opset; () where that is free."""
    return _CHOICES.get((operator, attribute), ())


_CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    (key.split()[0], key.split()[1]): tuple(allowed.split()) for key, allowed in _WORDS.items()
}
