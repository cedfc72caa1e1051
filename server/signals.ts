/** Which signals end a server, how, and which it only notes. */

import { closeSync } from "node:fs";
import { isatty } from "node:tty";

/**
 * Those that ask a process to stop: orchestrators and shells (SIGTERM, SIGINT, SIGQUIT), restarters of development
 * (SIGUSR2), system containers (SIGPWR), a limit on processor time (SIGXCPU). Node keeps SIGUSR1 for its debugger; the
 * system handles SIGKILL and SIGSTOP.
 */
const stopping = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGUSR2", "SIGPWR", "SIGXCPU"] as const;

/**
 * The first signal that asks for a stop; a second one ends the process at once.
 *
 * SIGHUP has two meanings. From a terminal that has closed it asks for a stop. From an operator it means "read your
 * settings again", which needs a restart here: it is noted and ignored, so that a habit from other servers ends
 * nothing.
 *
 * @param note - Takes a sentence for the log.
 * @param reload - What SIGHUP does where settings or bundles can be read again without a restart of the whole.
 * @param beforeEnd - What a second signal does before it ends this process.
 * @returns The signal's name.
 */
export async function onSignals(
  note: (message: string) => void,
  reload?: () => void,
  beforeEnd: () => void = () => {},
): Promise<string> {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  // Such as --heapsnapshot-signal=SIGUSR2: then the signal is Node's.
  const nodeOptions = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  return new Promise((resolve) => {
    let count = 0;
    for (const signal of stopping) {
      if (nodeOptions.includes(signal)) continue;
      process.on(signal, () => {
        if (++count === 1) resolve(signal);
        else {
          beforeEnd();
          endAtOnce();
        }
      });
    }
    process.on("SIGHUP", () => {
      // A descriptor of a terminal that has closed is none of a terminal any more. Kernel and shell both send the
      // signal then: it never counts as a second one.
      if (terminals.length > 0 && !terminals.some((descriptor) => isatty(descriptor))) {
        // At its end Node resets the terminal that it was started in, and aborts where that one is gone, unless its
        // descriptors are closed.
        process.once("exit", () => terminals.forEach(close));
        resolve("SIGHUP");
      } else if (reload !== undefined) reload();
      else
        note(
          "SIGHUP is ignored: settings and bundles are read at the start, so restart the server to have them read again",
        );
    });
  });
}

function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // Closed already.
  }
}

/** Not `process.exit`: a worker inside onnxruntime would turn that into an abort, after some time. */
export function endAtOnce(): never {
  process.kill(process.pid, "SIGKILL");
  // Only the first process of a container gets here: the kernel keeps it from killing itself, but not from crashing.
  process.abort();
}
