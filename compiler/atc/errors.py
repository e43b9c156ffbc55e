"""ATC's error messages: codes, titles, templates, and how they look on the screen."""

from __future__ import annotations

import os
from datetime import datetime

# Source: GraphEngine's error_registry.cc; %s are filled in order.
MESSAGES = {
    "E10001": ("Invalid_Argument", "Value {} for parameter {} is invalid. Reason: {}"),
    "E10002": (
        "Invalid_Argument_Tensor_Input_Shape",
        "Value {} for parameter --input_shape is invalid. Reason: {}. The value must be "
        "formatted as {}.",
    ),
    "E10003": ("Invalid_Argument", "Value {} for parameter --{} is invalid. Reason: {}"),
    "E10004": ("Invalid_Argument", "Value for --{} is empty."),
    "E10006": (
        "Invalid_Argument",
        "Value {} for parameter --{} is invalid. The value must be either 1 or 0.",
    ),
    "E10007": ("Invalid_Argument", "--{} is required. The value must be {}."),
    "E10009": (
        "Invalid_Argument_Tensor_Dynamic_Shape",
        "--dynamic_batch_size, --dynamic_image_size, --input_shape_range, and --dynamic_dims are "
        "mutually exclusive.",
    ),
    "E10010": ("Invalid_Argument", "Value {} for parameter --log is invalid."),
    "E10011": (
        "Invalid_Argument_Tensor_Input_Shape",
        "Value {} for parameter --input_shape is invalid. Shape values must be positive integers. "
        "The error value in the shape is {}.",
    ),
    "E10012": (
        "Invalid_Argument_Tensor_Input_Shape",
        "--dynamic_batch_size is included, but the dimension count of the dynamic-shape input "
        "configured in --input_shape is less than 1.",
    ),
    "E10016": (
        "Invalid_Argument_Operator_Name",
        "Op name {} specified in --{} is not found in the model.",
    ),
    "E10018": (
        "Invalid_Argument_Tensor_Dynamic_Shape",
        "Value {} for shape {} is invalid. When --dynamic_batch_size is included, only batch size "
        "N can be -1 in --input_shape.",
    ),
    "E10019": (
        "Invalid_Argument_Tensor_Input_Shape",
        "When --dynamic_image_size is included, only the height and width axes can be -1 in "
        "--input_shape.",
    ),
    "E10020": (
        "Invalid_Argument",
        "Value {} for parameter --dynamic_image_size is invalid.",
    ),
    "E10022": ("Invalid_Argument", "Path {} for parameter --{} does not include the file name."),
    "E10031": (
        "Invalid_Argument_Tensor_Input_Shape",
        "--dynamic_batch_size is included, but none of the nodes specified in --input_shape has a "
        "batch size equaling -1.",
    ),
    "E10035": (
        "Invalid_Argument_Tensor_Dynamic_Shape",
        "--dynamic_batch_size, --dynamic_image_size, or --dynamic_dims has {} profiles, which is "
        "less than the minimum {}.",
    ),
    "E10036": (
        "Invalid_Argument_Tensor_Dynamic_Shape",
        "--dynamic_batch_size, --dynamic_image_size, or --dynamic_dims has {} profiles, which is "
        "greater than the maximum {}.",
    ),
    "E10038": (
        "Invalid_Argument_Tensor_Dynamic_Shape",
        "Dimension size {} is invalid. The value must be greater than 0.",
    ),
    "E10039": (
        "Invalid_Argument_Tensor_Dynamic_Shape",
        "The --dynamic_batch_size, --dynamic_image_size, or --dynamic_dims argument have duplicate "
        "profiles.",
    ),
    "E10040": (
        "Invalid_Argument_Tensor_Input_Shape",
        "As the --dynamic_batch_size, --dynamic_image_size, or --dynamic_dims argument is "
        "included, the corresponding nodes specified in --input_shape must have -1 axes and "
        "cannot have '~'.",
    ),
    "E10041": ("Invalid_Argument_Model", "Failed to load the model from {}."),
    "E10048": (
        "Invalid_Argument",
        "Value {} for parameter --input_shape_range or dynamic_inputs_shape_range is invalid. "
        "Reason: {}. The value must be formatted as {}.",
    ),
    "E10049": (
        "Invalid_Argument_Tensor_Input_Shape",
        "Dimension count {} configured in --input_shape does not match dimension count {} of the "
        "node.",
    ),
    "E10054": (
        "Invalid_Argument",
        "The required parameter {} for ATC is empty. Another possible reason is that the values "
        'of some parameters are not enclosed by quotation marks ("").',
    ),
    "E10055": ("Not_Supported", "The operation is not supported. Reason: {}."),
    "E10056": ("Invalid_Argument", "Cannot configure both parameters {} and {} simultaneously."),
    "E10057": ("Invalid_Argument", "--{} and --{} can only be used together."),
    # GraphEngine's parser reports E11010, its registry no longer has it: the text is ours.
    "E10058": (
        "Invalid_Argument",
        "Parameter {} is not configured or is empty.",
    ),
    "E11010": (
        "Invalid_Argument_Operator",
        "Failed to parse the parameters of Op {} with optype {}. Reason: {}.",
    ),
    "E13005": ("File_Operation_Error_Parse", "Failed to parse file {}."),
    "E13009": (
        "Invalid_Argument_Operator_Name",
        "Operator {} already exists in the graph. Ensure that operator names are unique.",
    ),
    "E13010": (
        "Not_Supported_Operator",
        "No operator plugin is registered for Op: {}, optype: {}.",
    ),
    "E13015": (
        "Invalid_Argument_Invalid_File_Size",
        "File {} has a size of {}, which is out of valid range (0, {}].",
    ),
    "E16001": ("Invalid_Argument_ONNX_Model_Data", "The model has no {} node."),
    "E16004": ("Invalid_Argument_ONNX_Model_Data", "ONNX model has no graph."),
    "EE1011": (
        "Invalid_Argument",
        "rtSetSocVersion failed. Value {} for parameter ver is invalid. Reason: The input SoC "
        "version is not supported.",
    ),
}
INNER = "E19999"


class AtcError(Exception):
    """A mistake on ATC's command line or in its files, with ATC's code; `more` goes below it."""

    def __init__(self, code: str, *arguments: object, more: str = ""):
        title, template = MESSAGES[code]
        super().__init__(template.format(*arguments))
        self.code = code
        self.title = title
        self.more = more


def os_reason(error: OSError) -> str:
    """What the system said of a file, and of which."""
    said = error.strerror or str(error)
    return said if error.filename is None else f"{error.filename}: {said}"


def render(error: AtcError) -> str:
    """The error as ATC prints it."""
    head = f"{_stamp()} {error.title}({error.code}): {error}"
    below = f"\nTraceBack (most recent call last):\n        {error.more}" if error.more else ""
    return f"{head}{below}\n"


def render_inner(message: str) -> str:
    """An error that ATC's catalogue has no code for."""
    return f"{INNER}: Internal error!\n{INNER}{_stamp()}  ({INNER}):  {message}\n"


def _stamp() -> str:
    now = datetime.now()
    time = now.strftime("%Y-%m-%d-%H:%M:%S.")
    return f"[PID: {os.getpid()}] {time}{now.microsecond // 1000:03}.{now.microsecond % 1000:03}"
