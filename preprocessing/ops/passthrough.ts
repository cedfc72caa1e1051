/** The columns as they are, strings included (`passthrough` in a ColumnTransformer). */
import { closedObject } from "../closed-schema.js";
import { defineOperator } from "../operator.js";

export const passthrough = defineOperator(closedObject({}), (columns) => ({ columns }));
