"""How well detections agree with labelled pictures."""
