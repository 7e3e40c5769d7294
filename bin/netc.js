#!/usr/bin/env node
// Starts the command line, or says in one sentence what is missing. No syntax here that an old Node cannot read.
import { existsSync } from "fs";
import module from "module";

const [major, minor] = process.versions.node.split(".").map(Number);
const entry = new URL("../dist/bundle/main.js", import.meta.url);

function refuse(sentence) {
  console.error(sentence);
  process.exitCode = 1;
}

if (major < 20 || (major === 20 && minor < 11)) {
  refuse(
    `netc needs Node 20.11 or newer, and this is Node ${process.versions.node}: get a newer one from https://nodejs.org`,
  );
} else if (!existsSync(entry)) {
  refuse("netc is not built yet: run `npm ci` (or `npm run build`) in its folder, then try again");
} else {
  // From Node 22 on: what was compiled is kept for the next start
  if (module.enableCompileCache) module.enableCompileCache();
  import(entry.href)
    .then(({ main }) => main(process.argv.slice(2)))
    .then((exitCode) => {
      process.exitCode = exitCode;
    });
}
