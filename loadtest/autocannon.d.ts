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
    errors: number;
    timeouts: number;
    non2xx: number;
    "2xx": number;
    /** Milliseconds, whole. */
    latency: { p50: number; p99: number; max: number };
  }
  export default function autocannon(options: Options): Promise<Result>;
}
