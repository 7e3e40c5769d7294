// Bundled with tfjs-core's own specs: its registries are the process's, so this copy shares them with the one that the backend uses.
const { setTestEnvs } = require("@tensorflow/tfjs-core/dist/jasmine_util");
require("@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops");
require("@tensorflow/tfjs-core/dist/register_all_gradients");
setTestEnvs([globalThis.testEnvironment]);
require("@tensorflow/tfjs-core/dist/tests");
