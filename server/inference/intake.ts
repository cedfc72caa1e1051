/**
 * Room for the rows of small calls that wait for the event loop: preprocessing writes them side by side into the
 * engine's own memory, and a batch of them is run from there, with no block of its own to be made, filled and thrown
 * away.
 *
 * Invariants:
 * - Rows are given out in the order in which calls come, and all at once taken back when no call waits in it any more.
 * - A call that is to wait for anything but the next batch of the event loop leaves: it gets blocks of its own.
 */

import type { Block } from "../../preprocessing/index.js";

/** As many rows as a batch of the event loop has. */
export const intakeRowsMax = 256;

/** A call as its blocks hold it. */
export interface HeldCall {
  readonly rowCount: number;
  blocks: readonly Block[];
  /** Where its rows begin in its blocks. */
  blockRow: number;
}

export class Intake {
  readonly blocks: readonly Block[];
  /** Values per row, per block. */
  readonly widths: readonly number[];
  readonly #rowsMax: number;
  #rows = 0;

  constructor(blocks: readonly Block[], widths: readonly number[]) {
    this.blocks = blocks;
    this.widths = widths;
    this.#rowsMax = Math.min(...blocks.map(({ length }, i) => Math.floor(length / widths[i]!)));
  }

  /** @returns Whether there was room: the call's blocks are these then, from its `blockRow` on. */
  admit(call: HeldCall): boolean {
    if (this.#rows + call.rowCount > this.#rowsMax) return false;
    call.blocks = this.blocks;
    call.blockRow = this.#rows;
    this.#rows += call.rowCount;
    return true;
  }

  /** Whether the call's rows stand here. */
  holds(call: HeldCall): boolean {
    return call.blocks === this.blocks;
  }

  /** Gives a call blocks of its own, if it stands here. */
  release(call: HeldCall): void {
    if (!this.holds(call)) return;
    const { blockRow, rowCount } = call;
    call.blocks = this.blocks.map((block, i) =>
      block.slice(blockRow * this.widths[i]!, (blockRow + rowCount) * this.widths[i]!),
    );
    call.blockRow = 0;
  }

  /** Once no call waits in it. */
  clear(): void {
    this.#rows = 0;
  }

  /**
   * The rows of calls that stand in it, in this order, without gaps: those of calls that were given up meanwhile are
   * closed.
   *
   * @returns Views, [Σ rows, width].
   */
  gather(calls: readonly HeldCall[]): Block[] {
    const first = calls[0]!.blockRow;
    let row = first;
    for (const call of calls) {
      if (call.blockRow !== row) this.#move(call, row);
      row += call.rowCount;
    }
    return this.blocks.map((block, i) => block.subarray(first * this.widths[i]!, row * this.widths[i]!));
  }

  #move(call: HeldCall, row: number): void {
    for (let i = 0; i < this.blocks.length; i++) {
      const width = this.widths[i]!;
      this.blocks[i]!.copyWithin(row * width, call.blockRow * width, (call.blockRow + call.rowCount) * width);
    }
    call.blockRow = row;
  }
}
