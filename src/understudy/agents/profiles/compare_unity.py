"""A Unity model and its bundle play the same observations, each carrying its own state."""

from __future__ import annotations

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.profiles.layout import Layout
from understudy.agents.profiles.nodes import Model
from understudy.agents.profiles.parity import (
    BOTS,
    STEPS,
    Parity,
    classes_of,
    known_to,
    likeliest_of,
    noise_of,
    numbers_of,
    observations_of,
)
from understudy.agents.profiles.sessions import open_model
from understudy.agents.profiles.unity import to_unity, unity_sensors
from understudy.agents.runtime import PolicyRuntime


def compare_unity(model: Model, bundle: Bundle, layout: Layout, *, stateful: bool, steps: int = STEPS) -> Parity:
    """Play a Unity model that takes its noise as an input.

    Raises:
        BundleError: If it does not play as the bundle does.
    """
    session, runtime = open_model(model), PolicyRuntime(bundle)
    own = np.zeros((BOTS, bundle.state_size), np.float32)
    memory = own[:, None]
    parity = Parity(steps)
    half = np.full((BOTS, bundle.noise_size), 0.5, np.float32)
    masks = np.ones((BOTS, sum(each.classes for each in layout.choices)), np.float32)
    names = [each.name for each in session.get_outputs()]
    for step, observation in enumerate(observations_of(bundle, steps)):
        feed = {f"obs_{i}": to_unity(each, observation[each.name]) for i, each in enumerate(unity_sensors(bundle))}
        feed |= {"noise": noise_of(bundle, step), "action_masks": masks, "recurrent_in": memory}
        found = dict(zip(names, session.run(names, known_to(session, feed)), strict=True))
        sensors = [observation[name] for name in bundle.behavior.sensor_names]
        logits = runtime.logits(sensors, own)
        middle, _ = runtime.step(sensors, own, half)
        actions, own = runtime.step(sensors, own, feed["noise"])
        if layout.choices:
            parity.add_choices(classes_of(bundle, layout, actions), found["discrete_actions"])
            parity.add_choices(likeliest_of(layout, logits), found["deterministic_discrete_actions"])
        if layout.numbers:
            parity.add_numbers(numbers_of(bundle, actions), found["continuous_actions"])
            parity.add_numbers(numbers_of(bundle, middle), found["deterministic_continuous_actions"])
        if stateful:
            memory = found["recurrent_out"]
            parity.add_states(own, memory[:, 0])
    parity.require("The Unity model")
    return parity
