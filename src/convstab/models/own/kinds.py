"""The kinds of own models, and what each is told beside classes, mean, std, size and weights."""

KINDS = {
    "python": ("target", "options"),
    "timm": ("name", "pretrained", "options"),
    "hf": ("name", "download"),
    "torchvision": ("name", "pretrained", "options"),
    "onnx": ("path",),
    "export": ("path",),
}
OF_FILES = "onnx", "export"  # whose weights are in the file itself
OF_LIBRARIES = "timm", "torchvision"  # which know how the weights that they bring are normalised
