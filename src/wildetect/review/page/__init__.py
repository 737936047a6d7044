"""The page on which people look at detections and photographs, and say what they show."""
