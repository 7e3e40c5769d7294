// Where TensorFlow's library is looked for: folders made up for each test, with nothing in the files.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { findTensorflow } from "../../../src/runtime/engines/tensorflow/find-library.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const PACKAGES = "lib/python3.11/site-packages";

async function folderWith(...files: string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "");
  }
  return folder;
}

it("finds a wheel's library in an environment that NETC_TENSORFLOW names, with its version and framework", async () => {
  const wheel = `${PACKAGES}/tensorflow`;
  const folder = await folderWith(
    `${wheel}/libtensorflow_cc.so.2`,
    `${wheel}/libtensorflow_framework.so.2`,
    `${PACKAGES}/tensorflow_io_gcs_filesystem-0.37.0.dist-info/METADATA`,
    `${PACKAGES}/tensorflow_cpu-2.21.0.dist-info/METADATA`,
  );
  expect(findTensorflow({ NETC_TENSORFLOW: folder })).toEqual({
    library: {
      path: join(folder, wheel, "libtensorflow_cc.so.2"),
      framework: join(folder, wheel, "libtensorflow_framework.so.2"),
      version: "2.21.0",
      foundBy: "NETC_TENSORFLOW",
    },
  });
});

it("takes a file, or the folder that holds it, by its word", async () => {
  const folder = await folderWith("libtensorflow.so.2");
  const path = join(folder, "libtensorflow.so.2");
  const expected = { library: { path, framework: undefined, version: undefined, foundBy: "NETC_TENSORFLOW" } };
  expect(findTensorflow({ NETC_TENSORFLOW: path })).toEqual(expected);
  expect(findTensorflow({ NETC_TENSORFLOW: folder })).toEqual(expected);
});

it("looks no further where NETC_TENSORFLOW leads nowhere, and says so", async () => {
  const folder = await folderWith("something-else");
  const { VIRTUAL_ENV } = { VIRTUAL_ENV: await folderWith(`${PACKAGES}/tensorflow/libtensorflow_cc.so.2`) };
  expect(findTensorflow({ NETC_TENSORFLOW: folder, VIRTUAL_ENV })).toEqual({
    missing: `NETC_TENSORFLOW is ${folder}, where there is no TensorFlow library`,
  });
});

it("names a Python package that is too old to have a library", async () => {
  const folder = await folderWith(
    `${PACKAGES}/tensorflow/libtensorflow_framework.so.2`, // all that there was before 2.12
    `${PACKAGES}/tensorflow_cpu-2.11.1.dist-info/METADATA`,
  );
  const reason = "TensorFlow 2.11.1 has no library of the C API; its Python package has one from 2.12 on";
  expect(findTensorflow({ NETC_TENSORFLOW: folder })).toEqual({
    missing: `NETC_TENSORFLOW is ${folder}, where ${reason}`,
  });
});

it("prefers the active virtual environment to conda's and to the system's libraries", async () => {
  const environment = await folderWith(`${PACKAGES}/tensorflow/libtensorflow_cc.so.2`);
  const system = await folderWith("libtensorflow.so.2");
  const both = { VIRTUAL_ENV: environment, LD_LIBRARY_PATH: system };
  expect(findTensorflow(both)).toMatchObject({ library: { foundBy: "the active virtual environment" } });
  expect(findTensorflow({ CONDA_PREFIX: environment })).toMatchObject({
    library: { foundBy: "the active conda environment" },
  });
  expect(findTensorflow({ LD_LIBRARY_PATH: system, PATH: "" })).toMatchObject({
    library: { path: join(system, "libtensorflow.so.2"), foundBy: "the system's libraries" },
  });
});
