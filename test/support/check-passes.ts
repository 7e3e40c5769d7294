// Before every test file: each pass of lowering has its graph checked.
import { checkPasses } from "../../src/compiler/lower/step/check-training-graph.js";

checkPasses();
