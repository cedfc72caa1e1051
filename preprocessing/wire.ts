/**
 * Wires a graph by id: every node gets the columns of its sources and is planned once.
 *
 * What holds of the result: a source is an input or an earlier node (so there is no cycle), ids are unique, and nothing
 * that the document declares is left unused.
 */
import type { InputColumn } from "./column.js";
import type { GraphNode } from "./graph.js";
import { describe, GraphError } from "./graph-error.js";
import type { Operator, Step } from "./operator.js";
import type { Refusals } from "./refusals.js";

interface Table {
  columns: readonly InputColumn[];
  /** Where it is declared, for messages. */
  path: string;
  used: boolean;
}

export class Wiring {
  /** In the order of the nodes: each reads only what earlier ones wrote. */
  readonly steps: Step[] = [];
  readonly #tables = new Map<string, Table>();
  #laterIds = new Set<string>();

  /** Adds a graph input. */
  addInput(name: string, columns: readonly InputColumn[], path: string): void {
    this.#declare(name, `${path}.name`, columns);
  }

  /**
   * Plans the nodes in order.
   *
   * @throws {@link GraphError} for ids and sources that do not fit, and for what the operators refuse.
   */
  addNodes(nodes: readonly GraphNode[], operators: ReadonlyMap<string, Operator>, refusals: Refusals): void {
    this.#laterIds = new Set(nodes.map(({ id }) => id));
    for (const [index, { id, op, inputs, params }] of nodes.entries()) {
      const path = `nodes[${index}]`;
      const { columns, step } = operators
        .get(op)!
        .plan(this.columnsOf(inputs, `${path}.inputs`), params, { path, refusals });
      this.#declare(id, `${path}.id`, columns);
      this.#laterIds.delete(id);
      if (step !== undefined) this.steps.push(step);
    }
  }

  /** The columns of the sources, side by side. @throws {@link GraphError} for a source that isn't there, or not yet. */
  columnsOf(sources: readonly string[], path: string): readonly InputColumn[] {
    return sources.flatMap((source, index) => {
      const table = this.#tables.get(source);
      if (table === undefined) {
        const got = this.#laterIds.has(source) ? `${describe(source)}, which is not an earlier one` : describe(source);
        throw new GraphError(`${path}[${index}]`, "the name of an input or the id of an earlier node", got);
      }
      table.used = true;
      return table.columns;
    });
  }

  /** @throws {@link GraphError} for an input or a node that neither a node nor an output takes. */
  refuseUnused(): void {
    for (const [id, { path, used }] of this.#tables) {
      if (!used)
        throw new GraphError(
          path,
          "a name that a later node or an output takes",
          `${describe(id)}, which nothing takes`,
        );
    }
  }

  #declare(id: string, path: string, columns: readonly InputColumn[]): void {
    if (this.#tables.has(id)) throw new GraphError(path, "a name that no input and no earlier node has", describe(id));
    this.#tables.set(id, { columns, path, used: false });
  }
}
