// Tables for the terminal and for Markdown; and each part's result as such tables.

const bytes = (value) => `${(value / 2 ** 20).toFixed(0)} MiB`;
const ratio = (value) => `${value.toFixed(2)}×`;

/** tables: [{ title, columns: [[title, "left" | "right"]], rows, notes }] */
export const tablesOf = {
  comparison: (title, { batchSize, threads, sides, skipped }) => [
    {
      title: `${title}: batch ${batchSize}, ${threads} threads`,
      columns: [
        ["side", "left"],
        ["images/s", "right"],
        ["netc is", "right"],
        ["over the rounds", "right"],
        ["peak memory", "right"],
        ["growth", "right"],
      ],
      rows: sides.map((side, index) => [
        side.name,
        side.imagesPerSecond.toFixed(side.imagesPerSecond < 100 ? 1 : 0),
        side.isNetc || index === 0 ? "" : ratio(side.ratio),
        side.isNetc || index === 0 ? "" : side.ratioRange.map((value) => value.toFixed(2)).join(" to "),
        bytes(side.peakBytes),
        bytes(side.growthBytes),
      ]),
      notes: [
        `netc's data: ${sides[0].data}, through its own loader; the peers': one batch that lies ready in memory`,
        `preparing a batch takes netc ${sides[0].dataMilliseconds.toFixed(1)} ms, while the step before it runs`,
        ...fastestNotes(sides),
        ...sides.flatMap(acceleratedNotes),
        ...skipped.map(skippedNote),
      ],
    },
  ],

  engines: (title, { engines, workloads, skipped }) => [
    {
      title: `${title}: what their tests find, and images/s in training`,
      columns: [
        ["engine", "left"],
        ["tests passed", "right"],
        ["losses beside wasm", "right"],
        ["on from its state", "right"],
        ["memory", "right"],
        ...workloads.map(({ name }) => [name, "right"]),
      ],
      rows: engines.flatMap((engine) => {
        const sidesOf = (precision) =>
          workloads.map(({ figures }) => rateOf(figures.sides, engine.name, precision)).map((rate) => rate ?? "");
        const rows = [[engine.name, ...testCells(engine), ...sidesOf("float32")]];
        const inBfloat16 = sidesOf("bfloat16");
        if (inBfloat16.some((cell) => cell !== ""))
          rows.push([`${engine.name}, bfloat16`, "", "", "", "", ...inBfloat16]);
        return rows;
      }),
      notes: [
        "losses: the greatest relative distance of a loss from the wasm engine's, over so many steps of each of three small networks",
        "on from its state: the same over ten more steps, after the state of one of the two engines went over to the other",
        "memory: by how much the process had grown between a third of so many steps and all of them",
        ...engines.map(({ name, version }) => `${name}: ${version}`),
        ...skipped.map(skippedNote),
      ],
    },
    ...workloads.flatMap((workload) => tablesOf.comparison(workload.title, workload.figures)),
  ],

  neighbour: (title, { batchSize, threads, sides }) => [
    {
      title: `${title}: batch ${batchSize}, ${threads} threads`,
      columns: [
        ["side", "left"],
        ["alone, images/s", "right"],
        ["beside it, images/s", "right"],
        ["kept", "right"],
      ],
      rows: sides.map(({ name, alone, beside }) => [
        name,
        alone.toFixed(0),
        beside.toFixed(0),
        `${((beside / alone) * 100).toFixed(0)}%`,
      ]),
      notes: ["the neighbour is one other process that computes without a pause"],
    },
  ],

  "cold-start": (title, { commands, skipped = [] }) => [
    {
      title,
      columns: [
        ["command", "left"],
        ["milliseconds", "right"],
        ["peak memory", "right"],
        ["runs", "right"],
      ],
      rows: commands.map(({ command, milliseconds, peakBytes, runs }) => [
        command,
        milliseconds.toFixed(0),
        peakBytes === null ? "" : bytes(peakBytes),
        String(runs),
      ]),
      notes: [...commands.flatMap(({ note }) => note ?? []), ...skipped.map(skippedNote)],
    },
  ],

  growth: (
    title,
    { series, compile, kernels = "netc's own, or those of the machine's oneDNN where they were faster" },
  ) => [
    ...series.map(({ name, unit, points, timeExponent, heapExponent, note }) => ({
      title: `${title}: ${name}`,
      columns: [
        [unit, "right"],
        ["ms a step", "right"],
        ["images/s", "right"],
        ["heap", "right"],
      ],
      rows: points.map(({ x, milliseconds, imagesPerSecond, heapBytes }) => [
        String(x),
        milliseconds.toFixed(1),
        imagesPerSecond.toFixed(imagesPerSecond < 100 ? 1 : 0),
        bytes(heapBytes),
      ]),
      notes: [
        ...(timeExponent === null
          ? []
          : [
              `time grows with the power ${timeExponent.toFixed(2)} of ${unit}, the heap with ${heapExponent.toFixed(2)}`,
            ]),
        ...(note ? [note] : []),
        `kernels: ${kernels}`,
      ],
    })),
    {
      title: `${title}: compiling`,
      columns: [
        ["blocks", "right"],
        ["ms", "right"],
      ],
      rows: compile.map(({ blocks, milliseconds }) => [String(blocks), milliseconds.toFixed(0)]),
      notes: ["from the file's text to the Program, in one process that has compiled nothing before"],
    },
  ],
};

/** Of an engine that computes by itself, without another library's kernels. */
function rateOf(sides, engine, precision) {
  const side = sides.find((side) => side.engine === engine && side.precision === precision);
  return side?.imagesPerSecond.toFixed(side.imagesPerSecond < 100 ? 1 : 0);
}

function testCells({ passed, failed, steps, distance, stateDistance, memorySteps, memoryBytes }) {
  const within = (value, over) => (value === null ? "" : `${value.toExponential(0)}${over}`);
  return [
    `${passed} of ${passed + failed}`,
    within(distance, ` over ${steps}`),
    within(stateDistance, ""),
    memoryBytes === null ? "" : `${(memoryBytes / 2 ** 20).toFixed(1)} MiB over ${memorySteps}`,
  ];
}

/** What netc out of npm alone is to the fastest peer of its precision. */
function fastestNotes(sides) {
  const peers = sides.filter(({ isNetc, precision }) => !isNetc && precision === sides[0].precision);
  if (peers.length === 0) return [];
  const fastest = peers.reduce((best, peer) => (peer.imagesPerSecond > best.imagesPerSecond ? peer : best));
  return [`the fastest peer is ${fastest.name}: netc is ${ratio(fastest.ratio)} it`];
}

function acceleratedNotes({ name, others = [] }) {
  return others.map((other) => {
    const spread = other.ratioRange.map((value) => value.toFixed(2)).join(" to ");
    return `${other.name} is ${ratio(other.ratio)} ${name} (${spread} over the rounds)`;
  });
}

function skippedNote({ name, reason, install }) {
  return `skipped ${name}: ${reason}${install ? `; to have it: ${install}` : ""}`;
}

export function textTable({ title, columns, rows, notes }) {
  const cells = [columns.map(([name]) => name), ...rows];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => [...row[column]].length)));
  const pad = (text, column) => {
    const space = " ".repeat(widths[column] - [...text].length);
    return columns[column][1] === "left" ? text + space : space + text;
  };
  const lines = cells.map((row) => row.map(pad).join("  ").trimEnd());
  return [title, ...lines, ...notes.map((note) => `  ${note}`), ""].join("\n");
}

export function markdownTable({ title, columns, rows, notes }) {
  const line = (row) => `| ${row.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = line(columns.map(([, align]) => (align === "left" ? "---" : "---:")));
  const list = notes.map((note) => `- ${note}`);
  return [
    `### ${title}`,
    "",
    line(columns.map(([name]) => name)),
    rule,
    ...rows.map(line),
    "",
    ...list,
    ...(list.length > 0 ? [""] : []),
  ].join("\n");
}
