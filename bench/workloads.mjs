// What is compared with peers. `network` names it in peers/torch_networks.py; `sgd` is what the file says, in PyTorch's words.
import { fileURLToPath } from "node:url";

const fileAt = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Slices are short, so that what disturbs the machine disturbs every side. */
export const workloads = [
  {
    name: "resnet-20",
    title: "ResNet-20, 32×32, training",
    file: fileAt("configs/resnet-20.yaml"),
    network: "resnet-20",
    mode: "train",
    batchSize: 128,
    imageSide: 32,
    sgd: { momentum: 0.9, weight_decay: 1e-4 },
    steps: 8,
    comparesTfjs: true,
  },
  {
    name: "tutorial-96",
    title: "the tutorial's network, 96×96, training",
    file: fileAt("configs/resnet-cifar-96.yaml"),
    network: "tutorial-96",
    mode: "train",
    batchSize: 64,
    imageSide: 96,
    sgd: {},
    steps: 4,
  },
  {
    name: "wide-resnet-9",
    title: "a wide ResNet-9 (64-128-256-512), 32×32, training",
    file: fileAt("bench/configs/wide-resnet-9.yaml"),
    network: "wide-resnet-9",
    mode: "train",
    batchSize: 512,
    imageSide: 32,
    sgd: { momentum: 0.9, nesterov: true, weight_decay: 5e-4 },
    steps: 2,
  },
  {
    name: "resnet-18",
    title: "ResNet-18, 224×224, training",
    file: fileAt("bench/configs/resnet-18.yaml"),
    network: "resnet-18",
    mode: "train",
    batchSize: 16,
    imageSide: 224,
    sgd: { momentum: 0.9, weight_decay: 1e-4 },
    steps: 2,
  },
  {
    name: "evaluation",
    title: "ResNet-20, 32×32, evaluation",
    file: fileAt("configs/resnet-20.yaml"),
    network: "resnet-20",
    mode: "evaluate",
    batchSize: 256,
    imageSide: 32,
    steps: 8,
    comparesInference: true,
  },
];
