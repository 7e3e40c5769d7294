// A filter in groups, or of a dilated kernel, [kernel height][kernel width][inputs of a group][outLanes] as the dense one that it
// equals, [span height][span width][inLanes][outLanes], and the way back of its gradient. A unit of work is a tap.
import { GatherFilter, SpreadFilter } from "../generated/operands";
import { takeUnit } from "../threads";

export function spreadFilter(call: usize): void {
  const kernelWidth = SpreadFilter.kernelWidth(call), dilationHeight = SpreadFilter.dilationHeight(call), dilationWidth = SpreadFilter.dilationWidth(call);
  const spanWidth = (kernelWidth - 1) * dilationWidth + 1, spanHeight = (SpreadFilter.kernelHeight(call) - 1) * dilationHeight + 1;
  const inputs = SpreadFilter.inputs(call), outputs = SpreadFilter.outputs(call), groups = SpreadFilter.groups(call);
  const row = <usize>SpreadFilter.outLanes(call) << 2, matrix = row * SpreadFilter.inLanes(call), run = <usize>outputs << 2;
  for (let tap = takeUnit(); tap < spanHeight * spanWidth; tap = takeUnit()) {
    const to = SpreadFilter.dense(call) + matrix * tap, r = tap / spanWidth, s = tap % spanWidth;
    memory.fill(to, 0, matrix);
    if (r % dilationHeight != 0 || s % dilationWidth != 0) continue;
    const from = SpreadFilter.weights(call) + row * (<usize>inputs * (r / dilationHeight * kernelWidth + s / dilationWidth));
    for (let group = 0; group < groups; group++) for (let input = 0; input < inputs; input++) {
      memory.copy(to + row * (group * inputs + input) + run * group, from + row * input + run * group, run);
    }
  }
}

export function gatherFilter(call: usize): void {
  const kernelWidth = GatherFilter.kernelWidth(call), dilationHeight = GatherFilter.dilationHeight(call), dilationWidth = GatherFilter.dilationWidth(call);
  const spanWidth = (kernelWidth - 1) * dilationWidth + 1, taps = GatherFilter.kernelHeight(call) * kernelWidth;
  const inputs = GatherFilter.inputs(call), outputs = GatherFilter.outputs(call), groups = GatherFilter.groups(call);
  const row = <usize>GatherFilter.outLanes(call) << 2, matrix = row * GatherFilter.inLanes(call), run = <usize>outputs << 2;
  for (let tap = takeUnit(); tap < taps; tap = takeUnit()) {
    const to = GatherFilter.weightGradient(call) + row * (<usize>inputs * tap);
    const from = GatherFilter.dense(call) + matrix * (tap / kernelWidth * dilationHeight * spanWidth + tap % kernelWidth * dilationWidth);
    memory.fill(to, 0, row * inputs); // the lanes beyond the channels
    for (let group = 0; group < groups; group++) for (let input = 0; input < inputs; input++) {
      memory.copy(to + row * input + run * group, from + row * (group * inputs + input) + run * group, run);
    }
  }
}
