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
OF_RUNS = {  # those that can be trained, and what a run says of each, by which it is made again
    "python": ("target", "options"),
    "timm": ("name", "options"),
    "hf": ("name", "config"),
    "torchvision": ("name", "options"),
}
OF_LIBRARIES = "timm", "torchvision"  # which know how the weights that they bring are normalised
