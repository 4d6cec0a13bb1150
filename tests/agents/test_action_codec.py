"""The action codec: between values and classes and back, the same in training and in the exported graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from small_policies import BINS

from toys import TOY
from understudy.agents.networks import ActionCodec, Head, ListedBins, MuLawBins
from understudy.errors import SpecError
from understudy.spec import ActionSpec

TURN = ActionSpec("turn", spaces.Box(-10, 10, (1,), np.float32))
CHOICE = ActionSpec("choice", spaces.Discrete(5))
VPT = MuLawBins(limit=10, mu=10, num=11)
# Source: the bin centres and edges of VPT's camera (arXiv:2206.11795), computed from its published code.
VPT_CENTERS = (-10, -5.8095, -3.2154, -1.6095, -0.6154, 0, 0.6154, 1.6095, 3.2154, 5.8095, 10)
VPT_EDGES = (0.271, 1.053, 2.317, 4.358, 7.655)


def test_mu_law_bins_are_those_of_vpt() -> None:
    """With limit 10, mu 10 and 11 bins, centres and edges are the published ones."""
    np.testing.assert_allclose(VPT.centers, VPT_CENTERS, atol=5e-5)
    np.testing.assert_allclose(VPT.edges, (*(-each for each in VPT_EDGES[::-1]), *VPT_EDGES), atol=5e-4)


@pytest.mark.parametrize("bins", [VPT, BINS, ListedBins((-1.0, 0.5)), MuLawBins(4, 20, 6)])
def test_a_value_beside_an_edge_belongs_to_the_bin_on_its_side(bins: ListedBins | MuLawBins) -> None:
    """Just below an edge is the lower bin, just above it the upper; beyond the outermost centres are the outermost."""
    head = Head(TURN, bins)
    edges = head.edges.numpy()
    lower, upper = np.nextafter(edges, -np.float32(np.inf)), np.nextafter(edges, np.float32(np.inf))
    below, above = (head.encode(torch.from_numpy(each[:, None]))[:, 0].tolist() for each in (lower, upper))
    assert below == list(range(len(edges)))
    assert above == list(range(1, len(edges) + 1))
    ends = head.encode(torch.tensor([[-1e6], [1e6]]))[:, 0].tolist()
    assert ends == [0, len(edges)]


@pytest.mark.parametrize("bins", [VPT, BINS, ListedBins((-1.0, 0.5)), MuLawBins(4, 20, 6)])
def test_a_centre_there_and_back_is_itself(bins: ListedBins | MuLawBins) -> None:
    """Decoding a class gives its centre, and encoding that gives the class again."""
    head = Head(TURN, bins)
    classes = torch.arange(head.classes)[:, None]
    values = head.decode(classes)
    assert values.dtype == torch.float32
    np.testing.assert_allclose(values[:, 0].numpy(), bins.centers, rtol=1e-6)
    assert torch.equal(head.encode(values), classes)


@given(st.floats(-12, 12, width=32))
def test_listed_bins_take_the_nearest_centre(value: float) -> None:
    """With listed bins, a number's class is that of the centre nearest to it."""
    index = int(Head(TURN, BINS).encode(torch.tensor([[value]]))[0, 0])
    distances = np.abs(np.array(BINS.centers) - value)
    assert distances[index] == pytest.approx(distances.min(), abs=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_choices_and_buttons_there_and_back_are_the_identity(seed: int) -> None:
    """Choices, sets of buttons and centres of numbers survive encoding and decoding, with their dtypes."""
    codec = ActionCodec(TOY.actions, {"turn": BINS})
    rng = np.random.default_rng(seed)
    actions = {
        "move": torch.from_numpy(rng.integers(0, 3, 6)),
        "buttons": torch.from_numpy(rng.integers(0, 2, (6, 2)).astype(np.int8)),
        "turn": torch.from_numpy(rng.choice(np.array(BINS.centers, np.float32), (6, 1))),
    }
    decoded = codec.decode(codec.encode(actions))
    for part, value in zip(TOY.actions, decoded, strict=True):
        assert value.numpy().dtype == part.dtype
        assert tuple(value.shape) == (6, *part.shape)
        assert torch.equal(value, actions[part.name])


def test_sizes_and_one_hot_are_laid_out_choice_by_choice() -> None:
    """Three moves, two buttons of two classes and seven turns make 14 logits and take 4 numbers of noise."""
    codec = ActionCodec(TOY.actions, {"turn": BINS})
    assert (codec.logits_size, codec.num_choices) == (14, 4)
    hot = codec.one_hot(torch.tensor([[2, 0, 1, 6]]))
    assert hot.nonzero()[:, 1].tolist() == [2, 3, 6, 13]
    assert [piece.shape[-1] for piece in codec.split(hot)] == [3, 4, 7]


def test_sampling_follows_the_probabilities() -> None:
    """Over an even grid of noise, each class is drawn as often as its probability says, to within one draw."""
    logits = torch.tensor([[0.3, -1.2, 2.0, -30.0, 0.9]])
    noise = (torch.arange(10_000).float() / 10_000).unsqueeze(-1)
    drawn = Head(CHOICE, None).sample(logits.expand(10_000, -1), noise)[:, 0]
    found = torch.bincount(drawn, minlength=5) / 10_000
    np.testing.assert_allclose(found.numpy(), logits.softmax(-1)[0].numpy(), atol=3e-4)
    assert found[3] == 0


@given(st.lists(st.floats(-20, 20, width=32), min_size=5, max_size=5), st.data())
def test_sampling_is_monotone_in_the_noise(logits: list[float], data: st.DataObject) -> None:
    """More noise never gives a smaller class, and no noise gives an impossible one."""
    noise = sorted(data.draw(st.lists(st.floats(0, 1, exclude_max=True, width=32), min_size=2, max_size=20)))
    grid = torch.tensor([logits]).expand(len(noise), -1)
    drawn = Head(CHOICE, None).sample(grid, torch.tensor(noise).unsqueeze(-1))[:, 0]
    assert (drawn.diff() >= 0).all()
    assert ((drawn >= 0) & (drawn < 5)).all()


def test_a_class_without_probability_is_never_drawn() -> None:
    """Not even by the smallest or the largest noise."""
    logits = torch.tensor([[-np.inf, 0.0, -np.inf, 0.0, -np.inf]]).expand(2, -1)
    noise = torch.tensor([[0.0], [1 - 2.0**-24]])
    assert Head(CHOICE, None).sample(logits, noise)[:, 0].tolist() == [1, 3]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_torchs_cross_entropy(weighted: bool) -> None:
    """Summed over the choices, with each class's weight if there are weights."""
    head = Head(ActionSpec("buttons", spaces.MultiBinary(3)), None)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 5, head.size, generator=generator)
    targets = torch.randint(0, 2, (4, 5, 3), generator=generator)
    weights = torch.rand(3, 2, generator=generator) if weighted else None
    expected = sum(
        torch.nn.functional.cross_entropy(
            logits.unflatten(-1, (3, 2))[:, :, choice].flatten(0, 1),
            targets[:, :, choice].flatten(),
            weight=None if weights is None else weights[choice],
            reduction="none",
        )
        for choice in range(3)
    )
    torch.testing.assert_close(head.negative_log_likelihood(logits, targets, weights).flatten(), expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ActionCodec((TURN,), {}), "The head of action part 'turn' needs bins, since it is a Box."),
        (
            lambda: ActionCodec((CHOICE,), {"choice": BINS}),
            "The head of action part 'choice' takes no bins, since it is not a Box.",
        ),
        (
            lambda: ActionCodec((TURN,), {"turn": BINS, "trun": BINS}),
            "There are bins for 'trun', which is no action part. Did you mean 'turn'? Known: 'turn'.",
        ),
        (lambda: ListedBins((1.0, 0.0)), "Bin centres must be two or more numbers in rising order, not [1.0, 0.0]."),
        (lambda: ListedBins((1.0,)), "Bin centres must be two or more numbers in rising order, not [1.0]."),
        (
            lambda: Head(TURN, ListedBins((-20.0, 0.0, 20.0))),
            "Bins of action part 'turn' lie outside its range, Box(-10.0, 10.0, (1,), float32).",
        ),
    ],
)
def test_bins_that_do_not_fit_are_refused(make: object, message: str) -> None:
    """Missing, superfluous, disordered or unreachable bins are refused in words."""
    with pytest.raises(SpecError) as caught:
        make()  # type: ignore[operator]
    assert str(caught.value) == message


@given(st.integers(0, 2**32 - 1))
def test_all_heads_at_once_draw_as_each_head_alone(seed: int) -> None:
    """Padded to one grid, the choices of all heads fall as they do head by head, at the ends of the noise too."""
    codec = ActionCodec(TOY.actions, {"turn": BINS})
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(5, codec.logits_size, generator=generator) * 4
    noise = torch.rand(5, codec.num_choices, generator=generator)
    noise[0], noise[1] = 0.0, 1 - 2.0**-24
    pieces = zip(codec, codec.split(logits), codec.split_choices(noise), strict=True)
    alone = torch.cat([head.sample(piece, draw) for head, piece, draw in pieces], -1)
    assert torch.equal(codec.sample(logits, noise), alone)


@given(st.lists(st.floats(2**-10, 1 - 2**-10, width=32), min_size=7, max_size=7))
def test_a_spread_number_lies_within_its_bin(noise: list[float]) -> None:
    """Whatever the noise, the number belongs to the class it was decoded from, before and after it has learned."""
    head = Head(TURN, replace(BINS, spread=True))
    classes = torch.arange(head.classes)[:, None]
    for _ in range(2):
        assert torch.equal(head.encode(head.decode(classes, torch.tensor(noise)[:, None])), classes)
        head.learn_spread(torch.randn(5000, 1, generator=torch.Generator().manual_seed(0)) * 4)


def test_numbers_are_spread_as_those_that_were_learned_from() -> None:
    """Drawn by their classes' shares and spread within, they have the distribution of what was learned from."""
    generator = torch.Generator().manual_seed(0)
    people = (torch.rand(20_000, 1, generator=generator) ** 3 * 18 - 9).float()
    head = Head(TURN, replace(BINS, spread=True))
    head.learn_spread(people)
    drawn = head.decode(head.encode(people), torch.rand(20_000, 1, generator=generator))
    quantiles = torch.linspace(0.01, 0.99, 99)
    assert float((drawn.flatten().quantile(quantiles) - people.flatten().quantile(quantiles)).abs().max()) < 0.1
    assert float((head.decode(head.encode(people)).flatten() - people.flatten()).abs().max()) > 1


def test_without_noise_a_spread_number_is_its_centre() -> None:
    """As bins that are not spread."""
    classes = torch.arange(7)[:, None]
    assert torch.equal(Head(TURN, replace(BINS, spread=True)).decode(classes), Head(TURN, BINS).decode(classes))


def test_a_hidden_past_is_no_start() -> None:
    """What is hidden becomes even over its classes; a start, where nothing was done, stays zeros."""
    parts = (ActionSpec("move", spaces.Discrete(3)), ActionSpec("fire", spaces.Discrete(2)))
    codec = ActionCodec(parts, {})
    past = codec.one_hot(torch.tensor([[[2, 1], [0, 1], [1, 0]]]))
    past[0, 0] = 0
    hidden = codec.hide(past, torch.tensor([[False, False, True]]))
    third, half = 1 / 3, 1 / 2
    torch.testing.assert_close(hidden[0, 0], torch.zeros(5))
    torch.testing.assert_close(hidden[0, 1], torch.tensor([third, third, third, half, half]))
    torch.testing.assert_close(hidden[0, 2], past[0, 2])
