"""Trains the demo's detector on rendered scenes and exports it as ONNX.

The scenes have seeds of their own: none of the shipped pictures is learned from.
Run after render_scenes.py: python tools/train_detector.py
"""

from __future__ import annotations

import argparse
import copy
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from animals import CLASS_NAMES
from export import export
from losses import Targets, detection_loss
from measure_detector import open_session
from network import Detector, all_middles
from render_scenes import SHIPPED_SEEDS
from scoring import Forward, Found, Score, compare, detect, total
from solids import chance
from training_scenes import LabelledScene, load_scenes

TRAINING_SEEDS = range(100_000, 100_260)
VALIDATION_SEEDS = range(200_000, 200_016)
CROP = 320
"""Side of a training picture, px."""

KEEP_EVERY = 100
"""Steps between checkpoints."""

TO_BE_FOUND, TO_BE_LEFT = 0.64, 0.56
"""An animal is to be found when that share of its box is in the crop; below the second
share it is background; between the two it is ignored. A tile's neighbours show whole
what the tile cuts."""

CONFIDENCES = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)

BALANCE = 0.35
"""Confidence at which precision and recall are to be in balance."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        steps: batches in all.
        minutes: time after which the schedule has run its course whatever the step.
        first: step to begin at, more than 0 when going on from a checkpoint.
        batch: crops a step.
        rate: highest learning rate.
        warm_up: steps of linear rise after the begin.
        decay: weight decay.
    """

    steps: int
    minutes: float
    first: int = 0
    batch: int = 12
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 0.02

    def progress(self, step: int, seconds: float) -> float:
        """Share of the schedule that is done, 1 at its end."""
        start = self.first / self.steps
        return max(step / self.steps, start + (1 - start) * seconds / (60 * self.minutes))

    def rate_at(self, step: int, progress: float) -> float:
        """Learning rate: a linear rise, then half a cosine down to a hundredth."""
        rise = min(1.0, (step - self.first + 1) / self.warm_up)
        return self.rate * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


@dataclass(frozen=True)
class Crop:
    """A training picture (side, side, 3) uint8, its animals' boxes and visible shares."""

    picture: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    shares: NDArray[np.float32]


def cut(scene: LabelledScene, rng: np.random.Generator) -> Crop:
    """Cuts a random square, mostly around an animal, half of the time a little rescaled."""
    side = int(rng.integers(288, 357)) if chance(rng, 0.5) else CROP
    height, width = scene.picture.shape[:2]
    if len(scene.boxes) and chance(rng, 0.75):
        weights = np.array([1.2, 1.0, 1.0])[scene.class_ids]
        box = scene.boxes[rng.choice(len(scene.boxes), p=weights / weights.sum())]
        middle = (box[:2] + box[2:]) / 2 + rng.uniform(-0.5, 0.5, 2) * side
        left, top = (middle - side / 2).astype(int)
    else:
        left, top = rng.integers(0, width - side), rng.integers(0, height - side)
    left, top = int(np.clip(left, 0, width - side)), int(np.clip(top, 0, height - side))
    shifted = scene.boxes - np.array([left, top, left, top], dtype=np.float32)
    inside = np.clip(shifted, 0, side)
    areas = (shifted[:, 2:] - shifted[:, :2]).prod(axis=1)
    shares = (inside[:, 2:] - inside[:, :2]).prod(axis=1) / areas
    seen = shares > 0
    picture = scene.picture[top : top + side, left : left + side]
    if side != CROP:
        image = Image.fromarray(picture).resize((CROP, CROP), Image.Resampling.BILINEAR)
        picture = np.asarray(image)
    boxes = (inside[seen] * np.float32(CROP / side)).astype(np.float32)
    return Crop(picture, boxes, scene.class_ids[seen], shares[seen])


def vary(crop: Crop, rng: np.random.Generator) -> Crop:
    """Flips and turns the crop and changes its brightness, contrast and tint."""
    picture, boxes = crop.picture, crop.boxes.copy()
    if chance(rng, 0.5):
        picture, boxes = picture[:, ::-1], boxes * (-1, 1, -1, 1) + (CROP, 0, CROP, 0)
        boxes = boxes[:, [2, 1, 0, 3]]
    if chance(rng, 0.5):
        picture, boxes = picture[::-1], boxes * (1, -1, 1, -1) + (0, CROP, 0, CROP)
        boxes = boxes[:, [0, 3, 2, 1]]
    if chance(rng, 0.5):
        picture, boxes = picture.transpose(1, 0, 2), boxes[:, [1, 0, 3, 2]]
    gain = rng.uniform(0.82, 1.2) * rng.uniform(0.95, 1.05, 3)
    mean = picture.mean()
    shifted = (picture.astype(np.float32) - mean) * rng.uniform(0.85, 1.18) + mean
    picture = np.clip(shifted * gain.astype(np.float32), 0, 255).astype(np.uint8)
    return Crop(picture, boxes.astype(np.float32), crop.class_ids, crop.shares)


def collate(crops: Sequence[Crop]) -> tuple[Tensor, Targets]:
    """A batch: pictures (b, 3, side, side) of 0 to 1, and the animals."""
    pictures = np.stack([crop.picture for crop in crops]).transpose(0, 3, 1, 2)
    most = max(1, *(len(crop.boxes) for crop in crops))
    boxes = np.zeros((len(crops), most, 4), dtype=np.float32)
    class_ids = np.zeros((len(crops), most), dtype=np.int64)
    shares = np.zeros((len(crops), most), dtype=np.float32)
    for i, crop in enumerate(crops):
        count = len(crop.boxes)
        boxes[i, :count], class_ids[i, :count] = crop.boxes, crop.class_ids
        shares[i, :count] = crop.shares
    share = torch.from_numpy(shares)
    real = share >= TO_BE_LEFT
    ignored = real & (share < TO_BE_FOUND)
    targets = Targets(torch.from_numpy(boxes), torch.from_numpy(class_ids), real, ignored)
    return torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255, targets


def batches(
    scenes: Sequence[LabelledScene], schedule: Schedule, seed: int
) -> Iterator[tuple[Tensor, Targets]]:
    """Endless random batches."""
    rng = np.random.default_rng([seed, 3])
    while True:
        picked = rng.integers(0, len(scenes), schedule.batch)
        yield collate([vary(cut(scenes[i], rng), rng) for i in picked])


def follow(average: Detector, model: Detector, step: int) -> None:
    """Moves the running average of the weights towards the model."""
    keep = min(0.998, (1 + step) / (10 + step))
    pairs = zip(average.state_dict().values(), model.state_dict().values(), strict=True)
    with torch.no_grad():
        for slow, fast in pairs:
            if slow.dtype.is_floating_point:
                slow.lerp_(fast, 1 - keep)
            else:
                slow.copy_(fast)


def optimizer_for(model: Detector, schedule: Schedule) -> torch.optim.Optimizer:
    """AdamW that decays the weights of convolutions and nothing else."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    free = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": schedule.decay}, {"params": free}]
    return torch.optim.AdamW(groups, lr=schedule.rate, weight_decay=0.0)


def train(
    model: Detector, scenes: Sequence[LabelledScene], schedule: Schedule, seed: int, checkpoint: Path
) -> Detector:
    """Learns from scenes.

    Args:
        model: the detector to begin with; it is changed.
        scenes: what to learn from.
        schedule: how long and how fast.
        seed: of the crops.
        checkpoint: file that receives the average every `KEEP_EVERY` steps.

    Returns:
        The running average of the weights, ready for use.
    """
    average: Detector = copy.deepcopy(model).eval()
    optimizer, cells = optimizer_for(model, schedule), all_middles(CROP, CROP)
    source = batches(scenes, schedule, seed + schedule.first)
    begun, step, recent = time.monotonic(), schedule.first, list[float]()
    while (progress := schedule.progress(step, time.monotonic() - begun)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_at(step, progress)
        pictures, targets = next(source)
        boxes, logits = model.train().raw(pictures)
        loss = detection_loss(boxes, logits, cells, targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        follow(average, model, step)
        recent.append(float(loss.detach()))
        step += 1
        if step % KEEP_EVERY == 0:
            mean, spent = sum(recent) / len(recent), time.monotonic() - begun
            print(f"step {step} ({progress:.0%}) loss {mean:.3f} {spent:.0f} s", flush=True)
            torch.save({"step": step, "weights": average.state_dict()}, checkpoint)
            recent.clear()
    print(f"ended after step {step}")
    return average


def validate(scenes: Sequence[LabelledScene], forward: Forward) -> dict[float, list[Score]]:
    """Scores on whole scenes at each of `CONFIDENCES`; animals mostly outside do not count."""
    each: dict[float, list[list[Score]]] = {confidence: [] for confidence in CONFIDENCES}
    for scene in scenes:
        height, width = scene.picture.shape[:2]
        inside = np.clip(scene.boxes, 0, (width, height, width, height)).astype(np.float32)
        areas = (scene.boxes[:, 2:] - scene.boxes[:, :2]).prod(axis=1)
        seen = (inside[:, 2:] - inside[:, :2]).prod(axis=1) >= 0.5 * areas
        ones = np.ones(int(seen.sum()), dtype=np.float32)
        truth = Found(inside[seen], scene.class_ids[seen], ones)
        found = detect(scene.picture, forward, min(CONFIDENCES))
        for confidence, scores in each.items():
            scores.append(compare(found, truth, confidence, len(CLASS_NAMES)))
    return {confidence: total(scores) for confidence, scores in each.items()}


def calibrate(model: Detector, scenes: Sequence[LabelledScene]) -> None:
    """Shifts all scores so that the best confidence on `scenes` (largest F1) becomes `BALANCE`.

    The order of the scores stays as it is, so only the number to ask for changes.
    """

    def forward(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(model(torch.from_numpy(pictures)).numpy())

    every = {confidence: scores[-1] for confidence, scores in validate(scenes, forward).items()}
    best = max(every, key=lambda at: every[at].right / (every[at].detected + every[at].animals))
    shift = math.log(BALANCE / (1 - BALANCE)) - math.log(best / (1 - best))
    with torch.no_grad():
        for layer in model.scores:
            layer.bias += shift
    print(f"best confidence {best:.2f} becomes {BALANCE:.2f}")


def main() -> None:
    """Renders scenes, trains, exports and validates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    demo = Path(__file__).resolve().parent.parent / "demo"
    scenes = Path(tempfile.gettempdir()) / "wildetect-training-scenes"
    parser.add_argument("--output", type=Path, default=demo, help="folder (default: demo)")
    parser.add_argument("--scenes", type=Path, default=scenes, help="kept scenes (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--steps", type=int, default=2600, help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=60.0, help="at most (%(default)s)")
    parser.add_argument("--resume", type=Path, help="checkpoint to go on from")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    arguments = parser.parse_args()
    used = {*TRAINING_SEEDS, *VALIDATION_SEEDS}
    if used & SHIPPED_SEEDS or set(TRAINING_SEEDS) & set(VALIDATION_SEEDS):
        parser.error("a scene is used twice: the seeds must be apart")
    torch.set_num_threads(arguments.threads)
    unseen = load_scenes(VALIDATION_SEEDS, arguments.scenes, arguments.threads)
    learned = load_scenes(TRAINING_SEEDS, arguments.scenes, arguments.threads)
    torch.manual_seed(arguments.seed)
    model, first = Detector(len(CLASS_NAMES)), 0
    if arguments.resume:
        stored = torch.load(arguments.resume, weights_only=True)
        model.load_state_dict(stored["weights"])
        first = stored["step"]
    schedule = Schedule(arguments.steps, arguments.minutes, first)
    checkpoint = arguments.scenes / "checkpoint.pt"
    model = train(model, learned, schedule, arguments.seed, checkpoint)
    calibrate(model, unseen)
    path = arguments.output / "detector.onnx"
    export(model, path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB; on {len(unseen)} unseen scenes:")
    for confidence, scores in validate(unseen, open_session(path, arguments.threads)).items():
        for name, score in zip((*CLASS_NAMES, "all"), scores, strict=True):
            print(
                f"confidence {confidence:.2f} {name:9} precision {score.precision:.3f} "
                f"recall {score.recall:.3f} of {score.animals}"
            )


if __name__ == "__main__":
    main()
