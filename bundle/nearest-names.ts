/** The names that somebody who wrote an unknown one may have meant. */

/** Names are compared by so many characters at most: a foreign name may be of any length. */
const comparedMax = 64;

/** @returns Up to `max` of the known names, nearest first: by how many characters differ, in any case of letters. */
export function nearestNames(name: string, known: readonly string[], max = 3): string[] {
  const wanted = comparable(name);
  return known
    .map((each) => ({ each, distance: editDistance(wanted, comparable(each)) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, max)
    .map(({ each }) => each);
}

function comparable(name: string): string {
  return name.slice(0, comparedMax).toLowerCase();
}

/** Characters to insert, delete or replace until one text is the other (Levenshtein), row by row of the usual table. */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = above[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, above[column]! + 1, current[column - 1]! + 1));
    }
    above = current;
  }
  return above[to.length]!;
}
