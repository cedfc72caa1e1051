/** `npm run conformance`: see command.ts for what it takes. */

import { runAsProgram } from "../loadtest/program.js";
import { conformance } from "./command.js";

await runAsProgram(conformance);
