"""A candidate that is equal, better by chance, or better in sum and worse for elephants is not better."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from wildetect.errors import ConfigurationError, ModelError
from wildetect.evaluation.paired import PictureCounts, compare_pairs, pictures_from, pictures_table
from wildetect.registry.versions import Version
from wildetect.workflows.learning.promotion import Compared, proof_of

PICTURES = 60


def measured(recalls: Mapping[str, float], seed: int, wrong: float = 0.3) -> list[PictureCounts]:
    """A detector that finds each animal with a chance of its own, and takes some stones for animals."""
    animals, random = np.random.default_rng(0), np.random.default_rng(seed)
    rows = []
    for number in range(PICTURES):
        for name, recall in recalls.items():
            there = int(animals.poisson(3))
            found = int(random.binomial(there, recall))
            rows.append(
                PictureCounts(
                    picture=f"{number}.jpg",
                    sha256=f"{number}",
                    name=name,
                    found=found,
                    missed=there - found,
                    wrong=int(random.poisson(wrong)),
                )
            )
    return rows


def judged(
    before: list[PictureCounts], after: list[PictureCounts], guarded: tuple[str, ...] = ()
) -> list[str]:
    paired = compare_pairs(before, after)
    return proof_of(Compared("held-out", Version("herd", "3"), Version("herd", "4"), paired), guarded)


BEFORE = {"elephant": 0.7, "zebra": 0.7}


def test_a_truly_better_one_is_accepted_with_its_figures() -> None:
    (said,) = judged(measured(BEFORE, 1), measured({"elephant": 0.9, "zebra": 0.9}, 2))
    assert said.startswith("better than version 3 on held-out (60 pictures): F1 0.")
    assert "95% limits +0." in said


def test_an_equal_one_is_refused() -> None:
    with pytest.raises(ModelError, match=r"not better than version 3 .* by more than chance.*\(\+0\.000"):
        judged(measured(BEFORE, 1), measured(BEFORE, 1))


def test_one_that_is_better_by_chance_alone_is_refused_in_nearly_all_cases() -> None:
    accepted = higher = 0
    for seed in range(60):
        paired = compare_pairs(measured(BEFORE, 1000 + seed), measured(BEFORE, 2000 + seed))
        gain = paired.overall.f1.gain
        assert gain is not None
        higher += gain > 0
        accepted += paired.overall.f1.above_chance
    assert 18 < higher < 42  # half of them look better
    assert accepted <= 5  # 1.5 are expected


def test_one_that_is_better_in_sum_and_worse_for_elephants_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match=r"better in sum .* but worse for elephant: F1") as refused:
        judged(measured(BEFORE, 1), measured({"elephant": 0.5, "zebra": 1.0}, 2, wrong=0.05))
    assert any(line.startswith("zebra (") for line in refused.value.details)


def test_a_guarded_class_must_not_fall_at_all() -> None:
    before = measured(BEFORE, 1)
    fallen = next(
        seed
        for seed in range(50)
        if (after := measured({"elephant": 0.68, "zebra": 0.95}, seed))
        and (gain := compare_pairs(before, after).classes[0].f1).gain is not None
        and gain.gain < 0
        and not gain.below_chance
    )
    after = measured({"elephant": 0.68, "zebra": 0.95}, fallen)
    assert judged(before, after)
    with pytest.raises(ModelError, match="worse for elephant"):
        judged(before, after, ("Elephant",))
    with pytest.raises(ConfigurationError, match="lion was not measured"):
        judged(before, after, ("lion",))


def test_few_pictures_prove_nothing_and_others_cannot_be_compared() -> None:
    before, after = measured(BEFORE, 1), measured({"elephant": 1.0, "zebra": 1.0}, 2)
    with pytest.raises(ModelError, match="cannot be shown to be better"):
        judged(before[:10], after[:10])
    with pytest.raises(ValueError, match="not measured on the same pictures"):
        compare_pairs(before, after[:-2])


def test_the_table_is_read_as_it_was_written() -> None:
    rows = measured({'a, "b"': 0.5}, 1)
    assert pictures_from("".join(pictures_table(rows))) == rows
    with pytest.raises(ValueError, match="not a table"):
        pictures_from("a,b\r\n1,2\r\n")
