"""The words an attribute may hold that is a choice: ONNX's schemas say them in prose only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_AUTO_PAD = "NOTSET SAME_UPPER SAME_LOWER VALID"
_DIRECTION = "forward reverse bidirectional"
_REDUCTION = "none sum mean"
_SCATTERED = "none add mul max min"
_ACTIVATIONS = (
    "Relu Tanh Sigmoid Affine LeakyRelu ThresholdedRelu ScaledTanh HardSigmoid Elu Softsign"
    " Softplus"
)
_KERNELS = "LINEAR POLY RBF SIGMOID"
_COMPARISONS = "BRANCH_LEQ BRANCH_LT BRANCH_GTE BRANCH_GT BRANCH_EQ BRANCH_NEQ LEAF"
_TRANSFORMS = "NONE SOFTMAX LOGISTIC SOFTMAX_ZERO PROBIT"
_CLASSIFIERS = ("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier")
_REGRESSORS = ("LinearRegressor", "SVMRegressor", "TreeEnsembleRegressor")

_WORDS = {
    **{
        f"{operator} auto_pad": _AUTO_PAD
        for operator in (
            "AveragePool Conv ConvInteger ConvTranspose LpPool MaxPool QLinearConv".split()
        )
    },
    **{f"{operator} direction": _DIRECTION for operator in ("GRU", "LSTM", "RNN")},
    **{f"{operator} activations": _ACTIVATIONS for operator in ("GRU", "LSTM", "RNN")},
    **{f"{operator} post_transform": _TRANSFORMS for operator in (*_CLASSIFIERS, *_REGRESSORS)},
    "BitShift direction": "LEFT RIGHT",
    "Cast round_mode": "up down nearest",
    "CastLike round_mode": "up down nearest",
    "CastMap cast_to": "TO_FLOAT TO_STRING TO_INT64",
    "CastMap map_form": "DENSE SPARSE",
    "CausalConvWithState activation": "none silu swish",
    "DepthToSpace mode": "DCR CRD",
    "Gelu approximate": "none tanh",
    "GridSample mode": "linear nearest cubic bilinear bicubic",
    "GridSample padding_mode": "zeros border reflection",
    "ImageDecoder pixel_format": "RGB BGR Grayscale",
    "LinearAttention update_rule": "linear gated delta gated_delta",
    "NegativeLogLikelihoodLoss reduction": _REDUCTION,
    "Normalizer norm": "MAX L1 L2",
    "Pad mode": "constant reflect edge wrap",
    "Resize coordinate_transformation_mode": (
        "half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric"
        " tf_crop_and_resize tf_half_pixel_for_nn"
    ),
    "Resize keep_aspect_ratio_policy": "stretch not_larger not_smaller",
    "Resize mode": "nearest linear cubic",
    "Resize nearest_mode": "round_prefer_floor round_prefer_ceil floor ceil",
    "RoiAlign coordinate_transformation_mode": "half_pixel output_half_pixel",
    "RoiAlign mode": "avg max",
    "SVMClassifier kernel_type": _KERNELS,
    "SVMRegressor kernel_type": _KERNELS,
    "ScatterElements reduction": _SCATTERED,
    "ScatterND reduction": _SCATTERED,
    "SoftmaxCrossEntropyLoss reduction": _REDUCTION,
    "SpaceToDepth mode": "DCR CRD",
    "StringNormalizer case_change_action": "LOWER UPPER NONE",
    "TensorScatter mode": "linear circular",
    "TfIdfVectorizer mode": "TF IDF TFIDF",
    "TreeEnsembleClassifier nodes_modes": _COMPARISONS,
    "TreeEnsembleRegressor aggregate_function": "AVERAGE SUM MIN MAX",
    "TreeEnsembleRegressor nodes_modes": _COMPARISONS,
    "Upsample mode": "nearest linear bilinear",
}


def words(operator: str, attribute: str) -> tuple[str, ...]:
    """What a text attribute of an ONNX operator, or each text of a list, may say in any opset;
    () where that is free."""
    return _CHOICES.get((operator, attribute), ())


def is_choice(word: str, allowed: Sequence[str], attribute: str) -> bool:
    """Whether a word is one of those allowed."""
    if attribute in ANY_CASE:
        return word.lower() in map(str.lower, allowed)
    return word in allowed


ANY_CASE = {"activations"}
"""Attributes that ONNX Runtime reads in any case, as do we: exporters differ."""


_CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    (key.split()[0], key.split()[1]): tuple(allowed.split()) for key, allowed in _WORDS.items()
}
