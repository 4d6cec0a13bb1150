"""The recipe: one YAML file that says how a bot is trained. Unknown keys are refused, with a suggestion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, PositiveFloat, PositiveInt, Tag

from understudy.errors import RecipeError
from understudy.training.reading import read_recipe


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PixelsRecipe(_Part):
    """An encoder for pictures: a reduction inside the graph, then a residual convolutional network."""

    encoder: Literal["pixels"]
    size: tuple[int, int] | None = Field(None, description="(height, width) to reduce to; null keeps the sensor's")
    crop: tuple[int, int, int, int] | None = Field(None, description="(top, left, height, width) kept of the sensor")
    grey: bool = Field(False, description="reduce to luma")
    channels: tuple[PositiveInt, ...] = Field((24, 32, 64), description="of the stages; each halves the picture")
    features: int = Field(256, gt=0, description="of the result")
    shift: int = Field(0, ge=0, description="augmentation: pixels a sequence's pictures are shifted by at most")
    contrast: float = Field(0.0, ge=0, lt=1, description="augmentation: contrast and brightness vary by this share")


class VectorRecipe(_Part):
    """An encoder for rays, audio and state: a multi-layer perceptron."""

    encoder: Literal["vector"]
    widths: tuple[PositiveInt, ...] = Field((256, 128), min_length=1, description="of the layers")
    sharp: tuple[PositiveFloat, ...] = Field((), description="numbers k: tanh(k x) is read too, to tell small x apart")
    octaves: int = Field(0, ge=0, le=8, description="doublings of directions' angles that are read too, for sectors")


class RaysRecipe(_Part):
    """An encoder for ray grids of distances and types: a small convolutional network."""

    encoder: Literal["rays"]
    channels: tuple[PositiveInt, ...] = Field((32, 64), min_length=1, description="of the stages; each halves the grid")
    features: int = Field(256, gt=0, description="of the result")


SensorRecipe = Annotated[PixelsRecipe | VectorRecipe | RaysRecipe, Field(discriminator="encoder")]


class ListedBinsRecipe(_Part):
    """Bins with listed centres."""

    bins: tuple[float, ...] = Field(min_length=2)
    spread: bool = Field(False, description="play draws a number within its bin, as people's lie there")


class MuLawBinsRecipe(_Part):
    """Bins even after mu-law companding."""

    limit: float = Field(gt=0)
    mu: float = Field(10.0, gt=0)
    num: int = Field(11, ge=3)
    spread: bool = Field(False, description="play draws a number within its bin, as people's lie there")


def _bins_kind(form: Any) -> str:
    listed = "bins" in form if isinstance(form, dict) else isinstance(form, ListedBinsRecipe)
    return "listed" if listed else "mu_law"


BinsRecipe = Annotated[
    Annotated[ListedBinsRecipe, Tag("listed")] | Annotated[MuLawBinsRecipe, Tag("mu_law")], Discriminator(_bins_kind)
]


class PolicyRecipe(_Part):
    """What lies between the encoders and the heads; see `understudy.agents.networks.PolicyShape`."""

    hidden: int = Field(256, gt=0)
    memory: int = Field(256, ge=0, description="width of the memory; 0 for none")
    cell: Literal["gru", "lstm", "transformer"] = Field("gru", description="what the memory is")
    layers: int = Field(2, gt=0, description="of a transformer")
    context: int = Field(32, gt=0, description="decisions a transformer looks back")
    past_actions: bool = Field(True, description="the policy reads its own last action")
    past_dropout: float = Field(0.2, ge=0, lt=1, description="share of steps at which training hides it")
    bottleneck: int = Field(0, ge=0, description="width the features of all sensors are squeezed to; 0 for none")
    remember_sensors: bool = Field(True, description="the memory reads the sensors, not only past actions")
    dropout: float = Field(0.0, ge=0, lt=1, description="of the hidden layer and the memory")
    sensor_dropout: float = Field(0.0, ge=0, lt=1, description="of the encoders' features and the bottleneck")
    head: Literal["factored", "autoregressive", "diffusion"] = Field(
        "factored", description="choices on their own, each on those before it, or denoised together"
    )
    head_width: int = Field(128, gt=0, description="of the layer that keeps choices together; unused if factored")
    denoising: int = Field(8, ge=2, le=50, description="steps of the diffusion head")
    recall: int = Field(0, ge=0, description="last actions the memory is asked for where it was not told them")
    recall_weight: float = Field(0.5, ge=0, description="of that question, beside the action parts")


class SplitRecipe(_Part):
    """What is held out, by player and episode, never by frame."""

    players: tuple[str, ...] = Field((), description="players never trained on")
    episodes: float = Field(0.0, ge=0, lt=1, description="share of the other episodes never trained on")
    trim: dict[str, int] = Field({}, description="by recording: steps at its end to leave out, such as after a death")
    blocks: float = Field(
        0.0, ge=0, lt=1, description="share of each remaining episode held out in blocks, spread evenly"
    )
    num_blocks: int = Field(2, gt=0, description="how many blocks that share is cut into")
    tail: float = Field(0.0, ge=0, lt=1, description="share of each remaining episode, its last block, held out")


class MirrorRecipe(_Part):
    """Augmentation for games whose left and right are alike."""

    sensors: tuple[str, ...] = Field((), description="pictures to flip left to right")
    fans: tuple[str, ...] = Field((), description="fans of rays, alike on both sides, to reverse")
    negate: tuple[str, ...] = Field((), description="Box parts whose sign changes")
    reverse: tuple[str, ...] = Field((), description="Discrete parts whose choices change ends")


class PretrainRecipe(_Part):
    """What an encoder learns to see before it learns to play."""

    sensor: str = Field(description="whose pixels encoder is pretrained")
    predict: str = Field(description="the sensor to predict from it; it only has to be in the pretraining's recordings")
    updates: int = Field(600, gt=0)
    batch: int = Field(128, gt=0, description="pictures at a time")
    learning_rate: float = Field(2e-3, gt=0)


class SelfSupervisedRecipe(_Part):
    """What recordings teach besides people's actions, in the same updates; see `understudy.training.self_supervision`.

    Only training asks for it; the exported bot holds none of it.
    """

    objective: Literal["next_embedding", "inverse_dynamics", "dynamo"] = Field(
        description="tell what is seen next, what was done between two sights, or both at once by a latent action"
    )
    weight: float = Field(0.5, ge=0, description="of it, beside the action parts")
    steps: int = Field(1, gt=0, description="decisions from one embedding to the later one")
    width: int = Field(128, gt=0, description="of the hidden layer that tells")
    target: Literal["stop_gradient", "average"] = Field(
        "stop_gradient", description="whose later embedding is told: the trained weights', or their average's"
    )
    distance: Literal["cosine", "smooth_l1"] = Field("cosine", description="from the told embedding to the later one")
    latent: int = Field(8, gt=0, description="numbers in dynamo's latent action; about those of the game's state")
    covariance: float = Field(0.04, ge=0, description="weight against dimensions that tell the same; where one tells")
    variance: float = Field(0.1, ge=0, description="weight against dimensions that tell nothing; where one tells")


class SliderRecipe(_Part):
    """A trait in which players differ, measured as a mean over their steps; it becomes a direction between styles."""

    of: str = Field(pattern=r"^(action|observation|extra)\.\w+$", description="such as action.fire or extra.velocity")
    choice: str | None = Field(None, description="of a Discrete part: its share is measured, not its size")
    index: int | None = Field(None, ge=0, description="which number of an array; left out, the length of the vector is")


class StyleRecipe(_Part):
    """One policy for all styles and skills; see `docs/styles.md`."""

    size: int = Field(16, gt=0, description="numbers of a style, without skill")
    persona: str = Field("persona", description="the note of a recording that names its style")
    skill: str | None = Field("skill", description="the note that holds skill, 0 to 1; null for no skill dial")
    sensors: dict[str, SensorRecipe] = Field(
        {}, description="what is read of a demonstration, and how; none for all but pictures, narrowly"
    )
    width: int = Field(64, gt=0, description="of the encoder of demonstrations")
    pieces: int = Field(8, gt=0, description="pieces of demonstrations that stand for a player in training")
    steps: int = Field(16, gt=1, description="consecutive decisions in a piece")
    episodes: int = Field(4, gt=0, description="other episodes of the player that the pieces come from, at most")
    demonstrated: float = Field(0.5, ge=0, le=1, description="share of sequences styled by demonstrations")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of sequences without a style, for players of no style")
    noise: float = Field(0.25, gt=0, description="standard deviation of what is added to a sequence's style")
    align: float = Field(0.3, ge=0, description="weight of the distance between a player and its demonstrations")
    prior: float = Field(1e-3, ge=0, description="weight of the pull of all styles towards zeros")
    naming: float = Field(0.1, ge=0, description="weight of telling the named styles apart by where they lie")
    independence: float = Field(1.0, ge=0, description="weight of the correlation of styles with skill")
    emphasis: float = Field(
        1.0, gt=0, description="named and shown styles are played so many times as far from their mean"
    )
    sliders: dict[str, SliderRecipe] = Field({}, description="traits to give the bundle a slider for")


class LoopRecipe(_Part):
    """The training loop."""

    updates: int = Field(1000, gt=0)
    batch: int = Field(16, gt=0, description="sequences at a time")
    window: int = Field(32, gt=0, description="steps between truncations of back-propagation through time")
    segment: int = Field(256, gt=0, description="steps the memory is carried over, a multiple of window")
    learning_rate: float = Field(1e-3, gt=0)
    encoder_rate: float = Field(1.0, ge=0, description="times the learning rate, for the encoders; 0 freezes them")
    markov_rate: float = Field(1.0, ge=0, description="times the learning rate, for the path from the last action")
    warmup: int = Field(50, ge=0, description="updates")
    weight_decay: float = Field(1e-2, ge=0)
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    average: float = Field(0.995, ge=0, lt=1, description="decay of the average of the weights that is exported")
    checkpoint_every: int = Field(200, gt=0)
    threads: int = Field(2, gt=0)
    bf16: bool = Field(False, description="compute in bfloat16 where the hardware gains from it")
    seed: int = 0


class Recipe(_Part):
    """A whole recipe."""

    name: str = Field(description="of the bundle")
    sensors: dict[str, SensorRecipe] = Field(min_length=1)
    bins: dict[str, BinsRecipe] = {}
    policy: PolicyRecipe = PolicyRecipe()
    split: SplitRecipe = SplitRecipe()
    balance: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {}, description="by part: 0 leaves rare classes alone, 1 weighs all classes alike"
    )
    temperature: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {}, description="by part: divides the logits before sampling; 1 plays the distribution that was learned"
    )
    odds: dict[str, dict[str, Annotated[float, Field(gt=0)]]] = Field(
        {}, description="by part and choice: multiplies a choice's odds in play; 1 plays what was learned"
    )
    mirror: MirrorRecipe | None = None
    pretrain: PretrainRecipe | None = None
    style: StyleRecipe | None = None
    self_supervised: SelfSupervisedRecipe | None = None
    loop: LoopRecipe = LoopRecipe()

    @property
    def style_size(self) -> int:
        """Numbers in a style of the bundle, skill with them; 0 for a bot with one way to play."""
        return 0 if self.style is None else self.style.size + (self.style.skill is not None)


def load_recipe(path: Path | str) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: In one sentence: the file, the key, what was found, and a suggestion.
    """
    if not Path(path).exists():
        raise RecipeError(f"The recipe {path} is not there.")
    return read_recipe(path, Recipe, ("name", "sensors"))
