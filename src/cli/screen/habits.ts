// What people type who come from other trainers → what it is called here: a hint under commander's own error.
import { shellWord } from "../../runtime/process/shell-word.js";

/** A command by another name, and the arguments that say the same here. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  ...namesOf(["train", "fit", "start", "fine-tune", "finetune"], ["run"]),
  ...namesOf(["resume", "continue"], ["run", "--resume"]),
  ...namesOf(["eval", "test", "val", "score"], ["evaluate"]),
  ...namesOf(["validate", "lint", "verify"], ["check"]),
  ...namesOf(["summary", "visualize", "visualise", "plot", "draw", "show"], ["graph"]),
  ...namesOf(["infer", "inference", "classify", "detect"], ["predict"]),
  ...namesOf(["convert", "save"], ["export"]),
  ...namesOf(["list", "ls", "history"], ["runs"]),
  ...namesOf(["new", "create"], ["init"]),
  ...namesOf(["presets", "models", "zoo"], ["init", "--list"]),
  ...namesOf(["benchmark", "bench", "time"], ["profile"]),
  ...namesOf(["dashboard", "tensorboard", "ui", "monitor"], ["watch"]),
  ...namesOf(["info", "env", "system"], ["doctor"]),
  ...namesOf(["download", "fetch"], ["data", "fetch"]),
  ...namesOf(["docs", "keys"], ["explain"]),
  version: ["--version"],
};

/** Options by other names. VALUE stands for what was given with them. */
const OPTIONS: Readonly<Record<string, string>> = {
  ...namesOf(["epochs", "epoch", "num-epochs", "num-train-epochs", "max-epochs"], "--set train.epochs=VALUE"),
  ...namesOf(["lr", "learning-rate", "lr0"], "--set train.learning_rate=VALUE"),
  ...namesOf(["batch-size", "batch", "bs", "b", "train-batch-size"], "--set train.batch_size=VALUE"),
  ...namesOf(["optimizer", "opt"], "--set train.optimizer=VALUE"),
  ...namesOf(["data", "dataset", "data-dir", "data-path"], "--set data.dataset=VALUE"),
  ...namesOf(["img-size", "imgsz", "image-size", "input-size", "imsize"], "--set data.resize=VALUE"),
  ...namesOf(["amp", "bf16", "fp16", "half", "mixed-precision"], "--set train.precision=bfloat16"),
  ...namesOf(["output", "output-dir", "save-dir", "logdir", "log-dir", "project"], "--out VALUE"),
  ...namesOf(["workers", "num-workers", "j"], "--threads VALUE, which trains; batches are prepared beside it"),
  ...namesOf(["gpu", "gpus", "cuda"], "--engine tensorflow --device gpu:0"),
  ...namesOf(["steps", "max-iters", "iterations"], "--max-steps VALUE"),
  ...namesOf(["checkpoint", "ckpt", "load"], "--resume"),
  ...namesOf(["config", "cfg", "c", "f", "file"], "the file by itself: `netc COMMAND FILE`"),
  ...namesOf(["name", "run-name"], "--set name=VALUE"),
  ...namesOf(["v", "verbose", "debug"], "nothing: every fault is told in full"),
};

/** What the arguments probably mean, as a line under the error; empty where nothing is known. */
export function habitHint(error: string, args: readonly string[]): string {
  const command = /unknown command '([^']*)'/.exec(error)?.[1];
  const meant = command === undefined ? undefined : ownEntry(COMMANDS, command);
  if (meant) {
    const rest = args.slice(args.indexOf(command!) + 1);
    return `hint: \`${["netc", ...meant, ...rest].map((word) => shellWord(word)).join(" ")}\`\n`;
  }
  const [, flag] = /unknown option '--?([^'=]*)[^']*'/.exec(error) ?? [];
  const here = flag === undefined ? undefined : ownEntry(OPTIONS, flag.replaceAll("_", "-"));
  if (!here) return "";
  const value = valueOf(flag!, args);
  const text = value === undefined ? here : here.replace(/(\S*)VALUE/, (_, key: string) => shellWord(key + value));
  return `hint: here that is ${text}\n`;
}

/** `--flag=3`, or the word after `--flag`. */
function valueOf(flag: string, args: readonly string[]): string | undefined {
  const at = args.findIndex((word) => word.replace(/^--?/, "").split("=")[0] === flag && word.startsWith("-"));
  const [, inline] = /=(.*)$/s.exec(args[at] ?? "") ?? [];
  const next = args[at + 1];
  return inline ?? (next?.startsWith("-") ? undefined : next);
}

function ownEntry<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function namesOf<T>(names: readonly string[], meaning: T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, meaning]));
}
