/** How often each term of a vocabulary is in a text, as CountVectorizer. */
import { closedObject } from "../closed-schema.js";
import { defineOperator } from "../operator.js";
import { countParams, planCounts } from "../text/count-terms.js";

export const countVectorizer = defineOperator(closedObject(countParams), (columns, params, context) => {
  const { group, step } = planCounts(columns, params, context);
  return { columns: group.columns, step };
});
