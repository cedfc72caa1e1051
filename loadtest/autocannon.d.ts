/** The part of autocannon that is used here; the package brings no types of its own. */
declare module "autocannon" {
  export interface Client {
    setRequests(requests: readonly { method: string; headers: Record<string, string>; body: string }[]): void;
  }
  export interface Options {
    url: string;
    connections: number;
    /** Seconds. */
    duration: number;
    pipelining: number;
    method: string;
    setupClient(client: Client): void;
  }
  export interface Result {
    /** Seconds. */
    duration: number;
    /** Failed connections, timeouts included. */
    errors: number;
    timeouts: number;
    non2xx: number;
    "2xx": number;
    /** Milliseconds, whole. */
    latency: Record<"p50" | "p75" | "p90" | "p97_5" | "p99" | "p99_9" | "p99_99" | "max", number>;
    statusCodeStats: Record<string, { count: number }>;
  }
  export interface Run extends PromiseLike<Result> {
    /** Each second: how many replies came in it. */
    on(event: "tick", listener: (tick: { counter: number }) => void): void;
  }
  export default function autocannon(options: Options): Run;
}
