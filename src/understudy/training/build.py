"""From a recipe and a behaviour to a policy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from gymnasium import spaces
from torch import Tensor, nn

from understudy.agents.networks import (
    ActionCodec,
    Bins,
    Head,
    InGraphPixels,
    ListedBins,
    MuLawBins,
    PixelEncoder,
    Policy,
    PolicyShape,
    RayGridEncoder,
    VectorEncoder,
)
from understudy.agents.networks.style import DemonstrationEncoder, StyleSpace
from understudy.errors import RecipeError, SpecError, suggest
from understudy.sensors.pixels import Pixels
from understudy.spec import BehaviorSpec, SensorSpec
from understudy.training.recipe import (
    ListedBinsRecipe,
    MuLawBinsRecipe,
    PixelsRecipe,
    RaysRecipe,
    Recipe,
    SensorRecipe,
    VectorRecipe,
)

# Features of each sensor in a demonstration, where the recipe does not say how to read it.
_NARROW = 32


def select_behavior(recipe: Recipe, recorded: BehaviorSpec) -> BehaviorSpec:
    """Return the recorded behaviour with only the recipe's sensors.

    Raises:
        RecipeError: If the recordings lack one of them.
    """
    try:
        return recorded.select(list(recipe.sensors))
    except SpecError as error:
        raise RecipeError(f"The recipe '{recipe.name}' does not fit its recordings: {error}") from error


def reductions(recipe: Recipe, behavior: BehaviorSpec) -> dict[str, Pixels]:
    """The pictures that are reduced: by the cache for training, by the same definition inside the exported graph."""
    pixels = {}
    for name, part in recipe.sensors.items():
        if isinstance(part, PixelsRecipe) and (part.size or part.crop or part.grey):
            pixels[name] = _reduction(part, behavior.sensor(name))
    return pixels


def build_codec(recipe: Recipe, behavior: BehaviorSpec) -> ActionCodec:
    """Build the action codec; raises `RecipeError` if the bins do not fit the actions."""
    try:
        bins = {name: _bins(part) for name, part in recipe.bins.items()}
        return ActionCodec(behavior.actions, bins)
    except SpecError as error:
        raise RecipeError(f"The recipe '{recipe.name}': {error}") from error


def build_policy(recipe: Recipe, behavior: BehaviorSpec) -> Policy:
    """Build the policy with fresh weights, drawn from the recipe's seed."""
    torch.manual_seed(recipe.loop.seed)
    shape = PolicyShape(**recipe.policy.model_dump(exclude={"past_dropout"}), style=recipe.style_size)
    encoders = {name: _encoder(part, behavior.sensor(name)) for name, part in recipe.sensors.items()}
    try:
        return Policy(behavior, encoders, build_codec(recipe, behavior), shape)
    except SpecError as error:
        raise RecipeError(f"policy: {error}") from error


def build_styles(recipe: Recipe, behavior: BehaviorSpec, players: int) -> StyleSpace | None:
    """Build the styles' space with fresh weights; None for a recipe without styles.

    Raises:
        RecipeError: If demonstrations cannot be read by what the recipe names.
    """
    if recipe.style is None:
        return None
    if recipe.mirror is not None:
        raise RecipeError("style: a mirrored player is another one; take 'mirror' out of the recipe.")
    parts = recipe.style.sensors or {
        name: _narrow(part) for name, part in recipe.sensors.items() if not isinstance(part, PixelsRecipe)
    }
    for name, part in parts.items():
        if name not in recipe.sensors:
            raise RecipeError(f"style.sensors: the recipe reads no sensor '{name}'.{suggest(name, recipe.sensors)}")
        if isinstance(part, PixelsRecipe):
            raise RecipeError(f"style.sensors.{name}: demonstrations are read without their pictures; leave it out.")
    encoders = {name: _encoder(part, behavior.sensor(name)) for name, part in parts.items()}
    encoder = DemonstrationEncoder(encoders, build_codec(recipe, behavior), recipe.style.size, recipe.style.width)
    return StyleSpace(players, encoder, recipe.style.size)


def _narrow(part: SensorRecipe) -> SensorRecipe:
    """How a demonstration's sensor is read unless the recipe says it."""
    if isinstance(part, RaysRecipe):
        return RaysRecipe(encoder="rays", channels=(8, 16), features=_NARROW)
    return VectorRecipe(encoder="vector", widths=(_NARROW,))


def play_log_odds(recipe: Recipe, behavior: BehaviorSpec) -> Tensor:
    """Return the logarithms of the recipe's odds, laid out as the logits; raises `RecipeError` if one names no choice.

    A policy's errors feed on themselves in play, so that the shares of its actions drift from people's even where it
    predicts people well; multiplying a choice's odds moves its share back and leaves to the policy when it is made.
    """
    codec = build_codec(recipe, behavior)
    for name in recipe.odds:
        if name not in codec.names:
            raise RecipeError(f"odds: there is no action part '{name}'.{suggest(name, codec.names)}")
    return torch.cat([_log_odds(head, recipe.odds.get(head.part.name, {})) for head in codec])


def _log_odds(head: Head, odds: Mapping[str, float]) -> Tensor:
    labels = head.part.labels if isinstance(head.part.space, spaces.Discrete) else ()
    logs = torch.zeros(head.size)
    for label, factor in odds.items():
        if label not in labels:
            raise RecipeError(f"odds.{head.part.name}: there is no choice '{label}'.{suggest(label, labels)}")
        logs[labels.index(label)] = math.log(factor)
    return logs


def encoder_of(policy: Policy, sensor: str) -> nn.Module:
    """Return the encoder of a sensor; raises `RecipeError` if the policy has none."""
    if sensor not in policy.encoders:
        raise RecipeError(f"pretrain.sensor: the recipe reads no sensor '{sensor}'.{suggest(sensor, policy.encoders)}")
    return policy.encoders[sensor]


def in_graph(recipe: Recipe, behavior: BehaviorSpec) -> dict[str, InGraphPixels]:
    """The same reductions as modules of the exported graph."""
    return {name: InGraphPixels(pixels) for name, pixels in reductions(recipe, behavior).items()}


def _encoder(part: SensorRecipe, sensor: SensorSpec) -> nn.Module:
    try:
        if isinstance(part, RaysRecipe):
            return RayGridEncoder(sensor, part.channels, part.features)
        if isinstance(part, VectorRecipe):
            return VectorEncoder(sensor, part.widths, part.sharp, part.octaves)
    except SpecError as error:
        raise RecipeError(f"sensors.{sensor.name}: {error}") from error
    return PixelEncoder(_reduction(part, sensor).shape, part.channels, part.features)


def _reduction(part: PixelsRecipe, sensor: SensorSpec) -> Pixels:
    shape = sensor.space.shape
    if len(shape) != 3 or sensor.space.dtype != "uint8" or shape[2] not in (1, 3):
        raise RecipeError(
            f"sensors.{sensor.name}: the pixels encoder reads uint8 (height, width, 1 or 3), not {shape}."
        )
    size = part.size or (part.crop[2:] if part.crop else shape[:2])
    source = (int(shape[0]), int(shape[1]), int(shape[2]))
    try:
        channels: Literal["rgb", "grey"] = "grey" if part.grey or source[2] == 1 else "rgb"
        return Pixels(source=source, size=(int(size[0]), int(size[1])), crop=part.crop, channels=channels)
    except SpecError as error:
        raise RecipeError(f"sensors.{sensor.name}: {error}") from error


def _bins(part: ListedBinsRecipe | MuLawBinsRecipe) -> Bins:
    if isinstance(part, ListedBinsRecipe):
        return ListedBins(part.bins, part.spread)
    return MuLawBins(part.limit, part.mu, part.num, part.spread)
