"""Changes the weights of a bundle while it serves: `Bundle.load`, `update`, `infer`.

    bundle = Bundle.load("bundle.om")
    bundle.update("weights.safetensors")
    answer = bundle.infer({"image": image})

An update is seen by the runs that begin after it, with all its weights, or by none when it fails.
"""

from runtime.refresh.bundle import Answer, Bundle

__all__ = ["Answer", "Bundle"]
