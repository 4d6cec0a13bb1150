"""The recipe of an explorer: one YAML file. Unknown keys are refused, with a suggestion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from understudy.training.reading import read_recipe, read_yaml
from understudy.training.recipe import BinsRecipe, PretrainRecipe, Recipe, SensorRecipe

Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(gt=0, lt=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class GameRecipe(_Part):
    """The game to explore: a gymnasium environment."""

    id: str = Field(description="its gymnasium id")
    args: dict[str, Any] = Field({}, description="handed to gymnasium.make")
    import_: str | None = Field(None, alias="import", description="a module that registers the id")


class ContrastRecipe(_Part):
    """Learning to see from the game's own pictures: what is seen soon after another picture resembles it."""

    decisions: int = Field(4000, ge=0, description="of random play to learn from, besides the demonstrations")
    updates: int = Field(400, gt=0)
    batch: int = Field(128, gt=1, description="pairs at a time")
    apart: int = Field(3, gt=0, description="decisions between the two of a pair, at most")
    temperature: float = Field(0.1, gt=0, description="of the contrast")
    learning_rate: float = Field(1e-3, gt=0)


class EncoderRecipe(_Part):
    """Where the encoders' weights come from; without any of these they stay random."""

    run: str | None = Field(None, description="a run folder of `understudy train` with the same sensors")
    pretrain: PretrainRecipe | None = Field(None, description="predict one sensor of the demonstrations from another")
    contrast: ContrastRecipe | None = None
    trained: bool = Field(False, description="the policy looks through a copy of its own that PPO trains along")


class MindRecipe(_Part):
    """What lies between the embeddings and the actions."""

    hidden: int = Field(128, gt=0)
    lags: tuple[PositiveInt, ...] = Field((1, 2, 4), description="how many decisions ago remembered embeddings are")
    decays: tuple[Decay, ...] = Field((0.9, 0.97), description="of running means of the embeddings")
    past_actions: bool = Field(False, description="the policy reads its own last action; cloning tends to copy it")


class RewardsRecipe(_Part):
    """How the rewards are mixed: environment * r + alpha * novelty + (1 - alpha) * style."""

    alphas: tuple[Share, ...] = Field((0, 0, 0.3, 0.5, 0.8, 1, 1), min_length=1, description="drawn once an episode")
    environment: float = Field(0.0, ge=0, description="weight of the game's own reward")


class NoveltyRecipe(_Part):
    """Random network distillation on embeddings, multiplied by how new a place is in its episode."""

    features: int = Field(32, gt=0, description="of the fixed target")
    width: int = Field(128, gt=0)
    updates: int = Field(32, gt=0, description="of the predictor in every iteration")
    batch: int = Field(128, gt=0)
    learning_rate: float = Field(3e-4, gt=0)
    episodic: bool = Field(True, description="count what is new in the episode too; false for plain distillation")
    neighbours: int = Field(10, gt=0, description="nearest embeddings of the episode that are compared with")


class DiscriminatorRecipe(_Part):
    """A least-squares discriminator of embedding pairs for each preference."""

    apart: int = Field(
        4, gt=0, description="decisions between the two of a pair; where 1 barely moves, standing still looks right"
    )
    width: int = Field(128, gt=0)
    updates: int = Field(20, gt=0, description="in every iteration")
    batch: int = Field(64, gt=0)
    learning_rate: float = Field(3e-4, gt=0)
    penalty: float = Field(10.0, ge=0, description="weight of the gradient's square on demonstrations")


class CloneRecipe(_Part):
    """A warm start: imitate each preference's demonstrations at alpha 0 before exploring, and a little along."""

    updates: int = Field(500, gt=0, description="before exploring")
    along: int = Field(8, ge=0, description="in every iteration, after PPO's")
    batch: int = Field(256, gt=0, description="decisions at a time")
    learning_rate: float = Field(1e-3, gt=0)


class PPORecipe(_Part):
    """Of stable-baselines3's PPO, by its own names."""

    learning_rate: float = Field(3e-4, gt=0)
    batch_size: int = Field(256, gt=1)
    n_epochs: int = Field(4, gt=0)
    gamma: float = Field(0.97, ge=0, le=1)
    gae_lambda: float = Field(0.95, ge=0, le=1)
    clip_range: float = Field(0.2, gt=0)
    ent_coef: float = Field(0.01, ge=0)
    vf_coef: float = Field(0.5, ge=0)
    max_grad_norm: float = Field(0.5, gt=0)


class ExplorationLoopRecipe(_Part):
    """The loop. In every iteration each game plays whole episodes from a fresh start."""

    iterations: int = Field(100, gt=0)
    games: int = Field(8, gt=0, description="played side by side")
    workers: bool = Field(False, description="each game in a process of its own")
    episode: int = Field(500, gt=1, description="decisions after which an episode is cut")
    episodes: int = Field(1, gt=0, description="such episodes each game plays in an iteration")
    checkpoint_every: int = Field(1, gt=0, description="iterations; what is later is lost with the process")
    threads: int = Field(2, gt=0)
    seed: int = Field(0, ge=0)


class ExplorationRecipe(_Part):
    """A whole recipe."""

    name: str = Field(description="of the bundle")
    game: GameRecipe
    sensors: dict[str, SensorRecipe] = Field(min_length=1)
    bins: dict[str, BinsRecipe] = {}
    preferences: tuple[str, ...] = Field((), description="to learn; none for every one the demonstrations name")
    persona: str = Field("persona", description="the note of a recording that names its preference")
    encoder: EncoderRecipe = EncoderRecipe()
    mind: MindRecipe = MindRecipe()
    rewards: RewardsRecipe = RewardsRecipe()
    novelty: NoveltyRecipe = NoveltyRecipe()
    discriminator: DiscriminatorRecipe = DiscriminatorRecipe()
    clone: CloneRecipe | None = None
    ppo: PPORecipe = PPORecipe()
    loop: ExplorationLoopRecipe = ExplorationLoopRecipe()

    @model_validator(mode="after")
    def _has_whole_batches(self) -> ExplorationRecipe:
        decisions = self.loop.games * self.loop.episode * self.loop.episodes
        if decisions % self.ppo.batch_size:
            raise ValueError(
                f"an iteration has {decisions} decisions (games * episode * episodes), "
                f"which ppo.batch_size {self.ppo.batch_size} does not divide"
            )
        return self

    @property
    def senses(self) -> Recipe:
        """The same sensors and bins as a recipe of cloning, whose encoders and codec are the same."""
        seed = {"seed": self.loop.seed}
        return Recipe.model_validate(
            {
                **self.model_dump(include={"name", "sensors", "bins"}),
                "pretrain": self.encoder.pretrain,
                "policy": {"hidden": 1, "memory": 0},
                "loop": seed,
            }
        )


def is_exploration(run: Path) -> bool:
    """Whether a run folder says, by its recipe, that it holds an exploration; raises `RecipeError` if it is no YAML."""
    path = run / "recipe.yaml"
    form = read_yaml(path) if path.exists() else None
    return isinstance(form, dict) and "game" in form


def load_exploration_recipe(path: Path | str) -> ExplorationRecipe:
    """Read a recipe.

    Raises:
        RecipeError: In one sentence: the file, the key, what was found, and a suggestion.
    """
    return read_recipe(path, ExplorationRecipe, ("name", "game"))
