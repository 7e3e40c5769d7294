// Imported by a process ahead of netc: appends the path of every file that it opens to the file that NETC_TEST_READS names.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { resolve } from "node:path";

const { appendFileSync } = fs;

function counted(holder, name) {
  const open = holder[name];
  holder[name] = (path, ...rest) => {
    if (typeof path === "string") appendFileSync(process.env.NETC_TEST_READS, `${resolve(path)}\n`);
    return open(path, ...rest);
  };
}

for (const name of ["openSync", "readFileSync", "createReadStream"]) counted(fs, name);
for (const name of ["open", "readFile"]) counted(fs.promises, name);
syncBuiltinESMExports();
