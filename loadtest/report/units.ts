/** Numbers as people read them, with their unit. */

import { figure } from "../table.js";

export function milliseconds(ms: number): string {
  return `${figure(ms)} ms`;
}

/** Short times of the server's stages: microseconds below one millisecond. */
export function shortTime(seconds: number): string {
  return seconds < 0.001 ? `${figure(seconds * 1e6)} µs` : milliseconds(seconds * 1000);
}

/** A whole number, thousands set apart. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

export function percent(share: number): string {
  return `${figure(100 * share)} %`;
}
