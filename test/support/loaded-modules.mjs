/** Writes the address of each module that this process loads into its log; for ServerProcess's `before`. */

import { register } from "node:module";

const hooks = `
  import { writeSync } from "node:fs";
  export async function load(url, context, next) {
    writeSync(2, JSON.stringify({ level: "debug", message: "module", url }) + "\\n");
    return next(url, context);
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
