"""Models as artefacts that other programs run: SavedModels, ONNX, LiteRT, OpenVINO, .pt2."""
