/** `npm run loadtest`: see command.ts for what it takes. */

import { loadtest } from "./command.js";
import { runAsProgram } from "./program.js";

await runAsProgram(loadtest);
