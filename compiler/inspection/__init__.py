"""Looking into offline models without compiling or loading them: `ascend-opt om …`."""
