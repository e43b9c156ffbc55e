"""GraphEngine's tensor formats: names and numbers, sub-format and C0 code included."""

RESERVED = 40

# Source: `c_types.h` and the names of `type_utils_inner.cc`, which has none for 28.
NAMES = {
    0: "NCHW",
    1: "NHWC",
    2: "ND",
    3: "NC1HWC0",
    4: "FRACTAL_Z",
    5: "NC1C0HWPAD",
    6: "NHWC1C0",
    7: "FSR_NCHW",
    8: "FRACTAL_DECONV",
    9: "C1HWNC0",
    10: "FRACTAL_DECONV_TRANSPOSE",
    11: "FRACTAL_DECONV_SP_STRIDE_TRANS",
    12: "NC1HWC0_C04",
    13: "FRACTAL_Z_C04",
    14: "CHWN",
    15: "DECONV_SP_STRIDE8_TRANS",
    16: "HWCN",
    17: "NC1KHKWHWC0",
    18: "BN_WEIGHT",
    19: "FILTER_HWCK",
    20: "LOOKUP_LOOKUPS",
    21: "LOOKUP_KEYS",
    22: "LOOKUP_VALUE",
    23: "LOOKUP_OUTPUT",
    24: "LOOKUP_HITS",
    25: "C1HWNCoC0",
    26: "MD",
    27: "NDHWC",
    29: "FRACTAL_NZ",
    30: "NCDHW",
    31: "DHWCN",
    32: "NDC1HWC0",
    33: "FRACTAL_Z_3D",
    34: "CN",
    35: "NC",
    36: "DHWNC",
    37: "FRACTAL_Z_3D_TRANSPOSE",
    38: "FRACTAL_ZN_LSTM",
    39: "FRACTAL_Z_G",
    RESERVED: "FORMAT_RESERVED",
    41: "ALL",
    42: "NULL",
    43: "ND_RNN_BIAS",
    44: "FRACTAL_ZN_RNN",
    45: "NYUV",
    46: "NYUV_A",
    47: "NCL",
    48: "FRACTAL_Z_WINO",
    49: "C1HWC0",
    50: "FRACTAL_NZ_C0_16",
    51: "FRACTAL_NZ_C0_32",
    52: "FRACTAL_NZ_C0_2",
    53: "FRACTAL_NZ_C0_4",
    54: "FRACTAL_NZ_C0_8",
}
NUMBERS = {name: number for number, name in NAMES.items()}

MAX_SUB_FORMAT = 0xFFFF


def pack_format(primary: int, sub: int = 0, c0: int = 0) -> int:
    """The number of a format with a sub-format (such as groups) and a C0 code."""
    return primary | sub << 8 | c0 << 24


def unpack_format(number: int) -> tuple[int, int, int]:
    """The primary format, sub-format and C0 code of a number."""
    return number & 0xFF, number >> 8 & MAX_SUB_FORMAT, number >> 24 & 0xF


def format_name(number: int) -> str:
    """The name GraphEngine serializes: `NAME`, or `NAME:<sub>` with a sub-format, never the C0."""
    primary, sub, _ = unpack_format(number)
    name = NAMES.get(primary, "RESERVED")
    return f"{name}:{sub}" if sub else name


def format_number(name: str) -> int:
    """The number of `NAME` or `NAME:<sub>`; ValueError for a name GraphEngine does not know."""
    primary, colon, sub = name.partition(":")
    if primary not in NUMBERS or (colon and not _is_sub_format(sub)):
        raise ValueError(f"unknown format {name!r}; expected a name such as NCHW or FRACTAL_Z:2")
    return pack_format(NUMBERS[primary], int(sub or 0))


def _is_sub_format(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) <= MAX_SUB_FORMAT
