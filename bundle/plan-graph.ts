/**
 * Reading a graph that stands in a bundle: parsed, and planned once, so that its wiring and its widths are known to be
 * right.
 */
import { type GraphDocument, GraphError, parseGraph } from "../preprocessing/index.js";
import type { Parsed } from "./document.js";
import { sentence } from "./problem.js";

export const preprocessingFile = "preprocessing.json";
export const postprocessingFile = "postprocessing.json";

/** Where a graph stands: in a file of its own, or under a member of another one. */
export interface GraphPlace {
  file: string;
  /** The member, such as `fallback.preprocessing`. */
  member?: string;
}

/** A place in the graph as a place in its file. */
export function placeIn({ file, member }: GraphPlace, where: string): { file: string; where: string } {
  return { file, where: member === undefined ? where : `${member}.${where}` };
}

/** @param create - Plans the graph; servers plan it again for themselves. */
export function planGraph<Plan>(
  place: GraphPlace,
  document: unknown,
  create: (graph: GraphDocument) => Plan,
): Parsed<{ graph: GraphDocument; plan: Plan }> {
  try {
    const graph = parseGraph(document);
    return { value: { graph, plan: create(graph) } };
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    return { problems: [sentence({ ...placeIn(place, error.path), expected: error.expected, got: error.got })] };
  }
}
