/** One of several serving processes, as its server sees it. */

import type { SharedPorts } from "./listeners.js";
import type { Machine } from "./machine.js";
import type { Routes } from "./routing/route.js";

/** What a server that is one of several serving processes does otherwise than one that is alone. */
export interface ServingPart {
  /** Stands in each line of its log. */
  readonly process: string;
  /** Its part of the machine. */
  readonly machine: Machine;
  readonly shared: SharedPorts;
  /** As they hold when it starts; the primary has the file. */
  readonly routes: Routes;
  /** Whether others serve meanwhile: then it listens once it is ready. */
  readonly listensWhenReady: boolean;
}
