/** The weight of each term of a vocabulary in a text, as TfidfVectorizer: CountVectorizer, then TfidfTransformer. */
import { closedObject } from "../closed-schema.js";
import { defineOperator } from "../operator.js";
import { countParams, planCounts } from "../text/count-terms.js";
import { planWeights, weightParams } from "../text/weigh-terms.js";

export const tfidfVectorizer = defineOperator(
  closedObject({ ...countParams, ...weightParams }),
  (columns, params, context) => {
    const counts = planCounts(columns, params, context);
    const weights = planWeights(counts.group, params, context);
    const step = (rowCount: number): void => {
      counts.step(rowCount);
      weights.step(rowCount);
    };
    return { columns: weights.group.columns, step };
  },
);
