"""What Vaultra talks to: models, databases, blobs, Stripe. None of it reports home."""

import os

# ONNX Runtime tells its maker how it is used, under an id that it keeps in the home directory, unless it is told
# otherwise before it is loaded (its docs/Privacy.md).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
