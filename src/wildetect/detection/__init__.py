"""From images to detections: tiles, forward passes, decoding of the outputs, stitching."""
