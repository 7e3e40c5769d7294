// A group of all parameters that says nothing of its own: tests say what they change.
import type { GroupConfig } from "../../src/compiler/config.js";

export const plainGroup: GroupConfig = {
  roles: [],
  layers: [],
  optimizer: null,
  learning_rate: null,
  rate_factor: 1,
  weight_decay: null,
  from_epoch: 0,
  epochs: null,
  frozen_norms: "running",
};
