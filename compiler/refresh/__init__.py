"""Weight packs: the weights that differ between two versions of a model, in a safetensors file."""
